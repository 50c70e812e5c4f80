"""The cloud around servers, as the command ``openstack`` shows and changes it: flavors, quotas,
hosts, groups and keys.
"""

from __future__ import annotations

import pytest
from openstack.compute.v2.server import Server

from tests.clients.conftest import Openstack

pytestmark = [
    pytest.mark.clients,
    pytest.mark.filterwarnings("ignore"),  # the warnings of clients are their own
]
ADMIN = "admin"


def test_a_flavor_is_made_changed_shared_and_removed(run_openstack: Openstack) -> None:
    made = run_openstack(
        "flavor create --id cli.1 --ram 256 --disk 1 --vcpus 1 --ephemeral 1 --swap 5"
        " --private --property hw:cpu_policy=shared --description first cli.flavor",
        cloud=ADMIN,
    )
    assert (made["ram"], made["properties"]) == (256, {"hw:cpu_policy": "shared"})
    assert "cli.flavor" not in {row["Name"] for row in run_openstack("flavor list")}
    run_openstack("flavor set --project demo --description second cli.flavor", cloud=ADMIN)
    assert run_openstack("flavor show cli.flavor")["description"] == "second"
    run_openstack("flavor unset --property hw:cpu_policy cli.flavor", cloud=ADMIN)
    shown = run_openstack("flavor show cli.flavor", cloud=ADMIN)
    assert shown["properties"] == {}
    assert len(shown["access_project_ids"]) == 1
    run_openstack("flavor unset --project demo cli.flavor", cloud=ADMIN)
    assert "No Flavor found" in run_openstack.refused("flavor show cli.flavor")
    run_openstack("flavor delete cli.flavor", cloud=ADMIN)


def test_quotas_are_set_and_taken_back(run_openstack: Openstack) -> None:
    def limits(command: str, cloud: str = "demo") -> dict[str, int]:
        return {row["Resource"]: row["Limit"] for row in run_openstack(command, cloud=cloud)}

    project = run_openstack("project create quota-project", cloud=ADMIN)["id"]
    run_openstack(f"quota set --instances 7 --cores 9 --ram 1024 {project}", cloud=ADMIN)
    found = limits(f"quota show --compute {project}", ADMIN)
    assert (found["instances"], found["cores"], found["ram"]) == (7, 9, 1024)
    run_openstack(f"quota delete --compute {project}", cloud=ADMIN)
    assert limits(f"quota show --compute {project}", ADMIN)["instances"] == 10
    assert limits("quota show --default")["instances"] == 10
    usage = {row["Resource"]: row for row in run_openstack("quota show --usage")}
    assert usage["instances"]["In Use"] >= 1
    run_openstack(f"project delete {project}", cloud=ADMIN)


def test_limits_and_usage_are_shown(run_openstack: Openstack) -> None:
    limits = {
        row["Name"]: row["Value"] for row in run_openstack("limits show --absolute", version="2.1")
    }
    assert limits["instances_used"] >= 1
    assert run_openstack("usage show")["CPU Hours"] >= 0
    demo = run_openstack("project show demo", cloud=ADMIN)["id"]
    assert demo in {row["Project"] for row in run_openstack("usage list", cloud=ADMIN)}


def test_a_key_pair_is_made_shown_and_removed(run_openstack: Openstack) -> None:
    private = run_openstack("keypair create cli-key")
    assert "PRIVATE KEY" in private
    assert run_openstack("keypair show cli-key")["type"] == "ssh"
    assert run_openstack("keypair show --public-key cli-key").startswith("ssh-")
    of_demo = run_openstack("keypair list --user demo", cloud=ADMIN)
    assert "cli-key" in {row["Name"] for row in of_demo}
    run_openstack("keypair delete cli-key")
    assert "cli-key" not in {row["Name"] for row in run_openstack("keypair list")}


def test_a_server_group_keeps_servers_apart(run_openstack: Openstack) -> None:
    rule = "--policy anti-affinity --rule max_server_per_host=1"
    group = run_openstack(f"server group create {rule} cli-group")
    assert (group["policy"], group["rules"]) == ("anti-affinity", {"max_server_per_host": 1})
    made = [
        run_openstack(
            "server create --image cirros --flavor m1.tiny --nic none --server-group cli-group"
            f" --wait apart-{number}"
        )
        for number in (1, 2)
    ]
    zones = {server["OS-EXT-AZ:availability_zone"] for server in made}
    assert zones == {"rack1", "rack2"}
    members = run_openstack("server group show cli-group")["members"]
    assert set(members) == {server["id"] for server in made}
    run_openstack("server delete --wait apart-1 apart-2")
    run_openstack("server group delete cli-group")


