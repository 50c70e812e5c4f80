"""What clients change through the network API."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from compute_site.neighbours.network import local
from compute_site.neighbours.network.models import (
    Network,
    Port,
    Quota,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
)
from tests.world.cast import ALPHA, BETA, UNKNOWN_ID, Cast
from tests.world.client import ApiClient
from tests.world.services import make_network, make_port, new_server_id

V2 = "//network/v2.0"


def create(client: ApiClient, noun: str, **fields: Any) -> dict[str, Any]:
    path = f"{V2}/{noun.replace('_', '-')}s"
    created: dict[str, Any] = client.post(path, {noun: fields}).expect(201).json[noun]
    return created


def refuse(client: ApiClient, noun: str, status: int, **fields: Any) -> str:
    path = f"{V2}/{noun.replace('_', '-')}s"
    text: str = client.post(path, {noun: fields}).expect(status).json["NeutronError"]["message"]
    return text


def test_a_network_with_subnet_and_port_is_made_and_deleted(as_member: ApiClient) -> None:
    network = create(as_member, "network", name="n")
    assert (network["project_id"], network["status"]) == (ALPHA, "ACTIVE")
    subnet = create(
        as_member, "subnet", network_id=network["id"], ip_version=4, cidr="10.1.0.0/28", name="s"
    )
    assert subnet["gateway_ip"] == "10.1.0.1"
    assert subnet["allocation_pools"] == [{"start": "10.1.0.2", "end": "10.1.0.14"}]
    port = create(as_member, "port", network_id=network["id"], name="p")
    assert port["fixed_ips"][0]["subnet_id"] == subnet["id"]
    [group_id] = port["security_groups"]
    assert SecurityGroup.objects.get(pk=group_id).name == "default"

    assert as_member.delete(f"{V2}/networks/{network['id']}").expect(409)
    assert as_member.delete(f"{V2}/subnets/{subnet['id']}").expect(409)
    as_member.delete(f"{V2}/ports/{port['id']}").expect(204)
    as_member.delete(f"{V2}/subnets/{subnet['id']}").expect(204)
    as_member.delete(f"{V2}/networks/{network['id']}").expect(204)
    assert not Network.objects.exists()
    assert not Port.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"cidr": "10.1.0.0/33", "ip_version": 4},
        {"cidr": "10.1.0.0/28", "ip_version": 6},
        {
            "cidr": "10.1.0.0/28",
            "ip_version": 4,
            "allocation_pools": [{"start": "10.2.0.1", "end": "10.2.0.2"}],
        },
        {"cidr": "10.9.0.128/25", "ip_version": 4},
        {"cidr": "10.1.0.0/28", "ip_version": 4, "colour": "red"},
        {},
    ],
    ids=["range", "version", "pool", "overlap", "unknown key", "nothing"],
)
def test_a_subnet_that_cannot_be_is_refused(
    as_member: ApiClient, cast: Cast, fields: dict[str, Any]
) -> None:
    network = make_network(cast.alpha, "10.9.0.0/24")
    told = refuse(as_member, "subnet", 400, network_id=str(network.pk), **fields)
    if fields.get("cidr") == "10.9.0.128/25":
        assert "overlaps with another subnet" in told  # the words that Tempest looks for
    assert Subnet.objects.count() == 1


def test_asked_addresses_of_a_port(as_member: ApiClient, cast: Cast) -> None:
    network = make_network(cast.alpha, "10.1.0.0/24", "fd00:1::/64")
    four = network.subnets.get(ip_version=4)
    by_address = create(
        as_member, "port", network_id=str(network.pk), fixed_ips=[{"ip_address": "10.1.0.77"}]
    )
    assert [entry["ip_address"] for entry in by_address["fixed_ips"]] == ["10.1.0.77"]
    by_subnet = create(
        as_member, "port", network_id=str(network.pk), fixed_ips=[{"subnet_id": str(four.pk)}]
    )
    assert [entry["subnet_id"] for entry in by_subnet["fixed_ips"]] == [str(four.pk)]
    none = create(as_member, "port", network_id=str(network.pk), fixed_ips=[])
    assert none["fixed_ips"] == []
    refuse(
        as_member, "port", 409, network_id=str(network.pk), fixed_ips=[{"ip_address": "10.1.0.77"}]
    )
    other = make_network(cast.alpha, "10.2.0.0/24").subnets.get()
    refuse(
        as_member, "port", 400, network_id=str(network.pk), fixed_ips=[{"subnet_id": str(other.pk)}]
    )
    assert Port.objects.count() == 3


def test_the_port_quota_holds(as_member: ApiClient, cast: Cast) -> None:
    network = make_network(cast.alpha, "10.1.0.0/24")
    Quota.objects.create(project=cast.alpha, resource="port", limit=1)
    create(as_member, "port", network_id=str(network.pk))
    assert "1 of at most 1" in refuse(as_member, "port", 409, network_id=str(network.pk))


def test_a_port_changes_its_name_and_groups(as_member: ApiClient, cast: Cast) -> None:
    port = make_port(make_network(cast.alpha, "10.1.0.0/24"), device_id="kept")
    group = create(as_member, "security_group", name="web")
    body = {"port": {"name": "new", "security_groups": [group["id"]]}}
    shown = as_member.put(f"{V2}/ports/{port.pk}", body).expect(200).json["port"]
    assert (shown["name"], shown["security_groups"]) == ("new", [group["id"]])
    assert shown["device_id"] == "kept"
    shown = as_member.put(f"{V2}/ports/{port.pk}", {"port": {"security_groups": []}}).json["port"]
    assert shown["security_groups"] == []


def test_a_network_and_a_subnet_change_their_names(as_member: ApiClient, cast: Cast) -> None:
    network = make_network(cast.alpha, "10.1.0.0/24")
    subnet = network.subnets.get()
    as_member.put(f"{V2}/networks/{network.pk}", {"network": {"name": "x"}}).expect(200)
    as_member.put(f"{V2}/subnets/{subnet.pk}", {"subnet": {"gateway_ip": None}}).expect(200)
    network.refresh_from_db()
    subnet.refresh_from_db()
    assert (network.name, subnet.gateway_ip) == ("x", None)
    as_member.put(f"{V2}/subnets/{subnet.pk}", {"subnet": {"cidr": "10.2.0.0/24"}}).expect(400)


@pytest.mark.parametrize("key", ["shared", "router:external", "is_default"])
def test_only_operators_make_networks_for_all(
    as_member: ApiClient, as_admin: ApiClient, key: str
) -> None:
    assert key in refuse(as_member, "network", 403, **{"name": "n", key: True})
    assert create(as_admin, "network", **{"name": "n", key: True})[key] is True


def test_only_operators_make_things_for_other_projects(
    as_member: ApiClient, as_admin: ApiClient
) -> None:
    refuse(as_member, "network", 403, name="n", project_id=BETA)
    own = create(as_member, "network", name="own")["id"]
    subnet = {"network_id": own, "cidr": "10.9.0.0/24", "ip_version": 4}
    refuse(as_member, "subnet", 403, **subnet, project_id=BETA)
    assert not Subnet.objects.exists()
    assert create(as_admin, "network", name="n", tenant_id=BETA)["project_id"] == BETA
    refuse(as_admin, "network", 400, name="n", tenant_id=BETA, project_id=ALPHA)
    two = {"networks": [{"name": "n", "tenant_id": BETA, "project_id": ALPHA}]}
    as_admin.post(f"{V2}/networks", two).expect(400)


def test_a_reader_changes_nothing(as_reader: ApiClient, cast: Cast) -> None:
    network = make_network(cast.alpha, "10.1.0.0/24")
    group = SecurityGroup.objects.create(name="web", project=cast.alpha)
    refuse(as_reader, "network", 403, name="n")
    refuse(as_reader, "subnet", 403, network_id=str(network.pk), ip_version=4, cidr="10.2.0.0/24")
    refuse(as_reader, "port", 403, network_id=str(network.pk))
    refuse(as_reader, "security_group", 403, name="n")
    refuse(
        as_reader, "security_group_rule", 403, security_group_id=str(group.pk), direction="egress"
    )
    as_reader.delete(f"{V2}/networks/{network.pk}").expect(403)
    as_reader.put(f"{V2}/networks/{network.pk}", {"network": {"name": "x"}}).expect(403)


def test_a_shared_network_is_not_changed_by_who_uses_it(as_outsider: ApiClient, cast: Cast) -> None:
    network = make_network(cast.alpha, "10.1.0.0/24", shared=True)
    create(as_outsider, "port", network_id=str(network.pk))
    as_outsider.delete(f"{V2}/networks/{network.pk}").expect(403)
    refuse(as_outsider, "subnet", 403, network_id=str(network.pk), ip_version=4, cidr="10.2.0.0/24")


@pytest.mark.parametrize(("network_id", "status"), [(UNKNOWN_ID, 404), ("private", 400)])
def test_a_port_needs_a_network(as_member: ApiClient, network_id: str, status: int) -> None:
    refuse(as_member, "port", status, network_id=network_id)


def test_ports_on_external_networks_are_the_operators(
    as_member: ApiClient, as_admin: ApiClient, cast: Cast
) -> None:
    network = make_network(cast.beta, "10.1.0.0/24", external=True)
    refuse(as_member, "port", 403, network_id=str(network.pk))
    create(as_admin, "port", network_id=str(network.pk))


def test_a_new_group_lets_everything_out(as_member: ApiClient) -> None:
    group = create(as_member, "security_group", name="web", description="d")
    rules = group["security_group_rules"]
    assert {(rule["direction"], rule["ethertype"]) for rule in rules} == {
        ("egress", "IPv4"),
        ("egress", "IPv6"),
    }


def test_rules_are_made_shown_and_deleted(as_member: ApiClient, as_outsider: ApiClient) -> None:
    group = create(as_member, "security_group", name="web")
    rule = create(
        as_member,
        "security_group_rule",
        security_group_id=group["id"],
        direction="ingress",
        protocol="TCP",
        port_range_min=22,
        port_range_max=22,
        remote_ip_prefix="0.0.0.0/0",
    )
    assert (rule["protocol"], rule["ethertype"]) == ("tcp", "IPv4")
    listed = as_member.get(
        f"{V2}/security-group-rules?security_group_id={group['id']}&direction=ingress"
    ).json["security_group_rules"]
    assert [entry["id"] for entry in listed] == [rule["id"]]
    as_outsider.get(f"{V2}/security-group-rules/{rule['id']}").expect(404)
    as_member.delete(f"{V2}/security-group-rules/{rule['id']}").expect(204)
    assert SecurityGroupRule.objects.count() == 2
    refuse(
        as_member,
        "security_group_rule",
        404,
        security_group_id=str(uuid.uuid4()),
        direction="ingress",
    )


def test_the_default_group_stays(as_member: ApiClient, cast: Cast) -> None:
    network = make_network(cast.alpha, "10.1.0.0/24")
    port = create(as_member, "port", network_id=str(network.pk))
    [default_id] = port["security_groups"]
    rules = SecurityGroupRule.objects.filter(group=default_id)
    assert rules.filter(direction="ingress", remote_group=default_id).count() == 2
    as_member.delete(f"{V2}/security-groups/{default_id}").expect(409)
    body = {"security_group": {"name": "other"}}
    as_member.put(f"{V2}/security-groups/{default_id}", body).expect(409)
    refuse(as_member, "security_group", 409, name="default")


def test_a_group_in_use_stays(as_member: ApiClient, cast: Cast) -> None:
    group = create(as_member, "security_group", name="web")
    port = make_port(make_network(cast.alpha))
    port.security_groups.add(group["id"])
    as_member.delete(f"{V2}/security-groups/{group['id']}").expect(409)
    port.delete()
    as_member.delete(f"{V2}/security-groups/{group['id']}").expect(204)


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"network": []}', b"null", b"\xff"])
def test_a_body_of_another_form_is_refused(as_member: ApiClient, body: bytes) -> None:
    as_member.post(f"{V2}/networks", body).expect(400)


def test_nobody_gives_a_nic_to_a_server_by_writing_on_a_port(
    as_member: ApiClient, as_admin: ApiClient, cast: Cast
) -> None:
    network = make_network(cast.alpha, "10.1.0.0/24")
    server_id = new_server_id()
    create(as_member, "port", network_id=str(network.pk), device_id=server_id)
    assert local.nics([server_id]) == {}
    for owner in ("compute:nova", "network:dhcp"):
        refuse(as_member, "port", 403, network_id=str(network.pk), device_owner=owner)
    create(
        as_admin,
        "port",
        network_id=str(network.pk),
        device_id=server_id,
        device_owner="compute:nova",
    )
    assert len(local.nics([server_id])[server_id]) == 1


@pytest.mark.parametrize(
    "fields", [{"name": "x" * 256}, {"name": "a\0b"}, {"mtu": 10**12}], ids=["long", "NUL", "large"]
)
def test_values_that_no_row_can_hold_are_refused(
    as_member: ApiClient, fields: dict[str, Any]
) -> None:
    refuse(as_member, "network", 400, **fields)
    assert not Network.objects.exists()


def test_an_unknown_project_gets_nothing(as_admin: ApiClient) -> None:
    refuse(as_admin, "network", 400, name="n", project_id="0" * 32)


def test_a_name_with_nul_is_refused(as_member: ApiClient) -> None:
    as_member.get(f"{V2}/networks?name=a%00b").expect(400)
    as_member.get(f"{V2}/networks/a%00b").expect(400)
