"""Looks up the ports and networks of a server's NICs; writes only the network and router for
``auto``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from compute_site.caller import Caller
from compute_site.db.compiled import CompiledQuery
from compute_site.db.loading import load
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.network.local.addresses import default_pools
from compute_site.neighbours.network.local.interfaces import join_subnet
from compute_site.neighbours.network.local.limits import QUOTAS
from compute_site.neighbours.network.local.qos import asks_of_hosts
from compute_site.neighbours.network.local.routers import set_gateway
from compute_site.neighbours.network.models import Network, Port, Router, Subnet
from compute_site.neighbours.network.policies import ATTACH_EXTERNAL_NETWORK
from compute_site.neighbours.network.protocol import NicFailed, NicRequest
from compute_site.neighbours.quotas import lock_project

OF_NETWORK = (
    *("id", "name", "project_id", "shared", "external", "port_security_enabled", "qos_policy_id"),
)
READ = (
    *("id", "name", "project_id", "shared_here", "leads_out", "port_security_enabled"),
    "qos_policy_id",
)
"""For ``OF_NETWORK``, as the project sees the network."""
SEEN_NETWORKS = CompiledQuery(
    lambda caller, *ids: (
        Network.objects.visible_to(caller)
        .filter(pk__in=ids)
        .told_to(caller.project_id)
        .values_list(*READ)
    )
)
AUTO_NETWORK = "auto_allocated_network"
AUTO_ROUTER = "auto_allocated_router"
AUTO_CIDR = "10.0.0.0/26"
AUTO_GATEWAY = "10.0.0.1"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NicPlan:
    """A NIC to make, with the rows that were found: an existing port, or a new one on a network."""

    position: int
    network: Network
    port: Port | None = None
    fixed_ip: str | None = None
    tag: str | None = None


def plan_nics(caller: Caller, requests: Sequence[NicRequest] | str) -> list[NicPlan]:
    """A plan for each asked NIC.

    Raises:
        NicFailed: something does not exist, is ambiguous, or may not be used.
    """
    if requests == "none":
        return []
    if isinstance(requests, str) or not requests:
        network = _only_network(caller, allocate=requests == "auto")
        plans = [] if network is None else [NicPlan(position=0, network=network)]
    else:
        plans = _look_up(caller, requests)
    _check_external(caller, plans)
    _check_asks(plans)
    return plans


def _only_network(caller: Caller, *, allocate: bool) -> Network | None:
    offered = Network.objects.offered_to(caller.project_id)
    if allocate:
        # The lock on the project makes two servers that ask for a network get the same one.
        lock_project(caller.project_id)
        offered = offered.filter(admin_state_up=True)
    networks = list(offered[:2])
    if len(networks) > 1:
        raise NicFailed("The project can use several networks; name one of them.")
    if networks:
        return networks[0]
    return _make_auto_network(caller.project_id) if allocate else None


def _make_auto_network(project_id: str) -> Network:
    outside = Network.objects.filter(external=True, is_default=True).first()
    if outside is None:
        raise NicFailed(
            "No network can be made for the project: no external network is the default one."
        )
    QUOTAS.check(project_id, network=1, subnet=1, router=1, port=1)
    network = Network.objects.create(name=AUTO_NETWORK, project_id=project_id)
    subnet = Subnet.objects.create(
        name="auto_allocated_subnet_v4",
        network=network,
        project_id=project_id,
        cidr=AUTO_CIDR,
        gateway_ip=AUTO_GATEWAY,
        allocation_pools=default_pools(AUTO_CIDR, AUTO_GATEWAY),
    )
    router = Router.objects.create(name=AUTO_ROUTER, project_id=project_id)
    set_gateway(router, None, outside)
    join_subnet(router, subnet)
    return network


def _look_up(caller: Caller, requests: Sequence[NicRequest]) -> list[NicPlan]:
    port_ids = canonical_ids(request.port_id or "" for request in requests)
    network_ids = canonical_ids(request.network_id or "" for request in requests)
    seen_ports = Port.objects.visible_to(caller).select_related("network")
    ports: dict[str, Port] = {}
    if port_ids:
        ports = {str(port.pk): port for port in seen_ports.filter(pk__in=port_ids)}
    networks: dict[str, Network] = {}
    if network_ids:
        for row in SEEN_NETWORKS.rows(caller, *network_ids):
            network = load(Network, **dict(zip(OF_NETWORK, row, strict=True)))
            networks[str(network.pk)] = network
    return [
        _look_up_one(position, request, ports, networks)
        for position, request in enumerate(requests)
    ]


def _look_up_one(
    position: int, request: NicRequest, ports: dict[str, Port], networks: dict[str, Network]
) -> NicPlan:
    if request.port_id is not None:
        port = ports.get(request.port_id)
        if port is None:
            raise NicFailed(f"Port {request.port_id} does not exist.")
        return NicPlan(position=position, network=port.network, port=port, tag=request.tag)
    network = networks.get(request.network_id or "")
    if network is None:
        raise NicFailed(f"Network {request.network_id} does not exist.")
    return NicPlan(position=position, network=network, fixed_ip=request.fixed_ip, tag=request.tag)


def _check_asks(plans: Iterable[NicPlan]) -> None:
    """What a port asks of hosts must be known before a host is chosen."""
    asking = {
        plan.network.pk
        for plan in plans
        if plan.port is None and plan.network.qos_policy_id is not None
    }
    if asking and asks_of_hosts(asking):
        raise NicFailed(
            "The QoS policy of a network asks for bandwidth or packets of the host: give the "
            "server a port that exists."
        )


def _check_external(caller: Caller, plans: Iterable[NicPlan]) -> None:
    for plan in plans:
        barred = plan.network.external and not plan.network.shared
        if barred and not caller.may(ATTACH_EXTERNAL_NETWORK):
            raise NicFailed(
                f"Network {plan.network.pk} is external: a server may stand on it only with the "
                f"policy rule {ATTACH_EXTERNAL_NETWORK}."
            )