def test_an_aggregate_is_made_filled_changed_and_removed(run_openstack: Openstack) -> None:
    run_openstack("aggregate create --property ssd=true cli-aggregate", cloud=ADMIN)
    filled = run_openstack("aggregate add host cli-aggregate rack1-node1", cloud=ADMIN)
    assert filled["hosts"] == ["rack1-node1"]
    run_openstack("aggregate set --name cli-renamed --property a=b cli-aggregate", cloud=ADMIN)
    run_openstack("aggregate unset --property ssd cli-renamed", cloud=ADMIN)
    assert run_openstack("aggregate show cli-renamed", cloud=ADMIN)["properties"] == {"a": "b"}
    run_openstack("aggregate cache image cli-renamed cirros", cloud=ADMIN)
    run_openstack("aggregate remove host cli-renamed rack1-node1", cloud=ADMIN)
    run_openstack("aggregate delete cli-renamed", cloud=ADMIN)
    names = {row["Name"] for row in run_openstack("aggregate list", cloud=ADMIN)}
    assert names == {"rack1", "rack2"}


def test_a_host_is_taken_out_of_service(run_openstack: Openstack) -> None:
    def service() -> dict[str, str]:
        (row,) = run_openstack("compute service list --long --host rack2-node1", cloud=ADMIN)
        found: dict[str, str] = row
        return found

    run_openstack(
        "compute service set --disable --disable-reason repair rack2-node1 nova-compute",
        cloud=ADMIN,
    )
    assert (service()["Status"], service()["Disabled Reason"]) == ("disabled", "repair")
    run_openstack("compute service set --enable --down rack2-node1 nova-compute", cloud=ADMIN)
    assert (service()["Status"], service()["State"]) == ("enabled", "down")
    run_openstack("compute service set --up rack2-node1 nova-compute", cloud=ADMIN)
    assert service()["State"] == "up"


def test_hosts_and_zones_are_shown(run_openstack: Openstack, server: Server) -> None:
    shown = run_openstack("hypervisor show rack1-node1", cloud=ADMIN)
    assert shown["hypervisor_type"] == "fake"
    stats = run_openstack("hypervisor stats show", cloud=ADMIN, version="2.87")
    assert (stats["count"], stats["running_vms"] >= 1) == (2, True)
    rows = run_openstack("availability zone list --compute --long", cloud=ADMIN)
    assert {"rack1-node1", "conductor"} <= {row["Host Name"] for row in rows}
    of_host = {
        row["ID"]
        for host in ("rack1-node1", "rack2-node1")
        for row in run_openstack(f"server list --all-projects --host {host}", cloud=ADMIN)
    }
    assert server.id in of_host


def test_a_server_is_put_on_a_host_or_into_a_zone(run_openstack: Openstack) -> None:
    order = "server create --image cirros --flavor m1.tiny --nic none --wait"
    pinned = run_openstack(f"{order} --host rack2-node1 pinned", cloud=ADMIN)
    assert pinned["OS-EXT-SRV-ATTR:host"] == "rack2-node1"
    placed = run_openstack(f"{order} --availability-zone rack1 placed")
    assert placed["OS-EXT-AZ:availability_zone"] == "rack1"
    assert "zone moon" in run_openstack.refused(f"{order} --availability-zone moon nowhere")
    run_openstack("server delete --wait pinned", cloud=ADMIN)
    run_openstack("server delete --wait placed")


def test_a_server_boots_from_a_new_volume(run_openstack: Openstack) -> None:
    made = run_openstack(
        "server create --flavor m1.tiny --image cirros --boot-from-volume 2 --network private"
        " --wait cli-volume"
    )
    (row,) = run_openstack("server volume list cli-volume")
    assert row["Device"] == "/dev/vda"
    assert run_openstack(f"volume show {row['Volume ID']}")["status"] == "in-use"
    run_openstack(f"server delete --wait {made['id']}")
    assert run_openstack(f"volume show {row['Volume ID']}")["status"] == "available"
    run_openstack(f"volume delete {row['Volume ID']}")
