"""The interfaces of routers: the ports by which they stand in subnets."""

from __future__ import annotations

import dataclasses
import ipaddress
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from compute_site.caller import Caller
from compute_site.faults import BadRequest, Conflict
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.local.addresses import make_row
from compute_site.neighbours.network.local.carried import tell_of_router
from compute_site.neighbours.network.local.limits import QUOTAS
from compute_site.neighbours.network.local.missing import PortNotFound, SubnetNotFound
from compute_site.neighbours.network.local.ports import make_mac, save_asked, serving
from compute_site.neighbours.network.local.rights import permit
from compute_site.neighbours.network.local.router_ports import (
    check_apart,
    interfaces_of,
    subnets_of,
)
from compute_site.neighbours.network.local.routers import RouterInUse, locked
from compute_site.neighbours.network.models import ROUTER_INTERFACE, FixedIp, Port, Router, Subnet


class UnusableInterface(BadRequest):
    """The router can have no interface in this subnet, or not by this port."""

    code = "unusable_interface"


class PortTaken(Conflict):
    """Something else has the port."""

    code = "port_taken"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """Where a router stands: the port, and the subnets that were joined or left."""

    router: Router
    port_id: uuid.UUID
    network_id: uuid.UUID
    project_id: str
    subnets: Sequence[uuid.UUID]


@transaction.atomic
def add_interface(caller: Caller, router: Router, asked: Mapping[str, Any]) -> Interface:
    """Put the router into the asked subnet, or into those of the asked port."""
    permit(caller, policies.ADD_ROUTER_INTERFACE, router.project_id)
    subnet_id, port_id = asked["subnet_id"], asked["port_id"]
    if (subnet_id is None) == (port_id is None):
        raise UnusableInterface("Give a subnet_id or a port_id, and not both.", field="subnet_id")
    router = locked(router)
    if port_id is not None:
        added = join_by_port(router, find_port(caller, port_id))
    else:
        subnet = find_subnet(caller, subnet_id)
        if not may_join(caller, subnet):
            raise UnusableInterface(f"Subnet {subnet.pk} is of another project.", field="subnet_id")
        added = join_subnet(router, subnet)
    router.note_change()
    tell_of_router(router)
    return added


@transaction.atomic
def remove_interface(caller: Caller, router: Router, asked: Mapping[str, Any]) -> Interface:
    """Take the router out of the asked subnet, or out of those of the asked port."""
    permit(caller, policies.REMOVE_ROUTER_INTERFACE, router.project_id)
    subnet_id, port_id = asked["subnet_id"], asked["port_id"]
    if subnet_id is None and port_id is None:
        raise UnusableInterface("Give a subnet_id or a port_id.", field="subnet_id")
    router = locked(router)
    if port_id is not None:
        removed = _leave_port(router, port_id, subnet_id)
    else:
        removed = leave_subnet(router, find_subnet(caller, subnet_id))
    router.note_change()
    tell_of_router(router, removed.network_id)
    return removed


def find_subnet(caller: Caller, subnet_id: uuid.UUID) -> Subnet:
    found = Subnet.objects.visible_to(caller).filter(pk=subnet_id).select_related("network")
    subnet = found.first()
    if subnet is None:
        raise SubnetNotFound(f"There is no subnet {subnet_id}.", field="subnet_id")
    return subnet


def find_port(caller: Caller, port_id: uuid.UUID) -> Port:
    port = Port.objects.visible_to(caller).filter(pk=port_id).first()
    if port is None:
        raise PortNotFound(f"There is no port {port_id}.", field="port_id")
    return port


def may_join(caller: Caller, subnet: Subnet) -> bool:
    """May the caller give the router an interface in the subnet? It takes the address of the
    gateway, which is for the project of the subnet to decide.
    """
    return caller.is_admin or subnet.project_id == caller.project_id


def join_subnet(router: Router, subnet: Subnet) -> Interface:
    """Give the locked router a port in the subnet, with the address of the subnet's gateway. A
    further IPv6 subnet of a network goes to the port that it has there.

    Raises:
        UnusableInterface: the subnet has no gateway, or routers of others announce it.
        SubnetsOverlap: the router has addresses of it already.
        NicFailed: another port has the address of the gateway, or the subnet is for other owners.
        OverQuota: the project has too many ports.
    """
    if subnet.gateway_ip is None:
        raise UnusableInterface(f"Subnet {subnet.pk} has no gateway.", field="subnet_id")
    if ipaddress.ip_address(subnet.gateway_ip) not in ipaddress.ip_network(subnet.cidr):
        told = f"The gateway {subnet.gateway_ip} is no address of subnet {subnet.pk}."
        raise UnusableInterface(told, field="subnet_id")
    _check_announced(subnet)
    check_apart([subnet], subnets_of(router))
    port = _port_for_more(router, subnet) if subnet.ip_version == 6 else None
    if port is None:
        port = Port.objects.create(
            network_id=subnet.network_id,
            project_id=router.project_id,
            mac_address=make_mac(),
            device_id=str(router.pk),
            device_owner=ROUTER_INTERFACE,
            port_security_enabled=False,
            status="ACTIVE",
        )
        QUOTAS.check_written(router.project_id, port=1)
    serving(port, [subnet])
    save_asked([make_row(port.pk, subnet, ipaddress.ip_address(subnet.gateway_ip))])
    return _told(router, port, [subnet])


