"""A cloud file becomes rows; loading it again changes nothing."""

from __future__ import annotations

import base64
import copy
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.apps import apps
from django.core.management import CommandError, call_command

from compute_site.cloudfile.errors import CloudFileError
from compute_site.cloudfile.load import load_cloud, parse
from compute_site.identity.models import Project, ProjectRole, User
from compute_site.neighbours.image.models import Image
from compute_site.neighbours.network.models import (
    FixedIp,
    Network,
    Port,
    Quota,
    SecurityGroup,
    Subnet,
)
from compute_site.neighbours.volume.models import Attachment, Snapshot, Volume
from flavors.models import Flavor, FlavorAccess
from quotas.models import Limit, Usage
from servers.models import Aggregate, ComputeNode, KeyPair, ServerGroup, Service
from tests.world.client import ApiClient
from tests.world.hosts import set_inventory

pytestmark = pytest.mark.django_db

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAYW9txNtENzTHq54gYT8buvEWe/5xSGgstpUHMsn3Ti someone"
NETWORK = "10000000-0000-4000-8000-000000000001"
SUBNET = "10000000-0000-4000-8000-000000000002"
PORT = "10000000-0000-4000-8000-000000000003"
VOLUME = "10000000-0000-4000-8000-000000000004"
HOLDER = "10000000-0000-4000-8000-000000000005"
GROUP = "10000000-0000-4000-8000-000000000006"
IMAGE = "10000000-0000-4000-8000-000000000007"

CLOUD: dict[str, Any] = {
    "projects": [{"id": "c" * 32, "name": "red", "description": "the first"}, {"name": "blue"}],
    "users": [
        {
            "name": "ann",
            "password": "secret",
            "projects": [
                {"project": "red", "role": "member"},
                {"project": "blue", "role": "reader"},
            ],
        },
        {"name": "root-of-all", "projects": [{"project": "red", "role": "admin"}]},
    ],
    "cells": [{"name": "cell2"}],
    "hosts": [
        {"name": "h1", "vcpus": 4, "memory_mb": 8192, "local_gb": 100, "driver": "fake"},
        {
            "name": "h2",
            "hypervisor_hostname": "node2",
            "cell": "cell2",
            "vcpus": 4,
            "memory_mb": 8192,
            "local_gb": 100,
            "enabled": False,
        },
    ],
    "aggregates": [
        {
            "name": "rack",
            "availability_zone": "zone-r",
            "hosts": ["h1", "h2"],
            "metadata": {"ssd": True},
        }
    ],
    "flavors": [
        {
            "id": "9",
            "name": "own",
            "ram": 512,
            "vcpus": 1,
            "disk": 1,
            "OS-FLV-EXT-DATA:ephemeral": 2,
            "swap": "",
            "os-flavor-access:is_public": False,
            "extra_specs": {"hw:numa_nodes": 2},
            "access": ["red"],
        }
    ],
    "images": [
        {
            "id": IMAGE,
            "name": "small",
            "visibility": "public",
            "owner": "red",
            "min_ram": 64,
            "tags": ["a"],
            "hw_numa_nodes": "two",
            "hw_boot_menu": True,
        }
    ],
    "networks": [
        {
            "id": NETWORK,
            "name": "n",
            "project_id": "red",
            "router:external": True,
            "provider:network_type": "vlan",
            "subnets": [SUBNET],
        }
    ],
    "subnets": [
        {
            "id": SUBNET,
            "name": "s",
            "network_id": NETWORK,
            "project_id": "red",
            "cidr": "10.1.0.0/24",
        }
    ],
    "ports": [
        {
            "id": PORT,
            "name": "p",
            "network_id": NETWORK,
            "project_id": "red",
            "mac_address": "fa:16:3e:00:00:01",
            "fixed_ips": [{"ip_address": "10.1.0.9", "subnet_id": SUBNET}],
            "security_groups": [GROUP],
            "binding:profile": {"trusted": "true"},
        },
        {"name": "q", "network_id": NETWORK, "project_id": "red"},
    ],
    "security_groups": [
        {
            "id": GROUP,
            "name": "web",
            "description": "d",
            "project_id": "red",
            "security_group_rules": [
                {"direction": "ingress", "protocol": "tcp", "remote_group_id": GROUP}
            ],
        },
        {"name": "plain", "project_id": "red"},
    ],
    "volume_types": [{"name": "fast"}],
    "volumes": [
        {
            "id": VOLUME,
            "name": "v",
            "size": 3,
            "status": "in-use",
            "bootable": "true",
            "volume_type": "fast",
            "os-vol-tenant-attr:tenant_id": "red",
            "volume_image_metadata": {"min_ram": 64},
            "attachments": [{"server_id": HOLDER, "device": "/dev/vdb"}],
        }
    ],
    "snapshots": [{"name": "snap", "volume_id": VOLUME}],
    "keypairs": [{"user": "ann", "name": "k", "type": "ssh", "public_key": KEY}],
    "server_groups": [
        {
            "name": "apart",
            "policy": "anti-affinity",
            "rules": {"max_server_per_host": 2},
            "project": "red",
            "user": "ann",
        }
    ],
    "quotas": {"default": {"instances": 7}, "red": {"cores": -1, "ports": 4}},
}


