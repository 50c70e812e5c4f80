"""Routers: how they are made, changed and deleted, and how they lead out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import transaction

from compute_site.caller import Caller
from compute_site.faults import BadRequest, Conflict, NotFound
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.local.carried import tell_of_router
from compute_site.neighbours.network.local.changes import find_network
from compute_site.neighbours.network.local.limits import QUOTAS, OverQuota
from compute_site.neighbours.network.local.ports import give_addresses, make_mac, save_addresses
from compute_site.neighbours.network.local.rights import (
    choose_project,
    permit,
    permit_create,
    permit_update,
)
from compute_site.neighbours.network.local.router_ports import (
    check_apart,
    check_routes,
    interfaces_of,
    leads_out,
    subnets_of,
)
from compute_site.neighbours.network.local.zones import check_hints
from compute_site.neighbours.network.models import ROUTER_GATEWAY, Network, Port, Router
from compute_site.neighbours.quotas import UNLIMITED

Route = Mapping[str, str]
COLUMNS = ("name", "description", "admin_state_up")


class RouterInUse(Conflict):
    """The router has interfaces, or floating IPs lead by it."""

    code = "router_in_use"


class NotExternal(BadRequest):
    """The network is not external, or the address is that of its own gateway."""

    code = "not_external"


class RepeatedRoute(BadRequest):
    """The same route is named twice."""

    code = "repeated_route"


@transaction.atomic
def create_router(caller: Caller, values: Mapping[str, Any], given: Collection[str]) -> Router:
    project_id = choose_project(caller, policies.CREATE_ROUTER, values)
    permit_create(caller, policies.CREATE_ROUTER, project_id, values, given)
    check_hints(values["availability_zone_hints"])
    router = Router(
        project_id=project_id,
        availability_zone_hints=values["availability_zone_hints"],
        **{column: values[column] for column in COLUMNS},
    )
    router.save(force_insert=True)
    if values["external_gateway_info"]:
        set_gateway(router, values["external_gateway_info"], _outside(caller, values))
    QUOTAS.check_written(project_id, router=1)
    return router


@transaction.atomic
def change_router(
    caller: Caller, router: Router, values: Mapping[str, Any], given: Collection[str]
) -> None:
    permit_update(caller, policies.UPDATE_ROUTER, router, values, given)
    router = locked(router)
    if "external_gateway_info" in given:
        set_gateway(router, values["external_gateway_info"], _outside(caller, values))
    changed = [column for column in COLUMNS if column in given]
    for column in changed:
        setattr(router, column, values[column])
    router.save(update_fields=changed)
    if "routes" in given:
        set_routes(router, values["routes"] or [])
    router.note_change()
    tell_of_router(router)


@transaction.atomic
def delete_router(caller: Caller, router: Router) -> None:
    permit(caller, policies.DELETE_ROUTER, router.project_id)
    remove_router(locked(router))


def remove_router(router: Router) -> None:
    """Delete the router and its gateway.

    Raises:
        RouterInUse: it has interfaces, or floating IPs lead by it.
    """
    if interfaces_of(router).exists():
        raise RouterInUse(f"Router {router.pk} still stands in subnets.")
    _remove_gateway(router)
    router.delete()


def is_needed(router: Router) -> bool:
    """Does it stand in a subnet, or do floating IPs lead by it?"""
    lent = router.floating_ips.filter(port__isnull=False)
    return interfaces_of(router).exists() or lent.exists()


@transaction.atomic
def add_routes(caller: Caller, router: Router, routes: Sequence[Route]) -> Router:
    permit(caller, policies.ADD_EXTRA_ROUTES, router.project_id)
    router = locked(router)
    set_routes(router, [*router.routes, *(one for one in routes if one not in router.routes)])
    router.note_change()
    tell_of_router(router)
    return router


@transaction.atomic
def remove_routes(caller: Caller, router: Router, routes: Sequence[Route]) -> Router:
    permit(caller, policies.REMOVE_EXTRA_ROUTES, router.project_id)
    router = locked(router)
    set_routes(router, [one for one in router.routes if one not in routes])
    router.note_change()
    tell_of_router(router)
    return router


def locked(router: Router) -> Router:
    """The router as it is now, locked against other changes.

    Raises:
        NotFound: it was deleted meanwhile.
    """
    rows = Router.objects.select_for_update(no_key=True, of=("self",)).select_related("gateway")
    found = rows.filter(pk=router.pk).first()
    if found is None:
        raise NotFound(f"There is no router {router.pk}.")
    return found


def set_routes(router: Router, routes: Sequence[Route]) -> None:
    """Give the router exactly these routes.

    Raises:
        RepeatedRoute: one is named twice.
        RouteNotReachable: the router does not reach the next hop of one.
        OverQuota: there are more than a router may have.
    """
    if len({tuple(sorted(route.items())) for route in routes}) < len(routes):
        raise RepeatedRoute("A route is named twice.", field="routes")
    check_routes(router, routes)
    most = QUOTAS.limits_of(router.project_id)["router_route"]
    if UNLIMITED < most < len(routes):
        raise OverQuota(f"A router of the project has at most {most} routes.", field="routes")
    router.routes = list(routes)
    router.save(update_fields=["routes"])


def set_gateway(router: Router, info: Mapping[str, Any] | None, outside: Network | None) -> None:
    """Let the router lead out by the external network with the asked addresses, or, if that is
    ``None``, not lead out.

    Raises:
        NotExternal: the network leads nowhere, or the address is that of its gateway.
        RouterInUse: floating IPs need the gateway that the router has.
        SubnetsOverlap: the router stands in the same addresses already.
        RouteNotReachable: a route of the router led out.
        NicFailed: no address is left there, or the asked one is taken.
    """
    entries = (info or {}).get("external_fixed_ips") or []
    snat = (info or {}).get("enable_snat")
    router.enable_snat = True if snat is None else snat
    if outside is not None:
        _check_outside(outside, entries)
    gateway = router.gateway
    if gateway is not None and outside is not None and gateway.network_id == outside.pk:
        if entries and not _has_all(gateway, entries):
            gateway.fixed_ips.all().delete()
            give_addresses(gateway, entries)
    else:
        _remove_gateway(router)
        if outside is not None:
            _add_gateway(router, outside, entries)
    router.save(update_fields=["enable_snat", "gateway"])
    check_routes(router, router.routes)


def _outside(caller: Caller, values: Mapping[str, Any]) -> Network | None:
    """The external network that is asked for."""
    info = values["external_gateway_info"]
    if not info or info["network_id"] is None:
        return None
    return find_network(caller, info["network_id"], field="external_gateway_info.network_id")


def _check_outside(outside: Network, entries: Sequence[Mapping[str, Any]]) -> None:
    if not leads_out(outside):
        raise NotExternal(
            f"Network {outside.pk} is not external.", field="external_gateway_info.network_id"
        )
    asked = {entry["ip_address"] for entry in entries}
    taken = asked.intersection(outside.subnets.values_list("gateway_ip", flat=True)) - {None}
    if taken:
        raise NotExternal(
            f"{', '.join(sorted(taken))} is the gateway of the external network.",
            field="external_gateway_info.external_fixed_ips",
        )


def _has_all(gateway: Port, entries: Sequence[Mapping[str, Any]]) -> bool:
    """Does the gateway have exactly the addresses and subnets that are asked for?"""
    held = list(gateway.fixed_ips.values_list("address", "subnet_id"))
    subnets = {entry["subnet_id"] for entry in entries} - {None}
    addresses = {entry["ip_address"] for entry in entries} - {None}
    same_subnets = not subnets or subnets == {subnet_id for _, subnet_id in held}
    return same_subnets and (not addresses or addresses == {address for address, _ in held})


def _add_gateway(router: Router, outside: Network, entries: Sequence[Mapping[str, Any]]) -> None:
    check_apart(outside.subnets.all(), subnets_of(router))
    port = Port.objects.create(
        network=outside,
        project_id=outside.project_id,
        mac_address=make_mac(),
        device_id=str(router.pk),
        device_owner=ROUTER_GATEWAY,
        port_security_enabled=False,
        status="ACTIVE",
    )
    if entries:
        give_addresses(port, entries)
    else:
        save_addresses([(port, None)])
    router.gateway = port


def _remove_gateway(router: Router) -> None:
    gateway = router.gateway
    if gateway is None:
        return
    if router.floating_ips.filter(port__isnull=False).exists():
        raise RouterInUse(f"Floating IPs lead by the gateway of router {router.pk}.")
    router.gateway = None
    router.save(update_fields=["gateway"])
    gateway.delete()
