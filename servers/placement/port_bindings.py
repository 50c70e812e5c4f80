"""What a network service elsewhere is told of what ports have of the hosts of their servers: which
providers gave them resources, and which PCI devices they are. Its agents set the ports up by it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import Case, Q, When

from compute_site.neighbours import network_service
from compute_site.neighbours.calls import runs_outside
from compute_site.neighbours.network.protocol import BindingRefused, NicFailed, Profiles
from servers.lifecycle.exclusive import exclusive
from servers.lifecycle.jobs import BindPorts
from servers.models import (
    Consumer,
    HardwareClaim,
    Instance,
    MigrationStatus,
    PciDevice,
    RequestSpec,
    ResourceProvider,
    TaskState,
)
from servers.placement.fit import GuestPlacement
from servers.placement.hot_plug import offer_held
from servers.placement.translate import read_group_demand
from servers.placement.trees import read_trees

logger = logging.getLogger(__name__)

BUSY_SECONDS = 10


def rebind(server_id: str, host: str, node: str | None, *, arrived: bool = False) -> None:
    """Bind the ports of a server, which has moved, on its new host."""
    profiles = find_profiles({server_id: str(node)})
    network_service().rebind(server_id, host, profiles, arrived=arrived)


def bind_where_it_lies(job: BindPorts) -> None:
    """Whatever is going on with the server goes first: it may bind them itself. Ports of a server
    that is being deleted are unbound with it.
    """
    with exclusive(job.server_id):
        servers = Instance.objects.alive().exclude(task_state=TaskState.DELETING)
        server = servers.filter(uuid=job.server_id).first()
        if server is None:
            return
        if server.task_state is not None:
            job.defer_apart(seconds=BUSY_SECONDS)
            return
        host = server.host or ""
        if job.left and job.left != host:
            network_service().forget_move(job.server_id, job.left)
        try:
            rebind(job.server_id, host, server.node, arrived=True)
        except (BindingRefused, NicFailed) as error:
            logger.warning("ports of server %s stay unbound: %s", job.server_id, error.detail)


def find_profiles(nodes: Mapping[str, str]) -> Profiles:
    """What the ports of servers have of these nodes (by the ids of the servers): by the ids of the
    ports, in the form of Neutron's ``binding:profile``. Networks in this database need none of it.
    """
    if not runs_outside(network_service().connect_all):
        return {}
    specs = RequestSpec.objects.filter(instance__uuid__in=list(nodes)).select_related("instance")
    found: dict[str, dict[str, Any]] = {}
    for spec in specs.exclude(pci_requests=[], requested_resources=[]):
        node = nodes[str(spec.instance.uuid)]
        consumer = _consumer_on(spec.instance_id, node)
        if consumer is None:
            continue
        for port_id, part in (*_providers(spec, consumer, node), *_devices(spec, consumer, node)):
            mine = found.setdefault(port_id, {})
            if isinstance(mine.get("allocation"), dict) and "allocation" in part:
                mine["allocation"] |= part["allocation"]
            else:
                mine |= part
    return found


def _consumer_on(server: int, node: str) -> Consumer | None:
    """Who holds for the server what it has of the node. One that was resized there has two: the new
    one counts, unless it is going back.
    """
    held = Consumer.objects.filter(
        instance=server, allocations__provider__root__node__hypervisor_hostname=node
    )
    goes_back = Q(migration__status=MigrationStatus.REVERTING)
    return held.order_by(
        Case(When(goes_back, then=0), When(migration=None, then=1), default=2)
    ).first()


def _providers(
    spec: RequestSpec, consumer: Consumer, node: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """For each group of resources of a port: the provider that gave them."""
    records = spec.requested_resources
    if not any(record.get("port_id") for record in records):
        return
    root = ResourceProvider.objects.get(node__hypervisor_hostname=node).pk
    demand = read_group_demand(records)
    tree = read_trees([root], demand)[root]
    offer_held(tree, consumer)
    needs = tree.find(demand)
    if needs is None:
        logger.warning("server %s holds less than its ports asked for", consumer.uuid)
        return
    names = dict(
        ResourceProvider.objects.filter(pk__in=[need[0] for need in needs]).values_list(
            "pk", "uuid"
        )
    )
    left = iter(needs)
    for record, group in zip(records, demand.groups, strict=True):
        given = [next(left)[0] for _ in group.resources]
        port_id, group_id = record.get("port_id"), record.get("requester_id")
        if port_id and given:
            provider = str(names[given[0]])
            # a port that has no groups asks under its own id
            told: Any = provider if group_id == port_id else {group_id: provider}
            yield str(port_id), {"allocation": told}


def _devices(
    spec: RequestSpec, consumer: Consumer, node: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """For each port that is a PCI device: which one."""
    ports = {request.get("requester_id") for request in spec.pci_requests} - {None}
    claim = HardwareClaim.objects.filter(consumer=consumer).first() if ports else None
    if claim is None:
        return
    devices = {
        device.address: device
        for device in PciDevice.objects.filter(node__hypervisor_hostname=node, consumer=consumer)
    }
    for chosen in GuestPlacement.from_json(claim.placement).devices:
        for address in chosen.addresses:
            if chosen.name in ports and address in devices:
                device = devices[address]
                told = {
                    "pci_slot": device.address,
                    "pci_vendor_info": f"{device.vendor_id}:{device.product_id}",
                    "physical_network": device.physical_network,
                }
                yield chosen.name, told