def all_rows() -> dict[str, list[Any]]:
    """Every row of the apps that a cloud file touches, but for times of change."""
    found = {}
    for label in ("identity", "image", "network", "volume", "flavors", "quotas", "servers", "auth"):
        for model in apps.get_app_config(label).get_models(include_auto_created=True):
            rows = model._base_manager.order_by("pk").values()
            found[model._meta.label] = [
                {key: value for key, value in row.items() if key != "updated_at"} for row in rows
            ]
    return found


def test_every_section_becomes_rows() -> None:
    load_cloud(CLOUD)
    red = Project.objects.get(name="red")
    assert red.pk == "c" * 32

    ann = User.objects.get(username="ann")
    assert ann.check_password("secret")
    assert ann.default_project == red
    assert not ann.is_staff
    assert set(
        ProjectRole.objects.filter(group__user=ann).values_list("project__name", "role")
    ) == {
        ("red", "member"),
        ("blue", "reader"),
    }
    assert User.objects.get(username="root-of-all").is_superuser

    node = ComputeNode.objects.get(hypervisor_hostname="node2")
    assert (node.service.host, node.service.cell.name, node.service.disabled) == (
        "h2",
        "cell2",
        True,
    )
    aggregate = Aggregate.objects.get(name="rack")
    assert aggregate.metadata == {"availability_zone": "zone-r", "ssd": "True"}
    assert aggregate.hosts.count() == 2

    flavor = Flavor.objects.get(flavorid="9")
    assert (flavor.ephemeral_gb, flavor.swap, flavor.extra_specs) == (2, 0, {"hw:numa_nodes": "2"})
    assert FlavorAccess.objects.get(flavor=flavor).project == red

    image = Image.objects.get(pk=IMAGE)
    assert (image.owner, image.min_ram, image.tags) == (red, 64, ["a"])
    assert image.properties == {"hw_numa_nodes": "two", "hw_boot_menu": "True"}


def test_groups_hold_the_roles_that_the_file_says() -> None:
    file = {
        "projects": [{"name": "red", "tags": ["b", "a"]}, {"name": "blue"}],
        "users": [{"name": "ann"}, {"name": "bea"}],
        "groups": [
            {
                "name": "crew",
                "users": ["ann", "bea"],
                "projects": [{"project": "red", "role": "member"}],
            }
        ],
    }
    load_cloud(copy.deepcopy(file))

    def held(name: str) -> set[tuple[str, str]]:
        roles = ProjectRole.objects.filter(group__user__username=name)
        return set(roles.values_list("project__name", "role"))

    assert held("ann") == held("bea") == {("red", "member")}
    assert Project.objects.get(name="red").tags == ["b", "a"]
    file["groups"] = [
        {"name": "crew", "users": ["bea"], "projects": [{"project": "blue", "role": "reader"}]}
    ]
    load_cloud(copy.deepcopy(file))
    assert (held("ann"), held("bea")) == (set(), {("blue", "reader")})
    load_cloud(copy.deepcopy(file))
    assert held("bea") == {("blue", "reader")}


def test_networks_become_rows() -> None:
    load_cloud(CLOUD)
    network = Network.objects.get(pk=NETWORK)
    assert (network.external, network.network_type) == (True, "vlan")
    subnet = network.subnets.get()
    assert subnet.gateway_ip == "10.1.0.1"
    assert subnet.allocation_pools == [{"start": "10.1.0.2", "end": "10.1.0.254"}]
    port = Port.objects.get(pk=PORT)
    assert [ip.address for ip in port.fixed_ips.all()] == ["10.1.0.9"]
    assert [group.name for group in port.security_groups.all()] == ["web"]
    assert port.binding_profile == {"trusted": "true"}
    [rule] = SecurityGroup.objects.get(name="web").rules.all()
    assert (rule.protocol, str(rule.remote_group_id)) == ("tcp", GROUP)
    assert SecurityGroup.objects.get(name="plain").rules.count() == 2
    other = Port.objects.get(name="q")
    assert other.fixed_ips.count() == 1
    assert [group.name for group in other.security_groups.all()] == ["default"]
    assert SecurityGroup.objects.filter(name="default", project__name="blue").count() == 1
    assert Quota.objects.get(project__name="red").limit == 4


