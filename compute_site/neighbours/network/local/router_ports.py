"""The ports of routers: which they are, where they stand, and what they forbid."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Q, QuerySet

from compute_site.faults import BadRequest, Conflict
from compute_site.neighbours.network.local.addresses import overlap
from compute_site.neighbours.network.models import (
    EXTERNAL,
    ROUTER_GATEWAY,
    ROUTER_INTERFACE,
    FixedIp,
    Network,
    Port,
    Router,
    Subnet,
)
from compute_site.neighbours.network.protocol import NicFailed


class SubnetsOverlap(BadRequest):
    """The router would lead to the same addresses on two ways."""

    code = "subnets_overlap"


class RouteNotReachable(BadRequest):
    """The next hop of a route is in no subnet of the router, or is the router itself."""

    code = "route_not_reachable"


class NotReachable(NicFailed):
    """No router leads from the external network to the port."""

    status = 404
    code = "not_reachable"


class GatewayInUse(Conflict):
    """The address is that of a router's port, which a change would leave without one."""

    code = "gateway_in_use"


def leads_out(network: Network) -> bool:
    """Is the network external, for all projects or for one?"""
    return network.external or network.accesses.filter(action=EXTERNAL).exists()


def interfaces_of(router: Router) -> QuerySet[Port]:
    return Port.objects.filter(device_id=str(router.pk), device_owner=ROUTER_INTERFACE)


def subnets_of(router: Router) -> list[Subnet]:
    """The subnets of the interfaces, and all those of the external network."""
    inner = Q(pk__in=FixedIp.objects.filter(port__in=interfaces_of(router)).values("subnet"))
    gateway = router.gateway
    outer = Q(network=gateway.network_id) if gateway is not None else Q(pk__in=[])
    return list(Subnet.objects.filter(inner | outer).order_by("created_at", "pk"))


def check_apart(subnets: Iterable[Subnet], others: Iterable[Subnet]) -> None:
    """Raises ``SubnetsOverlap`` where one of the subnets has addresses of one of the others."""
    known = list(others)
    for subnet in subnets:
        for other in known:
            if subnet.pk == other.pk:
                raise SubnetsOverlap(f"The router stands in the subnet {subnet.pk} already.")
            if overlap(subnet.cidr, other.cidr):
                raise SubnetsOverlap(
                    f"{subnet.cidr} of subnet {subnet.pk} overlaps with {other.cidr} of subnet "
                    f"{other.pk}, in which the router stands."
                )


def check_routes(router: Router, routes: Sequence[Mapping[str, str]]) -> None:
    """Check that the router reaches the next hop of each route.

    Raises:
        RouteNotReachable: it does not, or it is that next hop itself.
    """
    if not routes:
        return
    ranges = [ipaddress.ip_network(subnet.cidr) for subnet in subnets_of(router)]
    mine = Q(port__in=interfaces_of(router)) | Q(port=router.gateway)
    own = set(FixedIp.objects.filter(mine).values_list("address", flat=True))
    for route in routes:
        hop = ipaddress.ip_address(route["nexthop"])
        if not any(hop in one for one in ranges):
            raise RouteNotReachable(f"{hop} is in no subnet of the router.", field="routes")
        if str(hop) in own:
            raise RouteNotReachable(f"{hop} is an address of the router.", field="routes")


def find_way(subnet: Subnet, outside: Network) -> Router:
    """The router that leads from the external network to the subnet: the one that is the gateway
    of the subnet, or else the first. It is locked, so that it goes on to lead there.

    Raises:
        NotReachable: there is none.
    """
    inside = FixedIp.objects.filter(subnet=subnet, port__device_owner=ROUTER_INTERFACE)
    addresses = dict(inside.values_list("port__device_id", "address"))
    leading = Router.objects.filter(pk__in=addresses, gateway__network=outside)
    routers = list(
        leading.select_for_update(no_key=True, of=("self",)).order_by("created_at", "pk")
    )
    if not routers:
        raise NotReachable(
            f"No router leads from the external network {outside.pk} to subnet {subnet.pk}."
        )
    main = (one for one in routers if addresses[str(one.pk)] == subnet.gateway_ip)
    return next(main, routers[0])


def check_gateway_free(subnet: Subnet) -> None:
    """Check, before the gateway of a subnet changes, that no router has its address.

    Raises:
        GatewayInUse: one has.
    """
    held = FixedIp.objects.filter(subnet=subnet, port__device_owner=ROUTER_INTERFACE)
    if subnet.gateway_ip is not None and held.filter(address=subnet.gateway_ip).exists():
        raise GatewayInUse(f"A router has the gateway's address {subnet.gateway_ip}.")


def check_inner(network: Network) -> None:
    """Check that a network may cease to lead out.

    Raises:
        GatewayInUse: routers have their gateways there.
    """
    if network.ports.filter(device_owner=ROUTER_GATEWAY).exists():
        raise GatewayInUse(f"Routers lead out by network {network.pk}.")
