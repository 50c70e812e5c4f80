"""Routers of the network API: interfaces, gateways, routes, and floating IPs that lead by them."""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.neighbours.network.models import (
    ROUTER_GATEWAY,
    ROUTER_INTERFACE,
    FixedIp,
    FloatingIp,
    Network,
    Port,
    Router,
    Subnet,
)
from tests.world.cast import ALPHA, BETA, UNKNOWN_ID
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_network, make_port, make_project, make_router
from tests.world.services import make_subnet

V2 = "//network/v2.0"


@pytest.fixture
def public() -> Network:
    return make_network(project_id=BETA, external=True, name="public")


@pytest.fixture
def inner() -> Subnet:
    subnet: Subnet = make_network().subnets.get()
    return subnet


def create(client: ApiClient, **fields: Any) -> Answer:
    return client.post(f"{V2}/routers", {"router": fields})


def change(client: ApiClient, router: Router, **fields: Any) -> Answer:
    return client.put(f"{V2}/routers/{router.pk}", {"router": fields})


def act(client: ApiClient, row: Router, action: str, **body: Any) -> Answer:
    return client.put(f"{V2}/routers/{row.pk}/{action}", body)


def join(client: ApiClient, router: Router, **place: Any) -> Answer:
    words = {key: str(getattr(value, "pk", value)) for key, value in place.items()}
    return act(client, router, "add_router_interface", **words)


def leave(client: ApiClient, router: Router, **place: Any) -> Answer:
    words = {key: str(getattr(value, "pk", value)) for key, value in place.items()}
    return act(client, router, "remove_router_interface", **words)


def near(subnet: Subnet, last: int = 77) -> str:
    return subnet.cidr.replace(".0/24", f".{last}")


def test_a_router_leads_from_a_subnet_out_and_ends(
    as_member: ApiClient, public: Network, inner: Subnet
) -> None:
    info = {"network_id": str(public.pk)}
    made = create(as_member, name="r", description="d", external_gateway_info=info).expect(201)
    shown = made.json["router"]
    assert (shown["name"], shown["description"], shown["status"]) == ("r", "d", "ACTIVE")
    assert (shown["project_id"], shown["routes"]) == (ALPHA, [])
    router = Router.objects.get(pk=shown["id"])
    assert router.gateway is not None
    outer = router.gateway.fixed_ips.get()
    place = {"subnet_id": str(outer.subnet_id), "ip_address": outer.address}
    assert shown["external_gateway_info"] == {
        "network_id": str(public.pk),
        "external_fixed_ips": [place],
        "enable_snat": True,
    }
    told = join(as_member, router, subnet_id=inner).expect(200).json
    assert (told["id"], told["subnet_id"]) == (shown["id"], str(inner.pk))
    port = as_member.get(f"{V2}/ports/{told['port_id']}").expect(200).json["port"]
    assert (port["device_owner"], port["device_id"]) == (ROUTER_INTERFACE, shown["id"])
    assert port["fixed_ips"] == [{"subnet_id": str(inner.pk), "ip_address": inner.gateway_ip}]
    assert (port["security_groups"], port["status"]) == ([], "ACTIVE")
    as_member.delete(f"{V2}/routers/{router.pk}").expect(409)
    assert leave(as_member, router, subnet_id=inner).expect(200).json["port_id"] == port["id"]
    as_member.delete(f"{V2}/routers/{router.pk}").expect(204)
    assert not Router.objects.exists()
    assert not Port.objects.exists()


def test_the_gateway_is_seen_by_the_project_of_its_network_alone(
    as_member: ApiClient, as_outsider: ApiClient, public: Network, inner: Subnet
) -> None:
    router = make_router(inner, outside=public)
    of_router = f"{V2}/ports?device_id={router.pk}"
    [seen] = as_member.get(of_router).json["ports"]
    assert seen["device_owner"] == ROUTER_INTERFACE
    [seen] = as_outsider.get(of_router).json["ports"]
    assert (seen["device_owner"], seen["project_id"]) == (ROUTER_GATEWAY, BETA)
    as_outsider.get(f"{V2}/routers/{router.pk}").expect(404)
    assert as_outsider.get(f"{V2}/routers").json["routers"] == []


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 400),
        ({"subnet_id": "x"}, 400),
        ({"subnet_id": UNKNOWN_ID}, 404),
        ({"port_id": UNKNOWN_ID}, 404),
        ({"subnet_id": UNKNOWN_ID, "port_id": UNKNOWN_ID}, 400),
        ({"nothing": 1}, 400),
    ],
)
def test_an_interface_needs_one_place_that_exists(
    as_member: ApiClient, asked: Any, status: int
) -> None:
    router = make_router()
    act(as_member, router, "add_router_interface", **asked).expect(status)
    assert not Port.objects.exists()