def test_volumes_keys_groups_and_quotas_become_rows() -> None:
    load_cloud(CLOUD)
    volume = Volume.objects.get(pk=VOLUME)
    assert (volume.status, volume.bootable, str(volume.volume_type)) == ("in-use", "true", "fast")
    assert volume.image_metadata == {"min_ram": "64"}
    assert str(Attachment.objects.get(volume=volume).server_id) == HOLDER
    assert Snapshot.objects.get(volume=volume).size == 3
    assert KeyPair.objects.get(name="k").fingerprint.count(":") == 15
    group = ServerGroup.objects.get(name="apart")
    assert group.rules == {"max_server_per_host": 2}
    assert Usage.objects.get(project__name="red", resource="server_groups").in_use == 1
    limits = Limit.objects.values_list("quota_class", "project__name", "resource", "limit")
    assert set(limits) == {("default", None, "instances", 7), ("", "red", "cores", -1)}


def test_loading_twice_changes_nothing() -> None:
    load_cloud(CLOUD)
    before = all_rows()
    load_cloud(CLOUD)
    assert all_rows() == before


def test_a_changed_file_changes_the_rows_and_leaves_what_it_does_not_name() -> None:
    load_cloud(CLOUD)
    changed = copy.deepcopy(CLOUD)
    changed["users"][0]["projects"] = [{"project": "blue", "role": "manager"}]
    changed["flavors"][0] |= {"ram": 1024, "access": []}
    changed["hosts"] = [changed["hosts"][0] | {"enabled": False}]
    changed["aggregates"][0]["hosts"] = ["h1"]
    changed["ports"][0]["fixed_ips"] = [{"ip_address": "10.1.0.1"}]  # in no pool
    load_cloud(changed)
    ann = User.objects.get(username="ann")
    roles = ProjectRole.objects.filter(group__user=ann)
    assert list(roles.values_list("project__name", "role")) == [("blue", "manager")]
    assert Flavor.objects.get(flavorid="9").memory_mb == 1024
    assert not FlavorAccess.objects.exists()
    assert Service.objects.get(host="h1").disabled
    assert Service.objects.filter(host="h2").exists()
    assert Aggregate.objects.get(name="rack").hosts.count() == 1
    assert FixedIp.objects.get(port=PORT).address == "10.1.0.1"


def test_what_servers_have_changed_stays() -> None:
    free = copy.deepcopy(CLOUD)
    free["volumes"][0] |= {"status": "available", "attachments": []}
    load_cloud(free)
    Volume.objects.filter(pk=VOLUME).update(status="reserved")
    Port.objects.filter(pk=PORT).update(device_id=HOLDER, status="ACTIVE")
    set_inventory(ComputeNode.objects.get(hypervisor_hostname="h1"), {"VCPU": 2}, "used")
    load_cloud(free)
    assert Volume.objects.get(pk=VOLUME).status == "reserved"
    assert Port.objects.get(pk=PORT).device_id == HOLDER
    assert ComputeNode.objects.get(hypervisor_hostname="h1").vcpus_used == 2


def test_pools_of_a_file_go_without_the_gateway() -> None:
    whole = [{"start": "10.1.0.1", "end": "10.1.0.100"}]
    cloud = spoil("subnets", 0, gateway_ip="10.1.0.50", allocation_pools=whole)
    for _ in range(2):
        load_cloud(copy.deepcopy(cloud))
        assert Subnet.objects.get(pk=SUBNET).allocation_pools == [
            {"start": "10.1.0.1", "end": "10.1.0.49"},
            {"start": "10.1.0.51", "end": "10.1.0.100"},
        ]


def test_the_gateway_that_none_gave_is_left_out_too() -> None:
    load_cloud(spoil("subnets", 0, allocation_pools=[{"start": "10.1.0.1", "end": "10.1.0.100"}]))
    subnet = Subnet.objects.get(pk=SUBNET)
    assert subnet.gateway_ip == "10.1.0.1"
    assert subnet.allocation_pools == [{"start": "10.1.0.2", "end": "10.1.0.100"}]


