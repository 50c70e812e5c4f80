"""Describes networks to the hosts that carry their packets, and finds these hosts."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.network.carried import (
    Carried,
    CarriedFloating,
    CarriedGateway,
    CarriedInterface,
    CarriedPlace,
    CarriedPort,
    CarriedRouter,
    CarriedSubnet,
)
from compute_site.neighbours.network.local.events import tell_hosts
from compute_site.neighbours.network.local.qos_rules import policy_of, rules_of
from compute_site.neighbours.network.local.wiring import describe_rules
from compute_site.neighbours.network.models import (
    BANDWIDTH_LIMIT,
    COMPUTE,
    DSCP_MARKING,
    ROUTER_INTERFACE,
    FixedIp,
    FloatingIp,
    Network,
    Port,
    PortBinding,
    QosRule,
    Router,
    SecurityGroupRule,
    Subnet,
)
from compute_site.neighbours.network.protocol import TUNNELS

NUMBERS_LOCK = 0x7E57_4E54
"""The advisory lock of who gives numbers to tunneled networks."""
MOST_NUMBER = 2**24 - 1


def find_carried(network_id: str, host: str) -> Carried | None:
    """The network as that host must know it; ``None``: it has nothing to do with it."""
    network = Network.objects.filter(pk__in=canonical_ids([network_id])).first()
    if network is None:
        return None
    joined = _joined([network.pk])
    hosts = _hosts_on(joined)
    if host not in hosts:
        return None
    ports = _ports_on([network.pk])
    moving = _moving(ports)
    own = [port for port in ports if host in {port.binding_host, *moving.get(port.pk, ())}]
    return Carried(
        id=str(network.pk),
        mtu=network.mtu,
        network_type=network.network_type,
        physical_network=network.physical_network,
        segmentation_id=_number_of(network),
        subnets=tuple(_subnet(one) for one in network.subnets.order_by("created_at", "pk")),
        places=tuple(_place(port, moving=port.pk in moving) for port in ports),
        ports=_own_ports(network, own),
        routers=_routers_on(network.pk),
        hosts=tuple(sorted(hosts)),
    )


def carriers_of(networks: Collection[uuid.UUID]) -> dict[str, set[str]]:
    """The hosts that carry any of these networks, and what each has to ask about."""
    if not networks:
        return {}
    joined = _joined(networks)
    told = {str(one) for one in (*networks, *joined)}
    return dict.fromkeys(_hosts_on(joined), told)


def find_carriers_of(networks: Collection[str]) -> dict[str, set[str]]:
    return carriers_of(canonical_ids(networks))


def find_carriers(server_id: str) -> dict[str, set[str]]:
    """The hosts that must know of a server that has come, left or moved."""
    return carriers_of(networks_of_ports(Port.objects.of_servers([server_id])))


def networks_of_ports(ports: Collection[uuid.UUID] | QuerySet[Port]) -> set[uuid.UUID]:
    """The networks of these ports, and those in which rules speak of their groups."""
    groups = Port.security_groups.through.objects.filter(port__in=ports)
    speaking = SecurityGroupRule.objects.filter(remote_group__in=groups.values("securitygroup"))
    own = Q(pk__in=ports)
    rows = Port.objects.filter(own | Q(security_groups__in=speaking.values("group")))
    return set(rows.values_list("network", flat=True))


def tell_of_networks(*networks: uuid.UUID) -> None:
    """Tell the hosts that these have changed; all of these functions, within the transaction."""
    tell_hosts(lambda: carriers_of(networks))


def tell_of_ports(ports: Collection[uuid.UUID] | QuerySet[Port]) -> None:
    """Also before the groups of ports change, for what follows from those that they leave."""
    tell_hosts(lambda: carriers_of(networks_of_ports(ports)))


def tell_of_groups(*groups: uuid.UUID) -> None:
    tell_hosts(lambda: carriers_of(networks_of_groups(groups)))


def tell_of_router(router: Router, *more: uuid.UUID) -> None:
    """``more`` are networks that it leaves."""
    tell_hosts(lambda: carriers_of({*networks_of_routers([router.pk]), *more}))


def networks_of_groups(groups: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """The networks with ports in these groups."""
    rows = Port.objects.filter(security_groups__in=groups)
    return set(rows.values_list("network", flat=True))


def networks_of_routers(routers: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """The networks in which these routers stand."""
    ids = [str(one) for one in routers]
    inside = Port.objects.filter(device_owner=ROUTER_INTERFACE, device_id__in=ids)
    return set(inside.values_list("network", flat=True))


def _joined(networks: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """These networks, and those that routers join with them."""
    inside = Port.objects.filter(device_owner=ROUTER_INTERFACE, network__in=networks)
    routers = set(inside.values_list("device_id", flat=True))
    return {*networks, *networks_of_routers([uuid.UUID(one) for one in routers])}


def _hosts_on(networks: Collection[uuid.UUID]) -> set[str]:
    return set().union(*_hosts_by_network(networks).values())


def _hosts_by_network(networks: Collection[uuid.UUID]) -> dict[uuid.UUID, set[str]]:
    bound = Port.objects.filter(network__in=networks, device_owner__startswith=COMPUTE)
    found: dict[uuid.UUID, set[str]] = {}
    coming = _prepared().filter(port__network__in=networks)
    rows = bound.values_list("network", "binding_host").union(
        coming.values_list("port__network", "host")
    )
    for network_id, host in rows:
        found.setdefault(network_id, set()).update({host} - {""})
    return found


def _prepared() -> QuerySet[PortBinding]:
    """Hosts to which servers move while they run."""
    bindings = PortBinding.objects.filter(port__device_owner__startswith=COMPUTE)
    return bindings.filter(device_id=F("port__device_id"))


def _moving(ports: Collection[Port]) -> dict[uuid.UUID, set[str]]:
    """The hosts to which ports are about to move."""
    found: dict[uuid.UUID, set[str]] = {}
    rows = _prepared().filter(port__in=[port.pk for port in ports])
    for port_id, host in rows.values_list("port", "host"):
        found.setdefault(port_id, set()).add(host)
    return found


def _ports_on(networks: Collection[uuid.UUID]) -> list[Port]:
    bound = Port.objects.filter(network__in=networks, device_owner__startswith=COMPUTE)
    return list(
        bound.exclude(binding_host="").prefetch_related("fixed_ips").order_by("created_at", "pk")
    )


def _number_of(network: Network) -> int | None:
    """The number of a tunneled network, which is given to it when a host asks first; of others,
    what an administrator said. ``None``: there is none, or an older tunneled one has the same.
    """
    if network.network_type not in TUNNELS:
        return network.segmentation_id
    tunneled = Network.objects.filter(network_type__in=TUNNELS)
    if network.segmentation_id is None:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NUMBERS_LOCK])
            network.refresh_from_db(fields=["segmentation_id"])
            if network.segmentation_id is None:
                taken = set(tunneled.values_list("segmentation_id", flat=True))
                numbers = range(1, MOST_NUMBER + 1)
                network.segmentation_id = next(one for one in numbers if one not in taken)
                network.save(update_fields=["segmentation_id"])
    same = tunneled.filter(segmentation_id=network.segmentation_id).exclude(pk=network.pk)
    older = same.filter(
        Q(created_at__lt=network.created_at) | Q(created_at=network.created_at, pk__lt=network.pk)
    )
    return None if older.exists() else network.segmentation_id


def _subnet(subnet: Subnet) -> CarriedSubnet:
    return CarriedSubnet(
        id=str(subnet.pk),
        cidr=subnet.cidr,
        version=subnet.ip_version,
        gateway=subnet.gateway_ip,
        dhcp=subnet.enable_dhcp,
        dns=tuple(subnet.dns_nameservers),
        routes=_pairs(subnet.host_routes),
        ra=subnet.ipv6_ra_mode,
    )


def _place(port: Port, *, moving: bool) -> CarriedPlace:
    return CarriedPlace(
        id=str(port.pk),
        mac=port.mac_address,
        host=port.binding_host,
        addresses=_addresses(port),
        moving=moving,
    )


def _own_ports(network: Network, ports: Sequence[Port]) -> tuple[CarriedPort, ...]:
    filtered = [port.pk for port in ports if port.port_security_enabled]
    through = Port.security_groups.through.objects.filter(port__in=filtered)
    groups: dict[uuid.UUID, set[uuid.UUID]] = {}
    stateless = set()
    for port_id, group_id, stateful in through.values_list(
        "port", "securitygroup", "securitygroup__stateful"
    ):
        groups.setdefault(port_id, set()).add(group_id)
        if not stateful:
            stateless.add(port_id)
    for port in ports:
        port.network = network
    quality = rules_of({policy_of(port) for port in ports} - {None})
    rules = describe_rules(set().union(*groups.values()))
    return tuple(
        CarriedPort(
            id=str(port.pk),
            server_id=port.device_id,
            mac=port.mac_address,
            addresses=_addresses(port),
            up=port.admin_state_up and network.admin_state_up,
            port_security=port.port_security_enabled,
            stateful=port.pk not in stateless,
            rules=tuple(rule for group_id, rule in rules if group_id in groups.get(port.pk, ())),
            pairs=tuple(
                (pair["ip_address"], pair["mac_address"]) for pair in port.allowed_address_pairs
            ),
            options=tuple(
                (one["opt_name"], str(one["opt_value"]), int(one["ip_version"]))
                for one in port.extra_dhcp_opts
            ),
            hostname=port.dns_name,
            limits=_limits(quality.get(policy_of(port), ())),
            dscp=_mark(quality.get(policy_of(port), ())),
        )
        for port in ports
    )


def _limits(rules: Iterable[QosRule]) -> tuple[tuple[str, int, int], ...]:
    return tuple(
        (rule.direction, rule.amount, rule.burst) for rule in rules if rule.kind == BANDWIDTH_LIMIT
    )


def _mark(rules: Iterable[QosRule]) -> int | None:
    return next((rule.amount for rule in rules if rule.kind == DSCP_MARKING), None)


def _addresses(port: Port) -> tuple[str, ...]:
    held = sorted(port.fixed_ips.all(), key=lambda fixed: fixed.pk)
    return tuple(fixed.address for fixed in held)


def _routers_on(network_id: uuid.UUID) -> tuple[CarriedRouter, ...]:
    inside = Port.objects.filter(device_owner=ROUTER_INTERFACE, network=network_id)
    ids = set(inside.values_list("device_id", flat=True))
    routers = list(
        Router.objects.filter(pk__in=ids, admin_state_up=True)
        .select_related("gateway")
        .prefetch_related("gateway__fixed_ips__subnet")
        .order_by("created_at", "pk")
    )
    if not routers:
        return ()
    interfaces: dict[str, list[Port]] = {}
    known = [str(router.pk) for router in routers]
    standing = Port.objects.filter(device_owner=ROUTER_INTERFACE, device_id__in=known)
    for port in standing.prefetch_related("fixed_ips__subnet").order_by("created_at", "pk"):
        interfaces.setdefault(port.device_id, []).append(port)
    floating = list(
        FloatingIp.objects.filter(router__in=routers, port__isnull=False)
        .select_related("port")
        .order_by("pk")
    )
    hosts = _hosts_by_network({port.network_id for held in interfaces.values() for port in held})
    return tuple(
        _router(router, interfaces.get(str(router.pk), ()), floating, hosts) for router in routers
    )


def _router(
    router: Router,
    interfaces: Iterable[Port],
    floating: Iterable[FloatingIp],
    hosts: Mapping[uuid.UUID, set[str]],
) -> CarriedRouter:
    standing = list(interfaces)
    behind = set().union(*(hosts.get(port.network_id, set()) for port in standing))
    return CarriedRouter(
        id=str(router.pk),
        interfaces=tuple(
            CarriedInterface(
                network_id=str(port.network_id),
                mac=port.mac_address,
                addresses=_with_prefix(port.fixed_ips.all()),
            )
            for port in standing
        ),
        routes=_pairs(router.routes),
        gateway=_gateway(router),
        floating=tuple(
            CarriedFloating(
                address=one.address, fixed=str(one.fixed_address), host=one.port.binding_host
            )
            for one in floating
            if one.router_id == router.pk and one.port is not None
        ),
        hosts=tuple(sorted(behind)),
    )


def _gateway(router: Router) -> CarriedGateway | None:
    port = router.gateway
    if port is None:
        return None
    held = sorted(port.fixed_ips.all(), key=lambda fixed: fixed.pk)
    return CarriedGateway(
        network_id=str(port.network_id),
        mac=port.mac_address,
        addresses=_with_prefix(held),
        hops=tuple(one.subnet.gateway_ip for one in held if one.subnet.gateway_ip),
        snat=router.enable_snat,
    )


def _with_prefix(held: Iterable[FixedIp]) -> tuple[str, ...]:
    return tuple(
        f"{one.address}/{ipaddress.ip_network(one.subnet.cidr).prefixlen}"
        for one in sorted(held, key=lambda fixed: fixed.pk)
    )


def _pairs(routes: Iterable[Mapping[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((route["destination"], route["nexthop"]) for route in routes)
