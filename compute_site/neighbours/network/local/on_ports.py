"""Changes the security groups, fixed addresses and floating IPs of a server's ports."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import Q

from compute_site.caller import Caller
from compute_site.neighbours.ids import canonical_ids, is_address
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.local.addresses import Need
from compute_site.neighbours.network.local.carried import tell_of_ports
from compute_site.neighbours.network.local.ports import save_chosen
from compute_site.neighbours.network.local.rights import permit
from compute_site.neighbours.network.local.router_ports import find_way
from compute_site.neighbours.network.models import (
    FixedIp,
    FloatingIp,
    Port,
    SecurityGroup,
    Subnet,
)
from compute_site.neighbours.network.protocol import FloatingIpData, GroupNotApplicable, NicFailed

ADDRESSES = (policies.UPDATE_PORT, policies.UPDATE_PORT_FIXED_IPS)


@transaction.atomic
def add_group(caller: Caller, server_id: str, group_id: str) -> bool:
    ports = list(Port.objects.of_servers([server_id]).prefetch_related("fixed_ips"))
    for port in ports:
        permit(caller, policies.UPDATE_PORT, port.project_id)
        if not port.port_security_enabled or not port.fixed_ips.all():
            raise GroupNotApplicable(f"Port {port.pk} of the server takes no security groups.")
    through = Port.security_groups.through
    together = Q(ports__in=[port.pk for port in ports]) | Q(pk__in=canonical_ids([group_id]))
    kinds = SecurityGroup.objects.filter(together).values_list("stateful", flat=True)
    if ports and len(set(kinds.distinct())) > 1:
        raise GroupNotApplicable("Stateful and stateless security groups cannot be on one port.")
    entries = [through(port_id=port.pk, securitygroup_id=group_id) for port in ports]
    through.objects.bulk_create(entries, ignore_conflicts=True)
    tell_of_ports([port.pk for port in ports])
    return bool(ports)


@transaction.atomic(savepoint=False)
def remove_group(caller: Caller, server_id: str, group_id: str) -> bool:
    ports = list(Port.objects.of_servers([server_id]))
    for port in ports:
        permit(caller, policies.UPDATE_PORT, port.project_id)
    tell_of_ports([port.pk for port in ports])
    entries = Port.security_groups.through.objects.filter(
        port__in=Port.objects.of_servers([server_id]), securitygroup=group_id
    )
    number, _ = entries.delete()
    return number > 0


@transaction.atomic
def add_address(caller: Caller, server_id: str, network_id: str) -> bool:
    on_network = Port.objects.of_servers([server_id]).filter(
        network__in=canonical_ids([network_id])
    )
    ordered = on_network.order_by("position", "created_at", "pk")
    port = ordered.select_related("network").first()
    if port is None:
        return False
    for rule in (*ADDRESSES, policies.UPDATE_PORT_SUBNET):
        permit(caller, rule, port.project_id, port.network)
    subnets = tuple(Subnet.objects.filter(network=port.network_id).order_by("created_at", "pk"))
    if not subnets:
        return False
    first = subnets[0].ip_version
    save_chosen([Need(port.pk, tuple(one for one in subnets if one.ip_version == first))])
    tell_of_ports([port.pk])
    return True


@transaction.atomic(savepoint=False)
def remove_address(caller: Caller, server_id: str, address: str) -> bool:
    if not is_address(address):
        return False
    ports = Port.objects.of_servers([server_id])
    for port in ports.filter(fixed_ips__address=address).select_related("network"):
        for rule in ADDRESSES:
            permit(caller, rule, port.project_id, port.network)
    tell_of_ports(ports)
    number, _ = FixedIp.objects.filter(port__in=ports, address=address).delete()
    return number > 0


def find_floating_ip(caller: Caller, address: str) -> FloatingIpData | None:
    if not is_address(address):
        return None
    visible = FloatingIp.objects.visible_to(caller).select_related(*TOLD)
    found = visible.filter(address=address).first()
    return None if found is None else describe_floating_ip(found)


TOLD = ("port", "outside__network")


def describe_floating_ip(floating_ip: FloatingIp) -> FloatingIpData:
    """``floating_ip`` comes with what ``TOLD`` names."""
    port, network = floating_ip.port, floating_ip.outside.network
    return FloatingIpData(
        id=str(floating_ip.pk),
        address=floating_ip.address,
        server_id=port.device_id if port is not None else "",
        pool=network.name or str(network.pk),
        fixed_address=floating_ip.fixed_address,
    )


@transaction.atomic
def lend_floating_ip(
    caller: Caller, floating_ip_id: str, server_id: str, fixed_address: str
) -> None:
    _permit_floating(caller, floating_ip_id)
    ports = Port.objects.of_servers([server_id]).filter(fixed_ips__address=fixed_address)
    port = ports.order_by("position", "created_at", "pk").first()
    if port is None:
        raise NicFailed(f"The server has no address {fixed_address}.")
    fixed_ip = port.fixed_ips.select_related("subnet").get(address=fixed_address)
    outside = FloatingIp.objects.get(pk=floating_ip_id).outside.network
    router = find_way(fixed_ip.subnet, outside)
    try:
        with transaction.atomic():
            FloatingIp.objects.filter(pk=floating_ip_id).update(
                port=port, fixed_address=fixed_address, router=router
            )
            tell_of_ports([port.pk])
    except IntegrityError:
        raise NicFailed(f"Another floating IP leads to {fixed_address}.") from None


@transaction.atomic(savepoint=False)
def take_back_floating_ip(caller: Caller, floating_ip_id: str) -> None:
    _permit_floating(caller, floating_ip_id)
    tell_of_ports(Port.objects.filter(lent_floating_ips__pk=floating_ip_id))
    FloatingIp.objects.filter(pk=floating_ip_id).update(port=None, fixed_address=None, router=None)


def _permit_floating(caller: Caller, floating_ip_id: str) -> None:
    for found in FloatingIp.objects.filter(pk=floating_ip_id):
        permit(caller, policies.UPDATE_FLOATING_IP, found.project_id)