def test_a_router_stands_in_addresses_once(as_member: ApiClient, inner: Subnet) -> None:
    router = make_router(inner)
    join(as_member, router, subnet_id=inner).expect(400)
    other = make_subnet(make_network(subnet=False), inner.cidr.replace("/24", "/25"))
    refused = join(as_member, router, subnet_id=other).expect(400)
    assert "overlaps" in refused.json["NeutronError"]["message"]
    assert Port.objects.count() == 1


def test_a_gateway_must_lead_out_and_to_other_addresses(
    as_member: ApiClient, inner: Subnet
) -> None:
    router = make_router(inner)
    for network, status in (
        (str(inner.network_id), 400),
        (UNKNOWN_ID, 404),
        (str(self_overlapping(inner).pk), 400),
    ):
        change(as_member, router, external_gateway_info={"network_id": network}).expect(status)
    router.refresh_from_db()
    assert router.gateway is None
    assert not Port.objects.filter(device_owner=ROUTER_GATEWAY).exists()


def self_overlapping(subnet: Subnet) -> Network:
    outside = make_network(subnet=False, external=True)
    make_subnet(outside, subnet.cidr)
    return outside


def test_a_subnet_without_gateway_or_of_another_project_is_joined_by_a_port_alone(
    as_member: ApiClient, as_admin: ApiClient
) -> None:
    router = make_router()
    bare = make_subnet(make_network(subnet=False), "10.200.0.0/24", gateway_ip=None)
    join(as_member, router, subnet_id=bare).expect(400)
    apart = make_subnet(bare.network, "10.201.0.0/24", gateway_ip="10.202.0.1")
    join(as_member, router, subnet_id=apart).expect(400)
    shared = make_network(project_id=BETA, shared=True).subnets.get()
    join(as_member, router, subnet_id=shared).expect(400)
    port = make_port(bare.network)
    join(as_member, router, port_id=port).expect(400)
    FixedIp.objects.create(port=port, network=bare.network, subnet=bare, address="10.200.0.9")
    told = join(as_member, router, port_id=port).expect(200).json
    assert told["subnet_ids"] == [str(bare.pk)]
    join(as_member, router, port_id=port).expect(409)
    join(as_admin, router, subnet_id=shared).expect(200)


def test_ports_of_routers_change_and_go_with_them(
    as_member: ApiClient, as_admin: ApiClient, public: Network, inner: Subnet
) -> None:
    router = make_router(inner, outside=public)
    port = Port.objects.get(device_owner=ROUTER_INTERFACE)
    for who, held in ((as_member, port), (as_admin, router.gateway)):
        assert held is not None
        path = f"{V2}/ports/{held.pk}"
        who.delete(path).expect(409)
        for asked in ({"device_id": ""}, {"device_owner": ""}, {"fixed_ips": []}):
            who.put(path, {"port": asked}).expect(409)
        who.put(path, {"port": {"name": "n"}}).expect(200)
    as_member.delete(f"{V2}/subnets/{inner.pk}").expect(409)
    as_member.delete(f"{V2}/networks/{inner.network_id}").expect(409)
    moved = {"subnet": {"gateway_ip": None}}
    as_member.put(f"{V2}/subnets/{inner.pk}", moved).expect(409)
    closed = {"network": {"router:external": False}}
    as_admin.put(f"{V2}/networks/{public.pk}", closed).expect(409)
    as_admin.delete(f"{V2}/networks/{public.pk}").expect(409)


def test_an_interface_is_removed_from_where_it_is(as_member: ApiClient, inner: Subnet) -> None:
    router, other = make_router(inner), make_network().subnets.get()
    port = Port.objects.get()
    leave(as_member, router, subnet_id=other).expect(404)
    leave(as_member, router, port_id=make_port(other.network)).expect(404)
    leave(as_member, router, port_id=port, subnet_id=other).expect(400)
    act(as_member, router, "remove_router_interface").expect(400)
    leave(as_member, router, port_id=port, subnet_id=inner).expect(200)
    assert not Port.objects.filter(pk=port.pk).exists()


