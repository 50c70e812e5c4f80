"""What a NIC takes of the host when it comes to a server that runs, and gives back when it goes:
devices, and resources such as bandwidth. The request spec follows, so that each later move asks for
what the server has by then.
"""

from __future__ import annotations

import dataclasses
import logging
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import F

from compute_site.neighbours.network.protocol import PortData
from servers.hardware.pci import choose_pci_numa_policy
from servers.models import (
    Allocation,
    Consumer,
    HardwareClaim,
    Instance,
    Migration,
    PciDevice,
    RequestSpec,
    ResourceProvider,
)
from servers.placement.choose import merge
from servers.placement.fit import DeviceChoice, DeviceRequest, GuestPlacement, NoFit
from servers.placement.port_needs import SRIOV_TYPES, device_request, is_of_port, resource_groups
from servers.placement.resources.allocations import advance_all, take
from servers.placement.topologies import read_topologies
from servers.placement.translate import Sources, read_group_demand
from servers.placement.trees import Need, Stock, Tree, read_trees

logger = logging.getLogger(__name__)

Record = dict[str, Any]


class HostLacks(Exception):
    """The host has not what the port needs; the reason is a sentence."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NicNeeds:
    """What one port needs, as a request spec keeps it."""

    devices: Sequence[Record]
    groups: Sequence[Record]


def plug_in(instance: Instance, port: PortData) -> None:
    """Take what the port needs of the server's host. The server is locked.

    Raises:
        HostLacks: the host cannot give it.
    """
    if port.vnic_type not in SRIOV_TYPES and not port.resource_request:
        return
    spec = RequestSpec.objects.get(instance=instance)
    needs = _needs_of(port, spec)
    place = next(iter(_Place.lock_all(instance.pk, moves=False)), None)
    if place is None:
        raise HostLacks("The server has nothing of any host.")
    if needs.groups:
        place.take(_find_providers(place, needs.groups))
    if needs.devices:
        place.take_devices([DeviceRequest.from_json(request) for request in needs.devices])
    _keep(
        spec,
        devices=[*spec.pci_requests, *needs.devices],
        groups=[*spec.requested_resources, *needs.groups],
    )


def unplug(server: int, port_id: str) -> None:
    """Give back what the port has taken of the server's host, of both where it moves; a second time
    gives back nothing. The server (by key) is locked.
    """
    spec = RequestSpec.objects.filter(instance=server).first()
    if spec is None:
        return
    gone = NicNeeds(
        devices=[one for one in spec.pci_requests if is_of_port(one, port_id)],
        groups=[one for one in spec.requested_resources if is_of_port(one, port_id)],
    )
    if not (gone.devices or gone.groups):
        return
    left = [one for one in spec.requested_resources if one not in gone.groups]
    for place in _Place.lock_all(server, moves=True):
        place.give_back(_find_given(place, gone.groups, left))
        place.give_back_devices(port_id)
    _forget_in_moves(server, port_id)
    _keep(
        spec,
        devices=[one for one in spec.pci_requests if one not in gone.devices],
        groups=left,
    )


def _needs_of(port: PortData, spec: RequestSpec) -> NicNeeds:
    sources = Sources.of(spec)
    policy = choose_pci_numa_policy(sources.flavor, sources.image)
    of_device = port.vnic_type in SRIOV_TYPES
    request = device_request(port, request_id=str(uuid.uuid4()), numa_policy=policy)
    return NicNeeds(devices=[request] if of_device else [], groups=resource_groups(port))


def _keep(spec: RequestSpec, *, devices: list[Record], groups: list[Record]) -> None:
    RequestSpec.objects.filter(pk=spec.pk).update(pci_requests=devices, requested_resources=groups)
    Instance.objects.filter(pk=spec.instance_id).update(pci_requests=devices)


def _forget_in_moves(server: int, port_id: str) -> None:
    """Neither end of an open move asks for the devices of the port any more."""
    for move in Migration.objects.open().filter(instance=server):
        for hardware in (move.old_hardware, move.new_hardware):
            requests = hardware.get("pci_requests") or []
            hardware["pci_requests"] = [one for one in requests if not is_of_port(one, port_id)]
        move.save(update_fields=["old_hardware", "new_hardware"])


ADD = """
    INSERT INTO servers_allocation (consumer_id, provider_id, resource_class, amount, created_at)
    SELECT %s, need.provider, need.class, need.amount, now()
    FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS need (provider, class, amount)
    ON CONFLICT (consumer_id, provider_id, resource_class)
    DO UPDATE SET amount = servers_allocation.amount + EXCLUDED.amount