def spoil(section: str, index: int, **values: Any) -> dict[str, Any]:
    cloud = copy.deepcopy(CLOUD)
    cloud[section][index] |= values
    return cloud


@pytest.mark.parametrize(
    ("cloud", "place"),
    [
        (spoil("images", 0, min_ram="lots"), "images[0] (small), key min_ram"),
        (spoil("images", 0, id="small"), "images[0] (small), key id"),
        (spoil("images", 0, owner="green"), "images[0] (small), key owner"),
        (spoil("networks", 0, colour="red"), "networks[0] (n), key colour"),
        (spoil("networks", 0, shared="maybe"), "networks[0] (n), key shared"),
        (spoil("networks", 0, project_id="green"), "networks[0] (n), key project_id"),
        (spoil("subnets", 0, cidr="10.1.0.0/99"), "subnets[0] (s), key cidr"),
        (spoil("subnets", 0, network_id=VOLUME), "subnets[0] (s), key network_id"),
        (spoil("subnets", 0, ip_version=6), "subnets[0] (s), key ip_version"),
        (
            spoil("subnets", 0, allocation_pools=[{"start": "10.2.0.1", "end": "10.2.0.2"}]),
            "subnets[0] (s), key allocation_pools",
        ),
        (
            spoil(
                "subnets",
                0,
                gateway_ip="10.1.0.9",
                allocation_pools=[{"start": "10.1.0.9", "end": "10.1.0.9"}],
            ),
            "subnets[0] (s), key allocation_pools",
        ),
        (
            spoil("ports", 0, fixed_ips=[{"ip_address": "10.9.0.1"}]),
            "ports[0] (p), key fixed_ips",
        ),
        (spoil("ports", 0, fixed_ips=[{}]), "ports[0] (p), key fixed_ips"),
        (spoil("ports", 0, security_groups=[PORT]), "ports[0] (p), key security_groups"),
        (spoil("ports", 0, mac_address="x"), "ports[0] (p), key mac_address"),
        (spoil("volumes", 0, size=0), "volumes[0] (v), key size"),
        (spoil("volumes", 0, volume_type="slow"), "volumes[0] (v), key volume_type"),
        (spoil("snapshots", 0, volume_id=PORT), "snapshots[0] (snap), key volume_id"),
        (spoil("keypairs", 0, public_key="nonsense"), "keypairs[0] (k), key public_key"),
        (spoil("keypairs", 0, user="bob"), "keypairs[0] (k), key user"),
        (spoil("server_groups", 0, policy="near"), "server_groups[0] (apart), key policy"),
        (spoil("hosts", 0, cell="cell0"), "hosts[0] (h1), key cell"),
        (spoil("hosts", 0, vcpus=True), "hosts[0] (h1), key vcpus"),
        (spoil("aggregates", 0, hosts=["h9"]), "aggregates[0] (rack), key hosts"),
        (spoil("flavors", 0, access=["green"]), "flavors[0] (own), key access"),
        (spoil("flavors", 0, id=9), "flavors[0] (own), key id"),
        (spoil("projects", 1, name="red"), "projects[1] (red), key name"),
        (spoil("users", 0, projects=[{"project": "green"}]), "users[0] (ann), key projects"),
        (spoil("users", 0, projects=[{"project": "red", "role": "king"}]), "users[0] (ann)"),
        (CLOUD | {"quotas": {"red": {"cores": -2}}}, "quotas[0] (red), key cores"),
        (CLOUD | {"quotas": {"red": {"wishes": 3}}}, "quotas[0] (red), key wishes"),
        (CLOUD | {"quotas": {"green": {"cores": 2}}}, "quotas[0] (green), key project"),
        (CLOUD | {"quotas": {"default": {"ports": 2}}}, "quotas[0] (default), key ports"),
        (CLOUD | {"wishes": []}, "wishes: no section"),
        (CLOUD | {"images": {"a": 1}}, "images: give a list"),
        (CLOUD | {"images": ["a"]}, "images[0]"),
    ],
)
def test_a_wrong_entry_is_named_and_nothing_changes(cloud: dict[str, Any], place: str) -> None:
    before = all_rows()
    with pytest.raises(CloudFileError) as caught:
        load_cloud(cloud)
    assert any(problem.startswith(place) for problem in caught.value.problems), caught.value
    assert all_rows() == before


def test_all_wrong_forms_are_told_at_once() -> None:
    cloud = spoil("images", 0, min_ram="lots", size=-1)
    cloud["networks"][0]["colour"] = "red"
    with pytest.raises(CloudFileError) as caught:
        load_cloud(cloud)
    assert len(caught.value.problems) == 3