def test_further_ipv6_subnets_of_a_network_share_the_port(as_member: ApiClient) -> None:
    network, router = make_network(subnet=False), make_router()
    first, second = (
        make_subnet(network, f"fd00:{n}::/64", gateway_ip=f"fd00:{n}::1") for n in "12"
    )
    for subnet in (first, second):
        join(as_member, router, subnet_id=subnet).expect(200)
    port = Port.objects.get()
    assert port.fixed_ips.count() == 2
    leave(as_member, router, subnet_id=first).expect(200)
    assert port.fixed_ips.get().subnet == second
    leave(as_member, router, subnet_id=second).expect(200)
    assert not Port.objects.exists()
    modes = {"ipv6_address_mode": "slaac", "ipv6_ra_mode": None}
    Subnet.objects.filter(pk=first.pk).update(**modes)
    join(as_member, router, subnet_id=first).expect(400)


def test_routes_lead_by_neighbours_of_the_router(as_member: ApiClient, inner: Subnet) -> None:
    router = make_router(inner)
    good = {"destination": "10.99.0.0/16", "nexthop": near(inner)}
    for wrong in (
        [{**good, "nexthop": "192.0.2.1"}],
        [{**good, "nexthop": inner.gateway_ip}],
        [{**good, "destination": "x"}],
        [{"destination": "10.99.0.0/16"}],
        [good, good],
        "x",
    ):
        change(as_member, router, routes=wrong).expect(400)
    assert change(as_member, router, routes=[good]).expect(200).json["router"]["routes"] == [good]
    leave(as_member, router, subnet_id=inner).expect(409)
    more = {**good, "nexthop": near(inner, 78)}
    asked = {"routes": [good, more]}
    added = act(as_member, router, "add_extraroutes", router=asked).expect(200)
    assert added.json["router"]["routes"] == [good, more]
    fewer = {"routes": [good, {**good, "destination": "10.98.0.0/16"}]}
    left = act(as_member, router, "remove_extraroutes", router=fewer).expect(200)
    assert left.json["router"]["routes"] == [more]
    act(as_member, router, "add_extraroutes", router={"routes": "x"}).expect(400)
    assert change(as_member, router, routes=None).expect(200).json["router"]["routes"] == []


def test_a_router_has_as_many_routes_as_its_quota_says(
    as_member: ApiClient, as_admin: ApiClient, inner: Subnet
) -> None:
    router = make_router(inner)
    as_admin.put(f"{V2}/quotas/{ALPHA}", {"quota": {"router_route": 1}}).expect(200)
    routes = [{"destination": f"10.{n}.0.0/16", "nexthop": near(inner)} for n in (98, 99)]
    change(as_member, router, routes=routes).expect(409)
    change(as_member, router, routes=routes[:1]).expect(200)


def test_a_gateway_that_a_route_leads_by_stays(
    as_member: ApiClient, public: Network, inner: Subnet
) -> None:
    router = make_router(inner, outside=public)
    hop = near(public.subnets.get(), 254)
    change(as_member, router, routes=[{"destination": "10.99.0.0/16", "nexthop": hop}]).expect(200)
    change(as_member, router, external_gateway_info=None).expect(400)
    router.refresh_from_db()
    assert router.gateway is not None


def test_operators_choose_the_addresses_outside(as_admin: ApiClient, public: Network) -> None:
    router, subnet = make_router(), public.subnets.get()

    def ask(address: str, **more: Any) -> Answer:
        outside = {"ip_address": address, "subnet_id": str(subnet.pk)}
        info = {"network_id": str(public.pk), "external_fixed_ips": [outside], **more}
        return change(as_admin, router, external_gateway_info=info)

    ask(near(subnet, 1)).expect(400)
    ask("10.255.255.9").expect(400)
    shown = ask(near(subnet), enable_snat=False).expect(200).json["router"]
    info = shown["external_gateway_info"]
    assert info["external_fixed_ips"][0]["ip_address"] == near(subnet)
    assert info["enable_snat"] is False
    before = Port.objects.get(device_owner=ROUTER_GATEWAY)
    moved = ask(near(subnet, 78)).expect(200).json["router"]["external_gateway_info"]
    assert moved["external_fixed_ips"][0]["ip_address"] == near(subnet, 78)
    assert moved["enable_snat"] is True
    assert Port.objects.get(device_owner=ROUTER_GATEWAY) == before
    change(as_admin, router, external_gateway_info={}).expect(200)
    assert not Port.objects.exists()


