"""Compares what is held of hosts with the servers that hold it, and corrects what differs.

Servers on which something is going on are left alone: their allocations are about to change.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from django.db import connection, transaction
from django.db.models import Count, F, Q, QuerySet
from os_traits import MISC_SHARES_VIA_AGGREGATE

from compute_site.faults import BadRequest
from servers.models import (
    Allocation,
    ComputeNode,
    Consumer,
    HardwareClaim,
    HostHardware,
    Instance,
    Inventory,
    Migration,
    PciDevice,
    ProviderTrait,
    RequestSpec,
    ResourceProvider,
    VmState,
)
from servers.models.migration import ENDED
from servers.placement import claims
from servers.placement.demand import Demand
from servers.placement.find import Try, find_hosts, until_claimed
from servers.placement.fit import GuestPlacement
from servers.placement.report import NoValidHost
from servers.placement.resources.allocations import delete_allocations
from servers.placement.translate import read_demand

logger = logging.getLogger(__name__)

AT_ONCE = 1000
"""Servers whose demands are read at once."""


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, in words; ``mend`` puts it right, and says whether it could."""

    text: str
    mend: Callable[[], bool]


def find_wrongs() -> Iterator[Finding]:
    """Everything that is wrong. What is mended before the next is asked for is not seen again: the
    sums come first, because all else gives back or takes from them, and last.
    """
    for check in CHECKS:
        yield from check()


# Sums

SUMS = """
    SELECT provider.id, provider.name, stock.resource_class, stock.used,
        COALESCE(sum(held.amount), 0)
    FROM servers_inventory AS stock
    JOIN servers_resourceprovider AS provider ON provider.id = stock.provider_id
    LEFT JOIN servers_allocation AS held ON held.provider_id = stock.provider_id
        AND held.resource_class = stock.resource_class
    GROUP BY provider.id, stock.id
    HAVING stock.used <> COALESCE(sum(held.amount), 0)
    ORDER BY provider.name, stock.resource_class
"""


def check_sums() -> Iterator[Finding]:
    """An inventory has given away what allocations hold of it."""
    with connection.cursor() as cursor:
        cursor.execute(SUMS)
        rows = cursor.fetchall()
    for key, name, kind, used, held in rows:
        yield Finding(
            f"{name} counts {used} {kind} as given away, but {held} are held",
            functools.partial(_recount, key, kind),
        )


@transaction.atomic
def _recount(provider: int, kind: str) -> bool:
    ResourceProvider.objects.lock_trees([provider])
    held = Allocation.objects.filter(provider=provider, resource_class=kind)
    total = sum(held.values_list("amount", flat=True))
    Inventory.objects.filter(provider=provider, resource_class=kind).update(used=total)
    return True


def check_guests() -> Iterator[Finding]:
    """A host counts the servers and moves that hold something of it."""
    for node in _counted().exclude(running_vms=F("held")).order_by("hypervisor_hostname"):
        held: int = getattr(node, "held")  # noqa: B009 - an annotation
        yield Finding(
            f"{node.hypervisor_hostname} counts {node.running_vms} servers, but {held} hold "
            "something of it",
            functools.partial(_recount_guests, node.pk),
        )


def _counted() -> QuerySet[ComputeNode]:
    holders = "provider__tree__allocations__consumer"
    servers = Q(**{f"{holders}__instance__isnull": False})
    return ComputeNode.objects.annotate(held=Count(holders, filter=servers, distinct=True))


@transaction.atomic
def _recount_guests(node: int) -> bool:
    ResourceProvider.objects.lock_trees(
        ResourceProvider.objects.filter(node=node).values_list("pk", flat=True)
    )
    held: int = getattr(_counted().get(pk=node), "held")  # noqa: B009 - an annotation
    ComputeNode.objects.filter(pk=node).update(running_vms=held)
    return True


# Consumers


def _settled() -> QuerySet[Instance]:
    """Servers that lie on a host, and on which nothing is going on."""
    return (
        Instance.objects.alive()
        .filter(task_state__isnull=True, host__isnull=False)
        .exclude(vm_state=VmState.BUILDING)
    )