def test_a_clash_that_only_the_database_sees_names_its_section() -> None:
    cloud = copy.deepcopy(CLOUD)
    cloud["ports"][1]["fixed_ips"] = [{"ip_address": "10.1.0.9"}]
    with pytest.raises(CloudFileError, match=r"ports: .*10\.1\.0\.9"):
        load_cloud(cloud)
    assert not Port.objects.exists()


def test_a_rule_that_names_no_group_is_refused() -> None:
    rule = {"direction": "ingress", "remote_group_id": PORT}
    cloud = spoil("security_groups", 0, security_group_rules=[rule])
    with pytest.raises(CloudFileError, match=f"security_groups: .*{PORT}"):
        load_cloud(cloud)
    assert not SecurityGroup.objects.exists()


def test_a_name_that_another_project_has_is_refused() -> None:
    load_cloud(CLOUD)
    with pytest.raises(CloudFileError, match=r"projects\[0\] \(red\), key name"):
        load_cloud({"projects": [{"id": "d" * 32, "name": "red"}]})


def test_the_command_reads_yaml_json_and_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = {"projects": [{"name": "green"}]}
    for name, text in (("a.yaml", yaml.safe_dump(cloud)), ("a.json", json.dumps(cloud))):
        path = tmp_path / name
        path.write_text(text)
        out = StringIO()
        call_command("loadcloud", str(path), stdout=out)
        assert out.getvalue() == "loaded 1 projects\n"
    monkeypatch.setattr("sys.stdin", StringIO("projects: [{name: yellow}]"))
    call_command("loadcloud", "-", verbosity=0)
    assert set(Project.objects.values_list("name", flat=True)) >= {"green", "yellow"}


@pytest.mark.parametrize(
    ("text", "said"),
    [("a: [", "neither YAML nor JSON"), ("[]", "sections by name"), ("", "sections by name")],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "cloud.yaml"
    path.write_text(text)
    with pytest.raises(CommandError, match=said):
        call_command("loadcloud", str(path))


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("loadcloud", str(tmp_path / "nothing.yaml"))


def test_the_demo_cloud_loads_twice() -> None:
    path = Path(parse.__code__.co_filename).with_name("demo.yaml")
    document = parse(path.read_text())
    load_cloud(document)
    before = all_rows()
    load_cloud(document)
    assert all_rows() == before
    assert User.objects.get(username="admin").is_superuser
    smallest = Flavor.objects.get(name="m1.tiny")
    image = Image.objects.get(name="cirros")
    assert image.min_disk <= smallest.root_gb
    assert image.min_ram <= smallest.memory_mb


def test_the_group_web_of_the_demo_cloud_lets_in_what_it_is_described_with(
    anonymous: ApiClient,
) -> None:
    demo = Path(__file__).parents[2] / "compute_site" / "cloudfile" / "demo.yaml"
    call_command("loadcloud", str(demo), verbosity=0)
    basic = {"Authorization": f"Basic {base64.b64encode(b'demo:demo').decode()}"}
    path = "//network/v2.0/security-groups?name=web"
    [web] = anonymous.get(path, headers=basic).expect(200).json["security_groups"]
    rules = web["security_group_rules"]
    assert web["description"] == "HTTP, HTTPS and SSH"
    ingress = {
        (rule["ethertype"], rule["protocol"], rule["port_range_min"], rule["port_range_max"])
        for rule in rules
        if rule["direction"] == "ingress"
    }
    versions, ports = ("IPv4", "IPv6"), (80, 443, 22)
    assert ingress == {(version, "tcp", port, port) for version in versions for port in ports}
    egress = [rule for rule in rules if rule["direction"] == "egress"]
    assert {rule["ethertype"] for rule in egress} == set(versions)
    assert all(rule["protocol"] is None for rule in egress)


def test_more_users_have_passwords_than_may_sign_in_at_once(
    settings: Any, anonymous: ApiClient
) -> None:
    settings.PASSWORD_HASHERS = ["compute_site.identity.hashers.QueuedScryptHasher"]
    users = [{"name": f"user-{number}", "password": "secret"} for number in range(8)]
    load_cloud({"users": users})
    identity = {
        "methods": ["password"],
        "password": {"user": {**users[7], "domain": {"id": "default"}}},
    }
    anonymous.post("//identity/v3/auth/tokens", {"auth": {"identity": identity}}).expect(201)
