"""Subnet pools and address scopes of the network API, and subnets that are cut from pools."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from compute_site.neighbours.network.local.prefixes import (
    compacted,
    covers,
    cut_range,
    have_common,
    without_ranges,
)
from compute_site.neighbours.network.models import AddressScope, Network, Quota, Subnet, SubnetPool
from tests.world.cast import ALPHA, BETA, UNKNOWN_ID, Cast
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_network, make_project

V2 = "//network/v2.0"
POOLS = f"{V2}/subnetpools"
SCOPES = f"{V2}/address-scopes"
FIXED = {"prefixes": ["10.64.0.0/16"], "default_prefixlen": 24}


@pytest.fixture
def network(cast: Cast) -> Network:
    return make_network(project_id=ALPHA, shared=False, subnet=False)


def new_pool(client: ApiClient, **asked: Any) -> Answer:
    return client.post(POOLS, {"subnetpool": {"name": "pool", **FIXED, **asked}})


def pool_id(client: ApiClient, **asked: Any) -> str:
    return str(new_pool(client, **asked).expect(201).json["subnetpool"]["id"])


def new_scope(client: ApiClient, **asked: Any) -> Answer:
    return client.post(SCOPES, {"address_scope": {"name": "scope", "ip_version": 4, **asked}})


def scope_id(client: ApiClient, **asked: Any) -> str:
    return str(new_scope(client, **asked).expect(201).json["address_scope"]["id"])


def cut(client: ApiClient, network: Network, **asked: Any) -> Answer:
    body = {"network_id": str(network.pk), "ip_version": 4, **asked}
    return client.post(f"{V2}/subnets", {"subnet": body})


def change(client: ApiClient, pool: str, **asked: Any) -> Answer:
    return client.put(f"{POOLS}/{pool}", {"subnetpool": asked})


def test_a_pool_is_made_shown_changed_and_deleted(
    as_member: ApiClient, as_reader: ApiClient, as_outsider: ApiClient
) -> None:
    prefixes = ["10.64.3.0/24", "10.64.0.9/16"]
    made = new_pool(as_member, prefixes=prefixes, description="d").expect(201).json["subnetpool"]
    assert made == {
        "id": made["id"],
        "name": "pool",
        "project_id": ALPHA,
        "tenant_id": ALPHA,
        "description": "d",
        "tags": [],
        "revision_number": 1,
        "created_at": made["created_at"],
        "updated_at": made["updated_at"],
        "shared": False,
        "is_default": False,
        "ip_version": 4,
        "prefixes": ["10.64.0.0/16"],
        "min_prefixlen": "8",
        "max_prefixlen": "32",
        "default_prefixlen": "24",
        "default_quota": None,
        "address_scope_id": None,
    }
    path = f"{POOLS}/{made['id']}"
    assert as_reader.get(path).expect(200).json["subnetpool"] == made
    assert as_reader.get(f"{POOLS}?min_prefixlen=8&is_default=0").json["subnetpools"] == [made]
    assert as_reader.get(f"{POOLS}?ip_version=6").json["subnetpools"] == []
    as_reader.get(f"{POOLS}?colour=red").expect(400)
    as_reader.get(f"{POOLS}?sort_key=prefixes&sort_dir=asc").expect(400)
    for ask in (as_outsider.get, as_outsider.delete):
        ask(path).expect(404)
    asked = {"name": "other", "prefixes": ["10.64.0.0/15"], "max_prefixlen": "28"}
    changed = change(as_member, made["id"], **asked).expect(200).json["subnetpool"]
    assert changed["prefixes"] == ["10.64.0.0/15"]
    assert (changed["name"], changed["max_prefixlen"]) == ("other", "28")
    assert changed["revision_number"] == 2
    tagged = as_member.put(f"{path}/tags", {"tags": ["blue"]}).expect(200)
    assert tagged.json["tags"] == ["blue"]
    assert as_reader.get(f"{POOLS}?tags=blue").json["subnetpools"][0]["id"] == made["id"]
    as_reader.delete(path).expect(403)
    as_member.delete(path).expect(204)
    assert not SubnetPool.objects.exists()


def test_six_has_other_lengths(as_member: ApiClient) -> None:
    body = {"name": "six", "prefixes": ["fd00:7::/48"]}
    made = as_member.post(POOLS, {"subnetpool": body}).expect(201).json["subnetpool"]
    lengths = [made[f"{which}_prefixlen"] for which in ("min", "default", "max")]
    assert lengths == ["64", "64", "128"]
    assert made["ip_version"] == 6


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"prefixes": []}, "prefixes"),
        ({"prefixes": "10.0.0.0/8"}, "prefixes"),
        ({"prefixes": ["10.0.0.1"]}, "prefixes"),
        ({"prefixes": ["x/8"]}, "prefixes"),
        ({"prefixes": ["10.0.0.0/8", "fd00::/64"]}, "prefixes"),
        ({"min_prefixlen": 0}, "min_prefixlen"),
        ({"min_prefixlen": 33, "default_prefixlen": 33}, "prefixlen"),
        ({"min_prefixlen": 25}, "min_prefixlen"),
        ({"max_prefixlen": 20}, "prefixlen"),
        ({"max_prefixlen": 33}, "max_prefixlen"),
        ({"max_prefixlen": None}, "max_prefixlen"),
        ({"default_prefixlen": 4}, "prefixlen"),
        ({"default_prefixlen": "x"}, "default_prefixlen"),
        ({"default_quota": -1}, "default_quota"),
        ({"default_quota": None}, "default_quota"),
        ({"is_default": "maybe"}, "is_default"),
        ({"ip_version": 4}, "ip_version"),
        ({"address_scope_id": "x"}, "address_scope_id"),
        ({"colour": "red"}, "colour"),
        ({"tags": ["a"]}, "tags"),
    ],
)
def test_a_wrong_pool_is_refused(as_member: ApiClient, fields: dict[str, Any], field: str) -> None:
    refused = new_pool(as_member, **fields).expect(400)
    assert field in refused.json["NeutronError"]["message"] or field == "prefixes"
    assert not SubnetPool.objects.exists()


def test_admins_share_pools_and_choose_the_default_one(
    as_admin: ApiClient, as_member: ApiClient, as_outsider: ApiClient, network: Network
) -> None:
    for key in ("shared", "is_default"):
        refused = new_pool(as_member, **{key: True}).expect(403)
        assert f"create_subnetpool:{key}" in refused.json["NeutronError"]["message"]
    made = pool_id(as_admin, shared=True, is_default=True, prefixes=["10.65.0.0/16"])
    assert as_outsider.get(f"{POOLS}/{made}").expect(200).json["subnetpool"]["shared"] is True
    change(as_outsider, made, name="mine").expect(403)
    change(as_admin, made, shared=False).expect(400)
    refused = new_pool(as_admin, is_default=True).expect(400)
    assert "default one of IPv4" in refused.json["NeutronError"]["message"]
    own = pool_id(as_member)
    change(as_member, own, is_default=True).expect(403)
    change(as_admin, own, is_default=True).expect(400)
    pool_id(as_admin, is_default=True, prefixes=["fd00::/48"], default_prefixlen=64)
    got = cut(as_member, network, use_default_subnetpool=True).expect(201).json["subnet"]
    assert (got["subnetpool_id"], got["cidr"]) == (made, "10.65.0.0/24")
    six = cut(as_member, network, use_default_subnetpool=True, ip_version=6).expect(201)
    assert six.json["subnet"]["cidr"] == "fd00::/64"


def test_a_subnet_is_cut_from_a_pool(
    as_member: ApiClient, as_outsider: ApiClient, network: Network
) -> None:
    pool = pool_id(as_member, max_prefixlen=26)
    first = cut(as_member, network, subnetpool_id=pool).expect(201).json["subnet"]
    assert (first["cidr"], first["gateway_ip"]) == ("10.64.0.0/24", "10.64.0.1")
    assert first["subnetpool_id"] == pool
    assert first["allocation_pools"] == [{"start": "10.64.0.2", "end": "10.64.0.254"}]
    small = cut(as_member, network, subnetpool_id=pool, prefixlen="26").expect(201).json["subnet"]
    assert small["cidr"] == "10.64.1.0/26"
    said = cut(as_member, network, subnetpool_id=pool, cidr="10.64.1.128/25").expect(201)
    assert said.json["subnet"]["cidr"] == "10.64.1.128/25"
    again = cut(as_member, network, subnetpool_id=pool, prefixlen=26).expect(201).json["subnet"]
    assert again["cidr"] == "10.64.1.64/26"
    other = make_network(project_id=ALPHA, subnet=False)
    cut(as_member, other, subnetpool_id=pool, cidr="10.64.0.0/25").expect(409)
    path = f"{V2}/subnets?subnetpool_id={pool}&cidr=10.64.0.0/24"
    assert [one["id"] for one in as_member.get(path).json["subnets"]] == [first["id"]]
    foreign = make_network(project_id=BETA, subnet=False)
    cut(as_outsider, foreign, subnetpool_id=pool).expect(404)
    as_member.put(f"{V2}/subnets/{first['id']}", {"subnet": {"subnetpool_id": None}}).expect(400)
    as_member.delete(f"{POOLS}/{pool}").expect(400)
    Subnet.objects.all().delete()
    as_member.delete(f"{POOLS}/{pool}").expect(204)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"prefixlen": 24},
        {"use_default_subnetpool": True},
        {"use_default_subnetpool": "maybe"},
        {"subnetpool_id": "own", "use_default_subnetpool": True},
        {"subnetpool_id": "own", "cidr": "10.64.0.0/24", "prefixlen": 24},
        {"cidr": "10.64.0.0/24", "prefixlen": 24},
        {"subnetpool_id": "own", "prefixlen": 7},
        {"subnetpool_id": "own", "prefixlen": 33},
        {"subnetpool_id": "own", "prefixlen": 0},
        {"subnetpool_id": "own", "cidr": "0.0.0.0/4"},
        {"subnetpool_id": "own", "ip_version": 6},
        {"subnetpool_id": "own", "allocation_pools": [{"start": "10.64.0.9", "end": "10.64.0.9"}]},
        {"subnetpool_id": "own", "gateway_ip": "fd00::1"},
        {"subnetpool_id": "prefix_delegation", "ip_version": 6},
    ],
)
def test_a_wrong_cut_is_refused(
    as_member: ApiClient, network: Network, asked: dict[str, Any]
) -> None:
    pool = pool_id(as_member)
    body = {key: pool if value == "own" else value for key, value in asked.items()}
    cut(as_member, network, **body).expect(400)
    assert not network.subnets.exists()


def test_an_unknown_pool_is_not_found(as_member: ApiClient, network: Network) -> None:
    cut(as_member, network, subnetpool_id=UNKNOWN_ID).expect(404)


def test_a_pool_that_is_used_up_gives_no_more(as_member: ApiClient, network: Network) -> None:
    pool = pool_id(as_member, prefixes=["10.64.0.0/25"], default_prefixlen=26)
    for _ in range(2):
        cut(as_member, network, subnetpool_id=pool).expect(201)
    refused = cut(as_member, network, subnetpool_id=pool).expect(409)
    assert "no free" in refused.json["NeutronError"]["message"]


def test_each_project_gets_what_the_pool_gives(
    as_admin: ApiClient, as_member: ApiClient, as_outsider: ApiClient, network: Network
) -> None:
    pool = pool_id(as_admin, shared=True, default_quota=512)
    for _ in range(2):
        cut(as_member, network, subnetpool_id=pool).expect(201)
    cut(as_member, network, subnetpool_id=pool, prefixlen=32, gateway_ip=None).expect(409)
    other = make_network(project_id=BETA, subnet=False)
    cut(as_outsider, other, subnetpool_id=pool).expect(201)
    change(as_admin, pool, default_quota=0).expect(200)
    cut(as_member, network, subnetpool_id=pool).expect(201)


def test_the_subnets_of_a_network_are_of_one_pool(as_member: ApiClient, network: Network) -> None:
    pool, other = pool_id(as_member), pool_id(as_member, prefixes=["10.66.0.0/16"])
    cut(as_member, network, subnetpool_id=pool).expect(201)
    cut(as_member, network, subnetpool_id=other).expect(400)
    cut(as_member, network, cidr="10.70.0.0/24").expect(400)
    cut(as_member, network, cidr="fd00::/64", ip_version=6).expect(201)
    plain = make_network(project_id=ALPHA)
    cut(as_member, plain, subnetpool_id=pool).expect(400)


def test_ranges_come_into_a_pool_and_leave_it(
    as_member: ApiClient, as_reader: ApiClient, network: Network
) -> None:
    pool = pool_id(as_member)
    add, remove = f"{POOLS}/{pool}/add_prefixes", f"{POOLS}/{pool}/remove_prefixes"
    added = as_member.put(add, {"prefixes": ["10.65.0.0/16", "10.70.0.0/16"]}).expect(200)
    assert added.json == {"prefixes": ["10.64.0.0/15", "10.70.0.0/16"]}
    removed = as_member.put(remove, {"prefixes": ["10.70.0.0/17", "10.99.0.0/16"]}).expect(200)
    assert removed.json == {"prefixes": ["10.64.0.0/15", "10.70.128.0/17"]}
    cut(as_member, network, subnetpool_id=pool, cidr="10.64.7.0/24").expect(201)
    as_member.put(remove, {"prefixes": ["10.64.0.0/16"]}).expect(400)
    whole = {"prefixes": ["10.0.0.0/8"]}
    Subnet.objects.all().delete()
    as_member.put(remove, whole).expect(400)
    for path in (add, remove):
        for wrong in (["fd00::/64"], ["x"], [], None):
            as_member.put(path, {"prefixes": wrong}).expect(400)
        as_member.put(path, []).expect(400)
        as_member.put(path, {}).expect(400)
        as_member.put(path, {"prefixes": ["10.1.0.0/16"], "colour": 1}).expect(400)
        as_reader.put(path, whole).expect(403)
    change(as_member, pool, prefixes=["10.64.0.0/16"]).expect(400)
    assert SubnetPool.objects.get().prefixes == ["10.64.0.0/15", "10.70.128.0/17"]


def test_a_scope_is_made_shown_changed_and_deleted(
    as_admin: ApiClient, as_member: ApiClient, as_reader: ApiClient, as_outsider: ApiClient
) -> None:
    made = new_scope(as_member, ip_version="4").expect(201).json["address_scope"]
    assert made == {
        "id": made["id"],
        "project_id": ALPHA,
        "tenant_id": ALPHA,
        "name": "scope",
        "shared": False,
        "ip_version": 4,
    }
    path = f"{SCOPES}/{made['id']}"
    assert as_reader.get(path).expect(200).json["address_scope"] == made
    assert as_reader.get(f"{SCOPES}?ip_version=4&shared=False").json["address_scopes"] == [made]
    as_reader.get(f"{SCOPES}?description=d").expect(400)
    as_outsider.get(path).expect(404)
    new_scope(as_member, shared=True).expect(403)
    named = as_member.put(path, {"address_scope": {"name": "n"}}).expect(200)
    assert named.json["address_scope"]["name"] == "n"
    as_member.put(path, {"address_scope": {"shared": True}}).expect(403)
    as_admin.put(path, {"address_scope": {"shared": True}}).expect(200)
    assert as_outsider.get(path).expect(200).json["address_scope"]["shared"] is True
    as_admin.put(path, {"address_scope": {"shared": False}}).expect(400)
    as_outsider.delete(path).expect(403)
    pool = pool_id(as_member, address_scope_id=made["id"])
    as_member.delete(path).expect(409)
    change(as_member, pool, address_scope_id=None).expect(200)
    as_member.delete(path).expect(204)
    assert not AddressScope.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"ip_version": None},
        {"ip_version": 5},
        {"name": None},
        {"description": "d"},
        {"shared": "maybe"},
        {"project_id": "nobody"},
    ],
)
def test_a_wrong_scope_is_refused(as_admin: ApiClient, fields: dict[str, Any]) -> None:
    new_scope(as_admin, **fields).expect(400)
    assert not AddressScope.objects.exists()


def test_no_two_pools_of_a_scope_have_an_address_in_common(
    as_admin: ApiClient, as_member: ApiClient, as_outsider: ApiClient, network: Network
) -> None:
    scope = scope_id(as_member)
    pool = pool_id(as_member, address_scope_id=scope)
    new_pool(as_member, prefixes=["10.0.0.0/8"], address_scope_id=scope).expect(409)
    new_pool(
        as_member, prefixes=["fd00::/64"], default_prefixlen=64, address_scope_id=scope
    ).expect(400)
    new_pool(as_member, address_scope_id=UNKNOWN_ID).expect(404)
    new_pool(as_outsider, address_scope_id=scope).expect(404)
    second = pool_id(as_member, prefixes=["10.66.0.0/16"], address_scope_id=scope)
    change(as_member, second, prefixes=["10.0.0.0/8"]).expect(409)
    overlapping = {"prefixes": ["10.64.0.0/24"]}
    as_member.put(f"{POOLS}/{second}/add_prefixes", overlapping).expect(409)
    # subnets of one network may be of both
    for one in (pool, second):
        cut(as_member, network, subnetpool_id=one).expect(201)
    shown = as_member.get(f"{V2}/networks/{network.pk}").expect(200).json["network"]
    assert (shown["ipv4_address_scope"], shown["ipv6_address_scope"]) == (scope, None)
    change(as_member, second, address_scope_id=None).expect(400)
    outside = pool_id(as_member, prefixes=["10.67.0.0/16"])
    cut(as_member, network, subnetpool_id=outside).expect(400)


def test_pools_in_a_scope_of_another_project_stay_as_they_are(
    as_admin: ApiClient, as_member: ApiClient
) -> None:
    scope = scope_id(as_admin, shared=True, project_id=make_project().pk)
    pool = pool_id(as_member, address_scope_id=scope)
    change(as_member, pool, name="other").expect(400)
    as_member.put(f"{POOLS}/{pool}/add_prefixes", {"prefixes": ["10.99.0.0/16"]}).expect(400)
    change(as_admin, pool, name="other").expect(200)


def test_pools_are_limited(as_admin: ApiClient, as_member: ApiClient) -> None:
    path = f"{V2}/quotas/{ALPHA}"
    assert as_admin.get(path).expect(200).json["quota"]["subnetpool"] == -1
    as_admin.put(path, {"quota": {"subnetpool": 1}}).expect(200)
    pool_id(as_member)
    new_pool(as_member, prefixes=["10.70.0.0/16"]).expect(409)
    used = as_admin.get(f"{path}/details").json["quota"]["subnetpool"]
    assert used == {"limit": 1, "used": 1, "reserved": 0}
    assert Quota.objects.get().resource == "subnetpool"


def test_quotas_tell_how_many_networks_may_be_opened(as_admin: ApiClient) -> None:
    path = f"{V2}/quotas/{ALPHA}"
    assert as_admin.get(path).json["quota"]["rbac_policy"] == 10
    changed = as_admin.put(path, {"quota": {"rbac_policy": 3}}).expect(200)
    assert changed.json["quota"]["rbac_policy"] == 3


def test_a_pool_goes_with_its_project(as_admin: ApiClient, as_member: ApiClient) -> None:
    gone = make_project()
    pool = pool_id(as_admin, shared=True, project_id=gone.pk)
    network = make_network(project_id=ALPHA, subnet=False)
    cut(as_member, network, subnetpool_id=pool).expect(201)
    gone.delete()
    assert network.subnets.get().pool is None


def test_the_admin_makes_and_changes_pools_by_the_same_rules(client: Any, cast: Cast) -> None:
    client.force_login(cast.admin.user)
    url = reverse("admin:network_subnetpool_add")
    form = {"name": "p", "project": ALPHA, "prefixes": '["10.64.0.0/16", "10.65.0.0/16"]'}
    assert client.post(url, form).status_code == 302
    pool = SubnetPool.objects.get()
    assert (pool.prefixes, pool.min_prefixlen) == (["10.64.0.0/15"], 8)
    shown = client.post(url, {**form, "min_prefixlen": "30", "max_prefixlen": "20"})
    assert "min_prefixlen 30 is more than" in shown.content.decode()
    page = reverse("admin:network_subnetpool_change", args=[pool.pk])
    assert client.get(page).status_code == 200
    scope = reverse("admin:network_addressscope_add")
    body = {"name": "s", "project": ALPHA, "ip_version": "4"}
    assert client.post(scope, body).status_code == 302
    network = make_network(project_id=ALPHA, subnet=False)
    cut_form = {
        "network": str(network.pk),
        "project": ALPHA,
        "pool": str(pool.pk),
        "prefixlen": "28",
        "ip_version": "4",
        "enable_dhcp": "on",
    }
    answer = client.post(reverse("admin:network_subnet_add"), cut_form)
    assert answer.status_code == 302, answer.content.decode()
    assert network.subnets.get().cidr == "10.64.0.0/28"
    subnet_page = reverse("admin:network_subnet_change", args=[network.subnets.get().pk])
    assert client.get(subnet_page).status_code == 200


@pytest.mark.parametrize(
    ("prefixes", "taken", "left"),
    [
        (["10.0.0.0/8"], [], ["10.0.0.0/8"]),
        (["10.0.0.0/30"], ["10.0.0.0/32"], ["10.0.0.1/32", "10.0.0.2/31"]),
        (["10.0.0.0/30"], ["10.0.0.1/32"], ["10.0.0.0/32", "10.0.0.2/31"]),
        (["10.0.0.0/30"], ["10.0.0.3/32"], ["10.0.0.0/31", "10.0.0.2/32"]),
        (["10.0.0.0/30"], ["10.0.0.0/8"], []),
        (["10.0.0.0/30", "10.0.0.8/30"], ["10.0.0.0/29"], ["10.0.0.8/30"]),
        (["10.0.0.0/30"], ["11.0.0.0/8"], ["10.0.0.0/30"]),
        (["0.0.0.0/0"], ["0.0.0.0/1"], ["128.0.0.0/1"]),
        (["fd00::/64"], ["fd00::/65"], ["fd00::8000:0:0:0/65"]),
    ],
)
def test_ranges_are_subtracted(prefixes: list[str], taken: list[str], left: list[str]) -> None:
    assert without_ranges(prefixes, taken) == left


def test_the_smallest_gap_is_cut_first() -> None:
    whole = ["10.0.0.0/24"]
    taken = ["10.0.0.0/26", "10.0.0.128/27"]
    assert cut_range(whole, taken, 27) == "10.0.0.160/27"
    assert cut_range(whole, taken, 26) == "10.0.0.64/26"
    assert cut_range(whole, taken, 25) is None
    assert compacted(["10.0.1.0/24", "10.0.0.0/24"]) == ["10.0.0.0/23"]
    assert covers(whole, taken)
    assert not covers(taken, whole)
    assert have_common(whole, taken)
    assert not have_common(taken, ["10.0.0.96/27"])