def test_a_floating_ip_leads_by_the_router_of_its_port(
    as_member: ApiClient, public: Network, inner: Subnet
) -> None:
    port = make_port(inner.network)
    FixedIp.objects.create(port=port, network=inner.network, subnet=inner, address=near(inner))
    body = {"floating_network_id": str(public.pk), "port_id": str(port.pk)}
    refused = as_member.post(f"{V2}/floatingips", {"floatingip": body}).expect(404)
    assert "No router" in refused.json["NeutronError"]["message"]
    assert not FloatingIp.objects.exists()
    side, main = make_router(outside=public), make_router(inner, outside=public)
    beside = make_port(inner.network)
    place = {"network": inner.network, "subnet": inner, "address": near(inner, 78)}
    FixedIp.objects.create(port=beside, **place)
    join(as_member, side, port_id=beside).expect(200)
    made = as_member.post(f"{V2}/floatingips", {"floatingip": body}).expect(201).json["floatingip"]
    assert made["router_id"] == str(main.pk)
    listed = as_member.get(f"{V2}/floatingips?router_id={main.pk}").json["floatingips"]
    assert [one["id"] for one in listed] == [made["id"]]
    assert as_member.get(f"{V2}/floatingips?router_id={side.pk}").json["floatingips"] == []
    leave(as_member, main, subnet_id=inner).expect(409)
    change(as_member, main, external_gateway_info=None).expect(409)
    as_member.delete(f"{V2}/floatingips/{made['id']}").expect(204)
    change(as_member, main, external_gateway_info=None).expect(200)


def test_a_fixed_address_needs_its_port(as_member: ApiClient, public: Network) -> None:
    body = {"floating_network_id": str(public.pk), "fixed_ip_address": "10.0.0.5"}
    as_member.post(f"{V2}/floatingips", {"floatingip": body}).expect(400)
    assert not FloatingIp.objects.exists()


def test_lists_are_filtered_and_sorted(as_member: ApiClient) -> None:
    for name in "ab":
        create(as_member, name=name, admin_state_up=name == "a").expect(201)

    def names(query: str) -> list[str]:
        found = as_member.get(f"{V2}/routers?{query}").expect(200).json["routers"]
        return [one["name"] for one in found]

    assert names("admin_state_up=false") == ["b"]
    assert names("sort_key=name&sort_dir=desc") == ["b", "a"]
    assert names("name=a&fields=name") == ["a"]
    for query in ("status=ACTIVE", "nothing=1", "sort_key=routes&sort_dir=asc"):
        as_member.get(f"{V2}/routers?{query}").expect(400)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"routes": []}, 400),
        ({"status": "DOWN"}, 400),
        ({"distributed": True}, 400),
        ({"ha": True}, 400),
        ({"tags": ["a"]}, 400),
        ({"external_gateway_info": "x"}, 400),
        ({"external_gateway_info": {"enable_snat": True}}, 400),
        ({"external_gateway_info": {"network_id": UNKNOWN_ID}}, 404),
        ({"availability_zone_hints": ["mars"]}, 404),
        ({"availability_zone_hints": "nova"}, 400),
    ],
)
def test_a_router_that_cannot_be_is_refused(
    as_admin: ApiClient, fields: dict[str, Any], status: int
) -> None:
    create(as_admin, **fields).expect(status)
    assert not Router.objects.exists()


def test_hints_name_zones(as_member: ApiClient) -> None:
    shown = create(as_member, availability_zone_hints=["nova"]).expect(201).json["router"]
    assert (shown["availability_zone_hints"], shown["availability_zones"]) == (["nova"], ["nova"])


def test_routers_are_limited(as_member: ApiClient, as_admin: ApiClient, public: Network) -> None:
    as_admin.put(f"{V2}/quotas/{ALPHA}", {"quota": {"router": 1}}).expect(200)
    info = {"network_id": str(public.pk)}
    create(as_member, external_gateway_info=info).expect(201)
    create(as_member, external_gateway_info=info).expect(409)
    assert Port.objects.filter(device_owner=ROUTER_GATEWAY).count() == 1
    used = as_member.get(f"{V2}/quotas/{ALPHA}/details").json["quota"]
    assert (used["router"]["used"], used["port"]["used"]) == (1, 0)


def test_a_project_that_ends_takes_its_addresses_outside_with_it(
    as_admin: ApiClient, public: Network
) -> None:
    project = make_project("doomed")
    inner = make_network(project_id=project.pk).subnets.get()
    make_router(inner, outside=public, project_id=project.pk)
    body = {"floating_network_id": str(public.pk), "project_id": project.pk}
    as_admin.post(f"{V2}/floatingips", {"floatingip": body}).expect(201)
    as_admin.delete(f"//identity/v3/projects/{project.pk}").expect(204)
    assert not Port.objects.exists()


def test_a_network_that_others_lead_out_by_keeps_its_project(as_admin: ApiClient) -> None:
    project = make_project("needed")
    make_router(outside=make_network(project_id=project.pk, external=True))
    as_admin.delete(f"//identity/v3/projects/{project.pk}").expect(409)
    assert Router.objects.get().gateway is not None