def check_orphans() -> Iterator[Finding]:
    """Nobody holds anything for a server that is gone or lies on no host, or for a move that has
    ended.
    """
    idle = Q(instance__task_state__isnull=True) & ~Q(instance__vm_state=VmState.BUILDING)
    gone = Q(instance__deleted_at__isnull=False)
    nowhere = Q(instance__host__isnull=True) & idle
    ended = Q(migration__status__in=ENDED) & (idle | gone)
    held = Consumer.objects.filter(gone | nowhere | ended).select_related("instance", "migration")
    for consumer in held.order_by("pk"):
        server = consumer.instance
        if server is None:
            continue
        if consumer.migration is not None and server.deleted_at is None and server.host is not None:
            yield Finding(
                f"{server.uuid}: its move {consumer.migration.uuid} has ended, but still holds "
                "something",
                functools.partial(_end_move, consumer.migration),
            )
        else:
            why = "is deleted" if server.deleted_at is not None else "lies on no host"
            yield Finding(
                f"{server.uuid}: {why}, but still holds something",
                functools.partial(_release, server.pk),
            )


@transaction.atomic
def _end_move(move: Migration) -> bool:
    Instance.objects.select_for_update(no_key=True).get(pk=move.instance_id)
    if Migration.objects.open().filter(instance=move.instance_id).exists():
        return False  # what that one holds cannot be told apart here
    _lock_trees_of(move.instance_id)
    claims.leave(move)
    return True


@transaction.atomic
def _release(server: int) -> bool:
    row = Instance.objects.select_for_update(no_key=True).get(pk=server)
    idle = row.task_state is None and row.vm_state != VmState.BUILDING
    if row.deleted_at is None and (row.host is not None or not idle):
        return False  # it has got a host meanwhile
    _lock_trees_of(server)
    claims.release([server])
    return True


def _lock_trees_of(server: int) -> None:
    held = Allocation.objects.filter(consumer__instance=server)
    ResourceProvider.objects.lock_trees(held.values_list("provider", flat=True))


def check_identities() -> Iterator[Finding]:
    """A server and its consumer have the same UUID, as have a move and its own."""
    foreign = Consumer.objects.filter(instance__isnull=True)
    doubled = foreign.filter(
        Q(uuid__in=Instance.objects.values("uuid")) | Q(uuid__in=Migration.objects.values("uuid"))
    )
    for consumer in doubled.order_by("pk"):
        yield Finding(
            f"{consumer.uuid}: somebody else holds something in the name of this server or move",
            functools.partial(_forget, consumer),
        )
    wrong = Consumer.objects.filter(instance__isnull=False).exclude(
        Q(migration__isnull=True, uuid=F("instance__uuid"))
        | Q(migration__isnull=False, uuid=F("migration__uuid"))
    )
    for consumer in wrong.select_related("instance", "migration").order_by("pk"):
        named = consumer.migration or consumer.instance
        if named is not None:
            yield Finding(
                f"{named.uuid}: what it holds stands under {consumer.uuid}",
                functools.partial(_rename, consumer, named),
            )


def _forget(consumer: Consumer) -> bool:
    """As for a consumer of a client: of the server's own there is another one, or none."""
    delete_allocations(consumer.uuid)
    return True


def _rename(consumer: Consumer, named: Instance | Migration) -> bool:
    if Consumer.objects.filter(uuid=named.uuid).exists():
        return False
    return Consumer.objects.filter(pk=consumer.pk).update(uuid=named.uuid) == 1


def check_missing() -> Iterator[Finding]:
    """Every server on a host holds something of it."""
    own = Allocation.objects.filter(consumer__migration__isnull=True)
    held = own.filter(consumer__instance__isnull=False).values("consumer__instance")
    for server in _settled().exclude(pk__in=held).order_by("pk"):
        yield Finding(
            f"{server.uuid}: lies on {server.host}, but holds nothing of it",
            functools.partial(_hold_anew, server.pk),
        )


def check_moves() -> Iterator[Finding]:
    """While a server can go back to where it was, its move holds that. What is missing cannot be
    taken again here: nobody knows whether the old host has it yet.
    """
    open_moves = Migration.objects.open().filter(
        instance__vm_state=VmState.RESIZED, instance__task_state__isnull=True
    )
    for move in open_moves.filter(consumer__isnull=True).select_related("instance"):
        yield Finding(
            f"{move.instance.uuid}: its move {move.uuid} holds nothing of {move.source_compute}; "
            "confirm it, for it cannot go back",
            lambda: False,
        )


