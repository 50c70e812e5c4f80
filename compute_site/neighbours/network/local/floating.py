"""Floating IPs: addresses of an external network that a project owns and maps to its ports."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from compute_site.caller import Caller
from compute_site.faults import BadReference, BadRequest, Conflict
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.local.addresses import Need
from compute_site.neighbours.network.local.carried import tell_of_ports
from compute_site.neighbours.network.local.changes import find_network
from compute_site.neighbours.network.local.events import tell_changed, tell_changing
from compute_site.neighbours.network.local.limits import QUOTAS
from compute_site.neighbours.network.local.missing import PortNotFound, SubnetNotFound
from compute_site.neighbours.network.local.ports import (
    asked_address,
    make_mac,
    save_asked,
    save_chosen,
    serving,
)
from compute_site.neighbours.network.local.rights import choose_project, permit, permit_create
from compute_site.neighbours.network.local.router_ports import find_way, leads_out
from compute_site.neighbours.network.models import (
    FLOATING,
    FixedIp,
    FloatingIp,
    Network,
    Port,
    Subnet,
)
from compute_site.neighbours.network.protocol import AddressOutside


class FloatingIpInUse(Conflict):
    """The fixed address has another floating IP already."""

    code = "floating_ip_in_use"


@transaction.atomic
def create_floating_ip(
    caller: Caller, values: Mapping[str, Any], given: Collection[str]
) -> FloatingIp:
    project_id = choose_project(caller, policies.CREATE_FLOATING_IP, values)
    permit_create(caller, policies.CREATE_FLOATING_IP, project_id, values, given)
    network = find_network(caller, values["floating_network_id"], field="floating_network_id")
    if not leads_out(network):
        raise BadReference(f"Network {network.pk} is not external.", field="floating_network_id")
    outside = _make_outside_port(caller, network, values)
    floating_ip = FloatingIp(
        project_id=project_id,
        outside=outside,
        address=outside.fixed_ips.get().address,
        description=values["description"],
    )
    _lend(caller, floating_ip, values, given)
    # last, because a change of ports locks servers before the project
    QUOTAS.check(project_id, floatingip=0)
    return floating_ip


@transaction.atomic
def change_floating_ip(
    caller: Caller, floating_ip: FloatingIp, values: Mapping[str, Any], given: Collection[str]
) -> None:
    """Associate the address with a port, or, if ``port_id`` is null, with none."""
    permit(caller, policies.UPDATE_FLOATING_IP, floating_ip.project_id)
    if "description" in given:
        floating_ip.description = values["description"]
    floating_ip.revision_number += 1
    floating_ip.updated_at = timezone.now()
    _lend(caller, floating_ip, values, given)


def delete_floating_ip(caller: Caller, floating_ip: FloatingIp) -> None:
    permit(caller, policies.DELETE_FLOATING_IP, floating_ip.project_id)
    holders = _holders(floating_ip)
    with transaction.atomic():
        tell_changing(holders)
        _tell_carriers(floating_ip)
        floating_ip.outside.delete()  # and with it the floating IP
        tell_changed(holders)


def _make_outside_port(caller: Caller, network: Network, values: Mapping[str, Any]) -> Port:
    """The port that holds the address on the external network, in the project of that network."""
    port = Port.objects.create(
        network=network,
        project_id=network.project_id,
        mac_address=make_mac(),
        device_id=str(uuid.uuid4()),
        device_owner=FLOATING,
        port_security_enabled=False,
        status="N/A",
    )
    subnets = network.subnets.filter(ip_version=4)
    asked = values["subnet_id"]
    if asked is not None:
        seen = Subnet.objects.visible_to(caller) | network.subnets.all()
        if not seen.filter(pk=asked).exists():
            raise SubnetNotFound(f"There is no subnet {asked}.", field="subnet_id")
        subnets = subnets.filter(pk=asked)
    choice = tuple(serving(port, subnets.order_by("created_at", "pk")))
    if not choice:
        raise BadReference(f"Network {network.pk} has no such IPv4 subnet.", field="subnet_id")
    if values["floating_ip_address"] is None:
        save_chosen([Need(port.pk, choice)])
    else:
        _save_asked(port, values["floating_ip_address"], choice)
    return port


def _save_asked(port: Port, address: str, subnets: Sequence[Subnet]) -> None:
    """Give the port the asked address, which may not be the subnet's gateway."""
    fixed_ip = asked_address(port, address, subnets)
    if fixed_ip.subnet.gateway_ip == fixed_ip.address:
        raise AddressOutside(f"Address {address} is the gateway of its subnet.")
    save_asked([fixed_ip])


def _lend(
    caller: Caller, floating_ip: FloatingIp, values: Mapping[str, Any], given: Collection[str]
) -> None:
    before = _holders(floating_ip)
    port_id = values["port_id"]
    if port_id is None and values["fixed_ip_address"] is not None:
        raise BadRequest("A fixed address needs its port_id.", field="fixed_ip_address")
    if "port_id" not in given:
        floating_ip.save()
        return
    _tell_carriers(floating_ip)
    floating_ip.port, floating_ip.fixed_address, floating_ip.router = None, None, None
    if port_id is not None:
        port = Port.objects.visible_to(caller).filter(pk=port_id).first()
        if port is None:
            raise PortNotFound(f"There is no port {port_id}.", field="port_id")
        floating_ip.port = port
    tell_changing(before | _holders(floating_ip))
    if floating_ip.port is not None:
        fixed_ip = _fixed_ip(floating_ip.port, values["fixed_ip_address"])
        floating_ip.fixed_address = fixed_ip.address
        # locked after the servers, and until the floating IP stands in the table
        floating_ip.router = find_way(fixed_ip.subnet, floating_ip.outside.network)
    try:
        with transaction.atomic():
            floating_ip.save()
    except IntegrityError:
        raise FloatingIpInUse(
            f"Address {floating_ip.fixed_address} of port {port_id} has a floating IP already."
        ) from None
    tell_changed(before | _holders(floating_ip))
    _tell_carriers(floating_ip)


def _tell_carriers(floating_ip: FloatingIp) -> None:
    if floating_ip.port_id is not None:
        tell_of_ports([floating_ip.port_id])


def _holders(floating_ip: FloatingIp) -> set[str]:
    """The server that the floating IP is associated with, if any."""
    return set() if floating_ip.port is None else {floating_ip.port.device_id}


def _fixed_ip(port: Port, asked: str | None) -> FixedIp:
    """The asked address of the port, or its only IPv4 address."""
    held = port.fixed_ips.select_related("subnet").order_by("pk")
    fitting = [one for one in held if ":" not in one.address and asked in (None, one.address)]
    if not fitting:
        raise BadReference(f"Port {port.pk} has no such IPv4 address.", field="fixed_ip_address")
    if len(fitting) > 1:
        addresses = ", ".join(one.address for one in fitting)
        raise BadReference(
            f"Port {port.pk} has several IPv4 addresses: {addresses}; name one.",
            field="fixed_ip_address",
        )
    return fitting[0]
