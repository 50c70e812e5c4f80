"""Address groups of the network API, and rules of security groups that speak of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from compute_site.neighbours.network.local.wiring import find_wiring
from compute_site.neighbours.network.models import AddressGroup, Port, SecurityGroupRule
from servers.models import Instance
from tests.world.cast import ALPHA, UNKNOWN_ID, Cast
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_network, make_port, make_project, make_security_group

V2 = "//network/v2.0"
GROUPS = f"{V2}/address-groups"
RULES = f"{V2}/security-group-rules"
RANGES = ["10.8.0.0/16", "fd00:8::/64"]


def new_group(client: ApiClient, **asked: Any) -> Answer:
    body = {"name": "offices", "addresses": RANGES, **asked}
    return client.post(GROUPS, {"address_group": body})


def group_id(client: ApiClient, **asked: Any) -> str:
    return str(new_group(client, **asked).expect(201).json["address_group"]["id"])


def new_rule(client: ApiClient, group: str, **asked: Any) -> Answer:
    body = {"security_group_id": group, "direction": "ingress", **asked}
    return client.post(RULES, {"security_group_rule": body})


def test_a_group_is_made_shown_changed_and_deleted(
    as_member: ApiClient, as_reader: ApiClient, as_outsider: ApiClient
) -> None:
    addresses = ["10.8.3.4/16", "10.8.0.0/16", "fd00:8::1/64"]
    made = new_group(as_member, addresses=addresses).expect(201).json["address_group"]
    assert made == {
        "id": made["id"],
        "name": "offices",
        "description": "",
        "project_id": ALPHA,
        "tenant_id": ALPHA,
        "addresses": RANGES,
        "revision_number": 1,
        "created_at": made["created_at"],
        "updated_at": made["updated_at"],
    }
    path = f"{GROUPS}/{made['id']}"
    assert as_reader.get(path).expect(200).json["address_group"] == made
    assert as_reader.get(f"{GROUPS}?name=offices").json["address_groups"] == [made]
    assert as_reader.get(f"{GROUPS}?name=other").json["address_groups"] == []
    as_reader.get(f"{GROUPS}?addresses=10.8.0.0/16").expect(400)
    as_reader.get(f"{GROUPS}?tags=a").expect(400)
    assert as_outsider.get(GROUPS).json["address_groups"] == []
    for ask in (as_outsider.get, as_outsider.delete):
        ask(path).expect(404)
    asked = {"name": "n", "description": "d"}
    changed = as_member.put(path, {"address_group": asked}).expect(200).json["address_group"]
    assert (changed["name"], changed["description"]) == ("n", "d")
    assert changed["revision_number"] == 2
    as_member.put(path, {"address_group": {"addresses": []}}).expect(400)
    as_reader.delete(path).expect(403)
    as_member.delete(path).expect(204)
    assert not AddressGroup.objects.exists()
    assert new_group(as_member, addresses=None).expect(201).json["address_group"]["addresses"] == []


@pytest.mark.parametrize(
    "fields",
    [
        {"addresses": ["10.0.0.1"]},
        {"addresses": ["x"]},
        {"addresses": "10.0.0.0/8"},
        {"addresses": [5]},
        {"shared": True},
        {"name": None},
        {"colour": "red"},
        {"project_id": "nobody"},
    ],
)
def test_a_wrong_group_is_refused(as_admin: ApiClient, fields: dict[str, Any]) -> None:
    new_group(as_admin, **fields).expect(400)
    assert not AddressGroup.objects.exists()


def test_ranges_come_into_a_group_and_leave_it(as_member: ApiClient, as_reader: ApiClient) -> None:
    group = group_id(as_member)
    add, remove = (f"{GROUPS}/{group}/{verb}_addresses" for verb in ("add", "remove"))
    added = as_member.put(add, {"addresses": ["10.9.0.7/32", "10.9.0.7/32"]}).expect(200)
    assert added.json["address_group"]["addresses"] == [*RANGES, "10.9.0.7/32"]
    assert added.json["address_group"]["revision_number"] == 2
    as_member.put(add, {"addresses": ["10.8.0.1/16"]}).expect(400)
    as_member.put(add, {"addresses": []}).expect(200)
    removed = as_member.put(remove, {"addresses": ["10.8.0.0/16"]}).expect(200)
    assert removed.json["address_group"]["addresses"] == ["fd00:8::/64", "10.9.0.7/32"]
    as_member.put(remove, {"addresses": ["10.8.0.0/16"]}).expect(404)
    for path in (add, remove):
        as_member.put(path, {}).expect(400)
        as_member.put(path, []).expect(400)
        as_member.put(path, {"addresses": ["x"]}).expect(400)
        as_member.put(path, {"addresses": [], "colour": 1}).expect(400)
        as_reader.put(path, {"addresses": []}).expect(403)
    assert AddressGroup.objects.get().addresses == ["fd00:8::/64", "10.9.0.7/32"]


def test_a_rule_speaks_of_an_address_group(
    as_member: ApiClient, as_outsider: ApiClient, cast: Cast
) -> None:
    group, own = group_id(as_member), str(make_security_group(name="web").pk)
    made = new_rule(as_member, own, remote_address_group_id=group).expect(201)
    rule = made.json["security_group_rule"]
    assert rule["remote_address_group_id"] == group
    assert (rule["remote_ip_prefix"], rule["remote_group_id"]) == (None, None)
    new_rule(as_member, own, remote_address_group_id=group).expect(409)
    new_rule(as_member, own).expect(201)  # from anywhere is another rule
    found = as_member.get(f"{RULES}?remote_address_group_id={group}").expect(200)
    assert [one["id"] for one in found.json["security_group_rules"]] == [rule["id"]]
    for other in ({"remote_ip_prefix": "10.0.0.0/8"}, {"remote_group_id": own}):
        new_rule(as_member, own, remote_address_group_id=group, **other).expect(400)
    for unknown in (UNKNOWN_ID, "x"):
        new_rule(as_member, own, remote_address_group_id=unknown).expect(404)
    theirs = str(make_security_group(project_id=cast.outsider.project_id, name="theirs").pk)
    new_rule(as_outsider, theirs, remote_address_group_id=group).expect(404)
    as_member.delete(f"{GROUPS}/{group}").expect(409)
    as_member.delete(f"{RULES}/{rule['id']}").expect(204)
    as_member.delete(f"{GROUPS}/{group}").expect(204)


def test_hosts_filter_by_the_ranges_of_the_group(as_member: ApiClient, cast: Cast) -> None:
    group = AddressGroup.objects.create(project_id=ALPHA, addresses=[*RANGES, "10.9.0.7/32"])
    own = make_security_group(name="web")
    for ethertype in ("IPv4", "IPv6"):
        SecurityGroupRule.objects.create(
            group=own, direction="ingress", ethertype=ethertype, remote_address_group=group
        )
    server = "5f0a1c64-7a7b-4b1e-9a53-7f1d3c1f9a10"
    port = make_port(make_network(), device_id=server, device_owner="compute:nova")
    port.security_groups.set([own])

    def remotes() -> list[tuple[str, ...] | None]:
        [wired] = find_wiring(server)
        return [rule.remotes for rule in wired.rules]

    assert remotes() == [("10.8.0.0/16", "10.9.0.7/32"), ("fd00:8::/64",)]
    path = f"{GROUPS}/{group.pk}/remove_addresses"
    as_member.put(path, {"addresses": ["fd00:8::/64"]}).expect(200)
    assert remotes() == [("10.8.0.0/16", "10.9.0.7/32"), ()]  # none, and not all
    assert Port.objects.get() == port
    assert not Instance.objects.exists()


def test_compute_shows_no_rules_that_speak_of_address_groups(
    as_member: ApiClient, cast: Cast
) -> None:
    group = AddressGroup.objects.create(project_id=ALPHA, addresses=RANGES)
    own = make_security_group(name="web")
    made = SecurityGroupRule.objects.create(
        group=own, direction="ingress", remote_address_group=group
    )
    shown = as_member.get(f"/os-security-groups/{own.pk}", microversion="2.35").expect(200)
    assert shown.json["security_group"]["rules"] == []
    path = f"/os-security-group-rules/{made.pk}"
    as_member.delete(path, microversion="2.35").expect(404)
    assert SecurityGroupRule.objects.filter(pk=made.pk).exists()


def test_rules_go_with_the_project_of_their_address_group(cast: Cast) -> None:
    gone = make_project()
    group = AddressGroup.objects.create(project=gone, addresses=RANGES)
    own = make_security_group(name="web")
    SecurityGroupRule.objects.create(group=own, direction="ingress", remote_address_group=group)
    gone.delete()
    assert not own.rules.filter(direction="ingress").exists()


def test_the_admin_makes_groups_by_the_same_rules(client: Any, cast: Cast) -> None:
    client.force_login(cast.admin.user)
    url = reverse("admin:network_addressgroup_add")
    form = {"name": "g", "project": ALPHA, "addresses": '["10.8.0.9/16"]'}
    assert client.post(url, form).status_code == 302
    group = AddressGroup.objects.get()
    assert group.addresses == ["10.8.0.0/16"]
    assert client.post(url, {**form, "addresses": '["x"]'}).status_code == 200
    page = reverse("admin:network_addressgroup_change", args=[group.pk])
    assert client.get(page).status_code == 200
    assert client.post(page, {"name": "other", "project": ALPHA}).status_code == 302
    group.refresh_from_db()
    assert (group.name, group.addresses) == ("other", ["10.8.0.0/16"])
    assert AddressGroup.objects.count() == 1