def check_places() -> Iterator[Finding]:
    """A server holds something of the host it lies on, and of no other, but for what is shared."""
    shares = ProviderTrait.objects.filter(trait=MISC_SHARES_VIA_AGGREGATE).values("provider")
    own = Allocation.objects.filter(
        consumer__instance__in=_settled(), consumer__migration__isnull=True
    ).exclude(provider__in=shares, provider__root__node__isnull=True)
    elsewhere = own.exclude(provider__root__node__hypervisor_hostname=F("consumer__instance__node"))
    rows = elsewhere.values_list(
        "consumer__instance",
        "consumer__instance__uuid",
        "consumer__instance__node",
        "provider__root__name",
    )
    for key, server, node, root in rows.distinct().order_by("consumer__instance"):
        yield Finding(
            f"{server}: lies on {node}, but holds something of {root}",
            functools.partial(_hold_anew, key),
        )


# Amounts and hardware


def check_demands() -> Iterator[Finding]:
    """A server that does not move holds what its flavor, image and ports ask for."""
    moving = Migration.objects.open().values("instance")
    servers = _settled().exclude(pk__in=moving).filter(request_spec__isnull=False)
    keys = list(servers.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(keys), AT_ONCE):
        yield from _check_demands(keys[start : start + AT_ONCE])


def _check_demands(servers: list[int]) -> Iterator[Finding]:
    specs = RequestSpec.objects.filter(instance__in=servers).select_related(
        "instance", "instance_group"
    )
    own = Consumer.objects.filter(instance__in=servers, migration__isnull=True)
    held: dict[int | None, Counter[str]] = defaultdict(Counter)
    rows = Allocation.objects.filter(consumer__in=own)
    for key, kind, amount in rows.values_list("consumer__instance", "resource_class", "amount"):
        held[key][kind] += amount
    bound = set(own.filter(hardware_claim__isnull=False).values_list("instance", flat=True))
    with_cells = _nodes_with_cells(spec.instance.node for spec in specs)
    for spec in specs.order_by("instance"):
        server = spec.instance
        if server.pk not in held:
            continue  # told by another check
        demand = _demand_of(spec)
        if demand is None:
            continue
        wanted = _totals(demand)
        if held[server.pk] not in wanted:
            yield Finding(
                f"{server.uuid}: holds {_listed(held[server.pk])}, but asks for "
                f"{_listed(wanted[0])}",
                functools.partial(_hold_anew, server.pk),
            )
        elif server.pk not in bound and (
            demand.guest.devices or (demand.guest.numa and server.node in with_cells)
        ):
            yield Finding(
                f"{server.uuid}: asks for CPUs, pages or devices of its own, but has none",
                functools.partial(_hold_anew, server.pk),
            )


def _nodes_with_cells(names: Iterable[str | None]) -> set[str]:
    """On others a layout binds nothing."""
    described = HostHardware.objects.filter(
        node__hypervisor_hostname__in=set(names) - {None}, numa_topology__isnull=False
    )
    return set(described.values_list("node__hypervisor_hostname", flat=True))


def _demand_of(spec: RequestSpec) -> Demand | None:
    try:
        return read_demand(spec)
    except BadRequest as fault:
        logger.warning("%s asks for what cannot be: %s", spec.instance.uuid, fault.detail)
        return None


def _totals(demand: Demand) -> list[Counter[str]]:
    found = []
    for resources in (demand.resources, demand.fallback):
        if resources is not None:
            total: Counter[str] = Counter()
            for group in (resources.main, *resources.groups):
                total.update(group.resources)
            found.append(+total)
    return found


def _listed(amounts: Mapping[str, int]) -> str:
    return ", ".join(f"{amounts[kind]} {kind}" for kind in sorted(amounts)) or "nothing"


def check_hardware() -> Iterator[Finding]:
    """No CPU is pinned twice; devices belong to those whose claims name them."""
    nodes = ComputeNode.objects.filter(
        Q(hardware_claims__isnull=False) | Q(pci_devices__consumer__isnull=False)
    )
    for node in nodes.distinct().order_by("pk"):
        own = HardwareClaim.objects.filter(node=node).order_by("pk")
        held = list(own.select_related("consumer"))
        yield from _check_cpus(node, held)
        yield from _check_devices(node, held)


