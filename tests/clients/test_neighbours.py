"""The image, network and volume APIs as unmodified clients use them around a server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from openstack.connection import Connection

from tests.clients.conftest import LiveSite

pytestmark = [
    pytest.mark.clients,
    # the SDK warns of its own calls, and its cloud layer takes a warning for a failed request
    pytest.mark.filterwarnings("ignore::openstack.warnings.OpenStackDeprecationWarning"),
    pytest.mark.filterwarnings("ignore"),  # the warnings of clients are their own
]


def test_names_are_found_in_every_service(cloud: Connection) -> None:
    assert cloud.image.find_image("cirros", ignore_missing=False).status == "active"
    assert cloud.network.find_network("private", ignore_missing=False).subnet_ids
    assert cloud.network.find_security_group("web", ignore_missing=False).security_group_rules
    assert cloud.block_storage.find_volume("data", ignore_missing=False).size == 50
    assert {kind.name for kind in cloud.block_storage.types()} == {"fast", "standard"}
    assert cloud.image.find_image("nothing") is None


def test_the_cloud_layer_boots_a_server_and_makes_it_reachable(cloud: Connection) -> None:
    server = cloud.create_server(
        "reachable", image="cirros", flavor="m1.tiny", network="private", wait=True, timeout=60
    )
    kinds = {address["OS-EXT-IPS:type"] for address in server.addresses["private"]}
    assert server.status == "ACTIVE"
    assert kinds == {"fixed", "floating"}
    assert cloud.delete_server("reachable", wait=True, timeout=60, delete_ips=True)
    assert list(cloud.network.ips()) == []


def test_a_server_boots_from_a_new_volume_on_a_new_network(cloud: Connection) -> None:
    network = cloud.create_network("inside")
    cloud.create_subnet("inside", cidr="10.5.0.0/24", subnet_name="inside-v4")
    port = cloud.create_port(network.id, name="plug")
    volume = cloud.create_volume(1, name="root", image="cirros", wait=True)
    server = cloud.create_server(
        "from-volume",
        boot_volume=volume.id,
        flavor="m1.tiny",
        nics=[{"port-id": port.id}],
        auto_ip=False,
        wait=True,
        timeout=60,
    )
    assert list(server.addresses) == ["inside"]
    assert cloud.get_volume("root").attachments[0]["server_id"] == server.id
    assert cloud.delete_server(server.id, wait=True, timeout=60)
    assert cloud.get_volume("root").status == "available"
    assert cloud.get_port("plug").device_id == ""
    assert cloud.delete_volume("root")
    assert cloud.delete_port("plug")
    assert cloud.delete_network("inside")


def test_the_command_line_uploads_an_image_and_opens_a_port(
    live_site: LiveSite, tmp_path: Path
) -> None:
    def run(*words: str) -> dict[str, object]:
        environment = {
            **os.environ,
            "OS_CLIENT_CONFIG_FILE": str(live_site.clouds_yaml),
            "OS_CLOUD": "demo",
        }
        command = [str(Path(sys.executable).with_name("openstack")), *words, "-f", "json"]
        done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        found: dict[str, object] = json.loads(done.stdout)
        return found

    data = tmp_path / "disk.raw"
    data.write_bytes(b"x" * 1000)
    formats = ("--disk-format", "raw", "--container-format", "bare")
    image = run("image", "create", *formats, "--file", str(data), "uploaded")
    assert (image["status"], image["size"]) == ("active", 1000)
    rule = run(
        *("security", "group", "rule", "create", "--protocol", "tcp", "--dst-port", "8443", "web")
    )
    assert (rule["protocol"], rule["port_range_min"]) == ("tcp", 8443)


def test_admins_open_networks_and_guarantee_bandwidth(admin_cloud: Connection) -> None:
    """Objects that the SDK knows: RBAC policies, QoS policies with their rules, port bindings."""
    network = admin_cloud.network.create_network(
        name="guaranteed", provider_network_type="flat", provider_physical_network="uplink"
    )
    target = admin_cloud.identity.find_project("demo", ignore_missing=False)
    opened = admin_cloud.network.create_rbac_policy(
        object_type="network",
        object_id=network.id,
        action="access_as_shared",
        target_project_id=target.id,
    )
    assert [one.id for one in admin_cloud.network.rbac_policies(object_id=network.id)] == [
        opened.id
    ]
    policy = admin_cloud.network.create_qos_policy(name="gold")
    rule = admin_cloud.network.create_qos_minimum_bandwidth_rule(
        policy, min_kbps=1000, direction="egress"
    )
    admin_cloud.network.create_qos_bandwidth_limit_rule(policy, max_kbps=9000)
    port = admin_cloud.network.create_port(network_id=network.id, qos_policy_id=policy.id)
    [group] = port.resource_request["request_groups"]
    assert group["resources"] == {"NET_BW_EGR_KILOBIT_PER_SEC": 1000}
    admin_cloud.network.update_qos_minimum_bandwidth_rule(rule, policy, min_kbps=2000)
    [group] = admin_cloud.network.get_port(port.id).resource_request["request_groups"]
    assert group["resources"] == {"NET_BW_EGR_KILOBIT_PER_SEC": 2000}
    owned = {"device_owner": "compute:nova", "device_id": "elsewhere", "binding_host_id": "h1"}
    admin_cloud.network.update_port(port, **owned)
    bindings = f"/ports/{port.id}/bindings"
    asked = {"binding": {"host": "h2"}}
    assert admin_cloud.network.post(bindings, json=asked).status_code == 201
    assert admin_cloud.network.put(f"{bindings}/h2/activate").status_code == 200
    assert admin_cloud.network.get_port(port.id).binding_host_id == "h2"
    admin_cloud.network.delete_port(port)
    admin_cloud.network.delete_qos_policy(policy)
    admin_cloud.network.delete_rbac_policy(opened)
    admin_cloud.network.delete_network(network)


def test_old_urls_of_compute_lead_to_the_services(cloud: Connection) -> None:
    """What clients of the first microversions ask compute for."""
    old = {"microversion": "2.35"}
    group = cloud.compute.post(
        "/os-security-groups",
        json={"security_group": {"name": "old", "description": "d"}},
        **old,
    ).json()["security_group"]
    rule = {
        "parent_group_id": group["id"],
        "ip_protocol": "tcp",
        "from_port": 22,
        "to_port": 22,
    }
    made = cloud.compute.post("/os-security-group-rules", json={"security_group_rule": rule}, **old)
    assert made.json()["security_group_rule"]["ip_range"] == {"cidr": "0.0.0.0/0"}
    assert len(cloud.network.find_security_group("old").security_group_rules) == 3
    volume = cloud.compute.post("/os-volumes", json={"volume": {"size": 1}}, **old).json()["volume"]
    assert cloud.block_storage.get_volume(volume["id"]).size == 1
    assert cloud.compute.delete(f"/os-volumes/{volume['id']}", **old).status_code == 202
    assert cloud.compute.delete(f"/os-security-groups/{group['id']}", **old).status_code == 202
