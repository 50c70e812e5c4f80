"""``/os-security-groups`` and ``/os-security-group-rules``, until 2.35."""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.neighbours.network.models import Quota, SecurityGroup, SecurityGroupRule
from tests.world.cast import ALPHA, BETA, UNKNOWN_ID, Cast
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_network, make_port, make_security_group

GROUPS, RULES = "/os-security-groups", "/os-security-group-rules"
WEB = {"security_group": {"name": "web", "description": "d"}}


@pytest.fixture
def group(cast: Cast) -> SecurityGroup:
    return make_security_group(name="open")


def add(client: ApiClient, group: SecurityGroup, **rule: Any) -> Answer:
    return client.post(RULES, {"security_group_rule": {"parent_group_id": str(group.pk), **rule}})


def test_a_group_is_made_shown_renamed_and_deleted(
    as_member: ApiClient, as_reader: ApiClient
) -> None:
    made = as_member.post(GROUPS, WEB).expect(200).json["security_group"]
    assert made == {
        "id": made["id"],
        "name": "web",
        "description": "d",
        "tenant_id": ALPHA,
        "rules": [],
    }
    path = f"{GROUPS}/{made['id']}"
    assert as_reader.get(path).expect(200).json["security_group"] == made
    listed = as_reader.get(GROUPS).expect(200).json["security_groups"]
    assert [shown["name"] for shown in listed] == ["default", "web"]
    body = {"security_group": {"name": "www", "description": ""}}
    changed = as_member.put(path, body).expect(200).json["security_group"]
    assert (changed["name"], changed["description"]) == ("www", "")
    as_reader.delete(path).expect(403)
    as_member.delete(path).expect(202)
    as_member.get(path).expect(404)
    as_member.get(GROUPS, microversion="2.36").expect(404)


def test_rules_are_shown_as_nova_network_had_them(
    as_member: ApiClient, group: SecurityGroup
) -> None:
    def shown(**rule: Any) -> tuple[Any, ...]:
        found = add(as_member, group, **rule).expect(200).json["security_group_rule"]
        assert found["parent_group_id"] == str(group.pk)
        ports = found["from_port"], found["to_port"]
        return found["ip_protocol"], *ports, found["group"], found["ip_range"]

    ssh = {"ip_protocol": "tcp", "from_port": "22", "to_port": 22}
    assert shown(**ssh) == ("tcp", 22, 22, {}, {"cidr": "0.0.0.0/0"})
    v6 = {**ssh, "cidr": "fd00%3A%3A/64"}
    assert shown(**v6) == ("tcp", 22, 22, {}, {"cidr": "fd00::/64"})
    ping = {"ip_protocol": "ICMP", "from_port": -1, "to_port": -1, "cidr": "10.0.0.0/8"}
    assert shown(**ping) == ("icmp", -1, -1, {}, {"cidr": "10.0.0.0/8"})
    own = {"name": "open", "tenant_id": ALPHA}
    assert shown(group_id=str(group.pk)) == (None, None, None, own, {})
    all_udp = {"group_id": str(group.pk), "ip_protocol": "udp"}
    assert shown(**all_udp) == ("udp", 1, 65535, own, {})
    assert len(as_member.get(f"{GROUPS}/{group.pk}").json["security_group"]["rules"]) == 5
    assert set(group.rules.values_list("direction", flat=True)) >= {"ingress"}


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        ({}, 400),
        ({"ip_protocol": "tcp", "from_port": 22}, 400),
        ({"ip_protocol": "tcp", "from_port": 22, "to_port": "many"}, 400),
        ({"ip_protocol": "tcp", "from_port": [1], "to_port": 22}, 400),
        ({"ip_protocol": "tcp", "from_port": 0, "to_port": 22}, 400),
        ({"ip_protocol": "tcp", "from_port": 23, "to_port": 22}, 400),
        ({"ip_protocol": "gre", "from_port": 1, "to_port": 2}, 400),
        ({"ip_protocol": "icmp", "from_port": 256, "to_port": -1}, 400),
        ({"ip_protocol": "tcp", "from_port": 1, "to_port": 2, "cidr": "10.0.0.1"}, 400),
        ({"ip_protocol": "tcp", "from_port": 1, "to_port": 2, "cidr": "10.0.0.1/0"}, 400),
        ({"ip_protocol": "tcp", "from_port": 1, "to_port": 2, "cidr": 7}, 400),
        ({"group_id": UNKNOWN_ID}, 404),
        ({"parent_group_id": UNKNOWN_ID}, 404),
        ({"parent_group_id": "x"}, 400),
    ],
)
def test_a_rule_that_cannot_be_is_refused(
    as_member: ApiClient, group: SecurityGroup, rule: dict[str, Any], status: int
) -> None:
    add(as_member, group, **rule).expect(status)
    assert not group.rules.exists()


def test_a_rule_is_made_once_and_deleted(as_member: ApiClient, group: SecurityGroup) -> None:
    """Nova finds the same rule of a range itself (400); the network service that of a group."""
    ssh = {"ip_protocol": "tcp", "from_port": 22, "to_port": 22}
    made = add(as_member, group, **ssh).expect(200).json["security_group_rule"]
    add(as_member, group, **ssh).expect(400)
    add(as_member, group, group_id=str(group.pk)).expect(200)
    add(as_member, group, group_id=str(group.pk)).expect(403)
    as_member.delete(f"{RULES}/{made['id']}").expect(202)
    as_member.delete(f"{RULES}/{made['id']}").expect(404)
    as_member.delete(f"{RULES}/x").expect(400)
    assert SecurityGroupRule.objects.filter(group=group).count() == 1


def test_what_stands_in_the_way(as_member: ApiClient, group: SecurityGroup, cast: Cast) -> None:
    as_member.post(GROUPS, {"security_group": {"name": "default", "description": ""}}).expect(403)
    as_member.post(GROUPS, {"security_group": {"name": "web"}}).expect(400)
    make_port(make_network()).security_groups.add(group)
    as_member.delete(f"{GROUPS}/{group.pk}").expect(400)
    as_member.get(f"{GROUPS}/x").expect(400)
    Quota.objects.create(project=cast.alpha, resource="security_group", limit=1)
    as_member.post(GROUPS, WEB).expect(403)
    assert SecurityGroup.objects.filter(project=cast.alpha).exclude(name="default").count() == 1


def test_others_see_and_change_nothing_of_it(
    as_outsider: ApiClient, as_admin: ApiClient, group: SecurityGroup
) -> None:
    rule = SecurityGroupRule.objects.create(group=group, direction="ingress")
    assert [one["tenant_id"] for one in as_outsider.get(GROUPS).json["security_groups"]] == [BETA]
    as_outsider.get(f"{GROUPS}/{group.pk}").expect(404)
    as_outsider.put(f"{GROUPS}/{group.pk}", WEB).expect(404)
    as_outsider.delete(f"{GROUPS}/{group.pk}").expect(404)
    as_outsider.delete(f"{RULES}/{rule.pk}").expect(404)
    add(as_outsider, group, group_id=str(group.pk)).expect(404)
    every = as_admin.get(f"{GROUPS}?all_tenants=1").json["security_groups"]
    assert {one["tenant_id"] for one in every} >= {ALPHA, BETA}
    assert (
        len(as_admin.get(f"{GROUPS}?all_tenants=1&limit=1&offset=1").json["security_groups"]) == 1
    )