def _check_cpus(node: ComputeNode, held: Iterable[HardwareClaim]) -> Iterator[Finding]:
    taken: dict[tuple[int, int], HardwareClaim] = {}
    for one in held:
        cells = GuestPlacement.from_json(one.placement).cells
        cpus = {(cell.host_cell, cpu) for cell in cells for cpu in cell.taken_cpus}
        twice = sorted(cpu for place in cpus & taken.keys() for cpu in place[1:])
        if twice:
            yield Finding(
                f"{one.consumer.uuid}: has the CPUs {', '.join(map(str, twice))} of "
                f"{node.hypervisor_hostname}, which another server has",
                functools.partial(_claim_anew, one),
            )
        taken |= dict.fromkeys(cpus - taken.keys(), one)


def _check_devices(node: ComputeNode, held: Iterable[HardwareClaim]) -> Iterator[Finding]:
    devices = {device.address: device for device in PciDevice.objects.filter(node=node)}
    named: dict[str, HardwareClaim] = {}
    for one in held:
        for address in GuestPlacement.from_json(one.placement).addresses:
            device = devices.get(address)
            place = f"the device {address} of {node.hypervisor_hostname}"
            if address in named:
                yield Finding(
                    f"{one.consumer.uuid}: has {place}, which another server has",
                    functools.partial(_claim_anew, one),
                )
                continue
            named[address] = one
            if device is None:
                yield Finding(
                    f"{one.consumer.uuid}: has {place}, which is not there",
                    functools.partial(_claim_anew, one),
                )
            elif device.consumer_id != one.consumer_id:
                yield Finding(
                    f"{one.consumer.uuid}: has {place}, which does not count as its own",
                    functools.partial(_hand_over, device, one.consumer_id),
                )
    for address, device in devices.items():
        if device.consumer_id is not None and address not in named:
            yield Finding(
                f"the device {address} of {node.hypervisor_hostname} counts as taken, but no "
                "server has it",
                functools.partial(_hand_over, device, None),
            )


@transaction.atomic
def _hand_over(device: PciDevice, consumer: int | None) -> bool:
    roots = ResourceProvider.objects.filter(node=device.node_id)
    ResourceProvider.objects.lock_trees(roots.values_list("pk", flat=True))
    PciDevice.objects.filter(pk=device.pk).update(consumer=consumer)
    return True


def _claim_anew(claim: HardwareClaim) -> bool:
    """Only of servers that do not move."""
    consumer = claim.consumer
    if consumer.instance_id is None or consumer.migration_id is not None:
        return False
    return _hold_anew(consumer.instance_id)


def _hold_anew(server: int) -> bool:
    """Give back what the server itself holds, and claim what it asks for on its host anew."""
    try:
        return until_claimed(functools.partial(_try_to_hold, server))
    except NoValidHost as fault:
        logger.warning("what a server asks for is not there: %s", fault.detail)
        return False


def _try_to_hold(server: int, attempt: Try) -> bool:
    row = _settled().select_for_update(no_key=True).filter(pk=server).first()
    spec = RequestSpec.objects.filter(instance=server).select_related("instance").first()
    if row is None or spec is None:
        return False
    root = ResourceProvider.objects.filter(node__hypervisor_hostname=row.node)
    held = Allocation.objects.filter(consumer__instance=server)
    ResourceProvider.objects.lock_trees(
        [*root.values_list("pk", flat=True), *held.values_list("provider", flat=True)]
    )
    claims.release_own(server)
    spec.force_hosts, spec.force_nodes = [row.host], [row.node]
    spec.requested_destination = None
    nodes = ComputeNode.objects.filter(hypervisor_hostname=row.node)
    (placement,) = find_hosts(
        spec, only=frozenset(nodes.values_list("pk", flat=True)), moving=row, attempt=attempt
    )
    claims.claim_places({server: placement})
    return True


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    check_sums,
    check_guests,
    check_orphans,
    check_identities,
    check_missing,
    check_moves,
    check_places,
    check_demands,
    check_hardware,
)