def join_by_port(router: Router, port: Port) -> Interface:
    """Make the free port an interface of the locked router.

    Raises:
        PortTaken: something has the port.
        UnusableInterface: it has no address, or several of IPv4.
        SubnetsOverlap: the router has addresses of its subnets already.
    """
    port = Port.objects.select_for_update(no_key=True).get(pk=port.pk)
    if port.device_id:
        raise PortTaken(f"Port {port.pk} is in use by {port.device_id}.", field="port_id")
    held = list(port.fixed_ips.select_related("subnet").order_by("pk"))
    if not held:
        raise UnusableInterface(f"Port {port.pk} has no address.", field="port_id")
    subnets = [one.subnet for one in held]
    if sum(subnet.ip_version == 4 for subnet in subnets) > 1:
        raise UnusableInterface(f"Port {port.pk} has several IPv4 addresses.", field="port_id")
    for subnet in subnets:
        _check_announced(subnet)
    check_apart(subnets, subnets_of(router))
    port.device_id, port.device_owner = str(router.pk), ROUTER_INTERFACE
    port.status = "ACTIVE"
    port.save(update_fields=["device_id", "device_owner", "status"])
    port.note_change()
    return _told(router, port, subnets)


def leave_subnet(router: Router, subnet: Subnet) -> Interface:
    """Take the locked router out of the subnet.

    Raises:
        SubnetNotFound: it does not stand there.
        RouterInUse: floating IPs or routes lead there by it.
    """
    port = interfaces_of(router).filter(fixed_ips__subnet=subnet).first()
    if port is None:
        raise SubnetNotFound(f"Router {router.pk} does not stand in subnet {subnet.pk}.")
    _check_not_needed(router, [subnet])
    if port.fixed_ips.exclude(subnet=subnet).exists():
        port.fixed_ips.filter(subnet=subnet).delete()
        port.note_change()
        return _told(router, port, [subnet])
    left = _told(router, port, [subnet])
    port.delete()
    return left


def _leave_port(router: Router, port_id: uuid.UUID, subnet_id: uuid.UUID | None) -> Interface:
    port = interfaces_of(router).filter(pk=port_id).first()
    if port is None:
        raise PortNotFound(f"Port {port_id} is no interface of router {router.pk}.")
    subnets = list(Subnet.objects.filter(fixed_ips__port=port).order_by("pk"))
    if subnet_id is not None and subnet_id not in {subnet.pk for subnet in subnets}:
        raise UnusableInterface(f"Port {port_id} is not in subnet {subnet_id}.", field="subnet_id")
    _check_not_needed(router, subnets)
    left = _told(router, port, subnets)
    port.delete()
    return left


def _told(router: Router, port: Port, subnets: Sequence[Subnet]) -> Interface:
    return Interface(
        router=router,
        port_id=port.pk,
        network_id=port.network_id,
        project_id=port.project_id,
        subnets=[subnet.pk for subnet in subnets],
    )


def _check_announced(subnet: Subnet) -> None:
    """An IPv6 subnet with an address mode alone has a router beyond this service."""
    if subnet.ip_version == 6 and subnet.ipv6_address_mode and not subnet.ipv6_ra_mode:
        raise UnusableInterface(
            f"Subnet {subnet.pk} has its router outside of this service.", field="subnet_id"
        )


def _port_for_more(router: Router, subnet: Subnet) -> Port | None:
    """The interface that has IPv6 addresses of the network of the subnet."""
    there = interfaces_of(router).filter(network=subnet.network_id)
    return there.filter(fixed_ips__subnet__ip_version=6).first()


def _check_not_needed(router: Router, subnets: Sequence[Subnet]) -> None:
    needed = FixedIp.objects.filter(
        subnet__in=subnets, port__in=router.floating_ips.values("port")
    ).values_list("port", "address")
    lent = set(router.floating_ips.values_list("port", "fixed_address"))
    if lent.intersection(needed):
        raise RouterInUse(f"Floating IPs lead into the subnet by router {router.pk}.")
    ranges = [ipaddress.ip_network(subnet.cidr) for subnet in subnets]
    for route in router.routes:
        if any(ipaddress.ip_address(route["nexthop"]) in one for one in ranges):
            raise RouterInUse(
                f"The route to {route['destination']} leads by {route['nexthop']}, into the subnet."
            )
