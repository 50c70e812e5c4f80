"""Routers, as the network API v2.0 shows them, with the subnets in which they stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from compute_site.cloudfile.cloud import Cloud, own_id, save_rows
from compute_site.cloudfile.entry import Entry
from compute_site.cloudfile.section import Section
from compute_site.faults import Fault
from compute_site.neighbours.network.api.shapes import ROUTER
from compute_site.neighbours.network.local.interfaces import join_subnet, leave_subnet
from compute_site.neighbours.network.local.router_ports import interfaces_of
from compute_site.neighbours.network.local.routers import locked, set_gateway, set_routes
from compute_site.neighbours.network.local.zones import check_hints
from compute_site.neighbours.network.models import ROUTER_GATEWAY, Network, Port, Router, Subnet
from compute_site.values.keys import Key, list_of, record, uuid_text

KEYS = {
    **ROUTER,
    "interfaces": Key(list_of(record({"subnet_id": Key(uuid_text, required=True)}))),
}
GATEWAY, INTERFACES, ROUTES = "external_gateway_info", "interfaces", "routes"


def write_routers(entries: Sequence[Entry], cloud: Cloud) -> None:
    rows = []
    for entry in entries:
        attempt(entry, "availability_zone_hints", check_hints, entry["availability_zone_hints"])
        project_id = cloud.project(entry, "project_id")
        rows.append(
            Router(
                id=own_id(entry, "router", project_id, entry["name"]),
                project_id=project_id,
                name=entry["name"],
                description=entry["description"],
                admin_state_up=entry["admin_state_up"],
                availability_zone_hints=entry["availability_zone_hints"],
                tags=entry["tags"],
            )
        )
    save_rows(Router, rows, keep=("gateway", "enable_snat", "routes", "status"))
    for entry, row in zip(entries, rows, strict=True):
        _connect(entry, locked(row))


def _connect(entry: Entry, router: Router) -> None:
    """Let the router stand and lead where the entry says; what it is silent about stays."""
    if INTERFACES in entry.given:
        _stand(entry, router)
    if GATEWAY in entry.given:
        info = entry[GATEWAY]
        outside = None
        if info is not None:
            outside = Network.objects.filter(pk=info["network_id"]).first()
            if outside is None:
                raise entry.wrong(GATEWAY, f"there is no network {info['network_id']}")
        _take_known_port(router)
        attempt(entry, GATEWAY, set_gateway, router, info, outside)
    if ROUTES in entry.given:
        attempt(entry, ROUTES, set_routes, router, entry[ROUTES])


def _take_known_port(router: Router) -> None:
    """A file that was made from answers of the API has the port of the gateway among its ports."""
    if router.gateway is None:
        of_router = Port.objects.filter(device_id=str(router.pk), device_owner=ROUTER_GATEWAY)
        router.gateway = of_router.first()


def _stand(entry: Entry, router: Router) -> None:
    wanted = [one["subnet_id"] for one in entry[INTERFACES] or ()]
    subnets = Subnet.objects.in_bulk(wanted)
    missing = [one for one in wanted if one not in subnets]
    if missing:
        raise entry.wrong(INTERFACES, f"there is no subnet {missing[0]}")
    held = set(Subnet.objects.filter(fixed_ips__port__in=interfaces_of(router)))
    for subnet in sorted(held - set(subnets.values()), key=lambda one: str(one.pk)):
        attempt(entry, INTERFACES, leave_subnet, router, subnet)
    for subnet_id in wanted:
        if subnets[subnet_id] not in held:
            attempt(entry, INTERFACES, join_subnet, router, subnets[subnet_id])


def attempt(entry: Entry, key: str, act: Callable[..., Any], *given: Any) -> None:
    """Raises ``CloudFileError`` where the service refuses what the key says."""
    try:
        act(*given)
    except Fault as fault:
        raise entry.wrong(key, fault.detail) from None


SECTIONS = (
    Section(
        name="routers",
        after=("ports",),
        keys=KEYS,
        write=write_routers,
        unique=(("id",),),
    ),
)