"""
# No allocation is of nothing: what would become so is deleted.
SUBTRACT = """
    WITH need AS MATERIALIZED (
        SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bigint[])
            AS need (provider, class, amount)
    ), ended AS (
        DELETE FROM servers_allocation AS held USING need
        WHERE held.consumer_id = %s AND held.provider_id = need.provider
          AND held.resource_class = need.class AND held.amount <= need.amount
    )
    UPDATE servers_allocation AS held SET amount = held.amount - need.amount
    FROM need
    WHERE held.consumer_id = %s AND held.provider_id = need.provider
      AND held.resource_class = need.class AND held.amount > need.amount
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A server on a node; the node's tree of providers is locked."""

    node: int
    root: int
    consumer: Consumer

    @classmethod
    def lock_all(cls, server: int, *, moves: bool) -> list[_Place]:
        """The nodes of which the server (by key) holds something, and with ``moves`` those of which
        a move holds something for it.
        """
        held = Allocation.objects.filter(
            consumer__instance=server, provider__root__node__isnull=False
        )
        if not moves:
            held = held.filter(consumer__migration=None)
        found = held.values_list("provider__root__node", "provider__root", "consumer")
        places = sorted(set(found))
        ResourceProvider.objects.lock_trees(root for _, root, _ in places)
        consumers = Consumer.objects.in_bulk(consumer for *_, consumer in places)
        return [
            cls(node=int(node or 0), root=root, consumer=consumers[consumer])
            for node, root, consumer in places
        ]

    def take(self, needs: Iterable[Need]) -> None:
        self._change(ADD, needs, sign=1)

    def give_back(self, needs: Iterable[Need]) -> None:
        self._change(SUBTRACT, needs, sign=-1)

    def _change(self, statement: str, needs: Iterable[Need], *, sign: int) -> None:
        merged = merge(needs)
        if not merged:
            return
        arrays: list[Any] = [list(column) for column in zip(*merged, strict=True)]
        key = self.consumer.pk
        values = [key, *arrays] if statement is ADD else [*arrays, key, key]
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
        take({(provider, name): sign * amount for provider, name, amount in merged})
        advance_all({self.root, *(provider for provider, *_ in merged)})
        Consumer.objects.filter(pk=key).update(generation=F("generation") + 1)

    def take_devices(self, requests: Sequence[DeviceRequest]) -> None:
        """
        Raises:
            HostLacks: the host has no such devices left where the guest lies.
        """
        topology, _ = read_topologies([self.node])[self.node]
        placement = self._placement()
        cells = {cell.host_cell for cell in placement.cells}
        try:
            chosen = DeviceChoice(topology, requests).choose(cells or None)
        except NoFit as reason:
            raise HostLacks(f"The host cannot give it a device: {reason}.") from reason
        self._place(placement, [*placement.devices, *chosen])
        addresses = [address for one in chosen for address in one.addresses]
        PciDevice.objects.filter(node=self.node, address__in=addresses).update(
            consumer=self.consumer
        )

    def give_back_devices(self, name: str) -> None:
        placement = self._placement()
        gone = [one for one in placement.devices if one.name == name]
        if not gone:
            return
        self._place(placement, [one for one in placement.devices if one not in gone])
        addresses = [address for one in gone for address in one.addresses]
        PciDevice.objects.filter(
            node=self.node, address__in=addresses, consumer=self.consumer
        ).update(consumer=None)

    def _placement(self) -> GuestPlacement:
        held = HardwareClaim.objects.filter(consumer=self.consumer, node=self.node)
        form = held.values_list("placement", flat=True).first()
        return GuestPlacement() if form is None else GuestPlacement.from_json(form)

    def _place(self, placement: GuestPlacement, devices: Sequence[Any]) -> None:
        changed = dataclasses.replace(placement, devices=tuple(devices))
        if changed.cells or changed.devices:
            HardwareClaim.objects.update_or_create(
                consumer=self.consumer,
                defaults={"node_id": self.node, "placement": changed.as_json()},
            )
        else:
            HardwareClaim.objects.filter(consumer=self.consumer).delete()
        advance_all({self.root})


def _find_providers(place: _Place, groups: Sequence[Record]) -> list[Need]:
    """
    Raises:
        HostLacks: no providers of the host give all of it.
    """
    demand = read_group_demand(groups)
    needs = read_trees([place.root], demand)[place.root].find(demand)
    if needs is None:
        wanted = ", ".join(
            f"{amount} {name}"
            for group in demand.groups
            for name, amount in sorted(group.resources.items())
        )
        raise HostLacks(f"The host cannot give it {wanted} as asked.")
    return needs


def _find_given(place: _Place, gone: Sequence[Record], left: Sequence[Record]) -> list[Need]:
    """Which providers have given what these groups asked for: of what the server holds, such
    that the rest covers the groups that are left.
    """
    if not gone:
        return []
    demand = read_group_demand([*gone, *left])
    tree = read_trees([place.root], demand)[place.root]
    offer_held(tree, place.consumer)
    needs = tree.find(demand)
    if needs is None:
        logger.warning("server %s holds less than its ports asked for", place.consumer.uuid)
        return []
    number = sum(len(group.resources) for group in demand.groups[: len(gone)])
    return needs[:number]


def offer_held(tree: Tree, consumer: Consumer) -> None:
    """Let the tree give what the consumer holds of it, and nothing else."""
    rows = Allocation.objects.filter(consumer=consumer)
    held = {
        (provider, name): amount
        for provider, name, amount in rows.values_list("provider", "resource_class", "amount")
    }
    for part in tree.parts:
        for name in part.stocks:
            amount = held.get((part.key, name), 0)
            part.stocks[name] = Stock(free=amount, min_unit=1, max_unit=amount, step_size=1)
