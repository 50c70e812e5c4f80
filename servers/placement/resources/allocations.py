"""The allocations of consumers: what each holds of which provider.

Consumers of clients hold what they hold beside servers, of the same inventories. What servers and
their moves hold is compute's own business: it may be put on other providers of the same host, but
its amounts do not change here.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from servers.models import (
    Allocation,
    Consumer,
    ConsumerType,
    Instance,
    Inventory,
    Migration,
    ResourceProvider,
)
from servers.placement.resources.errors import (
    CannotAllocate,
    ConcurrentUpdate,
    HeldByCompute,
    NoAllocations,
    UnknownProvider,
)
from servers.placement.resources.names import check_classes
from servers.placement.resources.providers import find_provider, lock_providers

NOBODY = "00000000-0000-0000-0000-000000000000"
"""Project and user of consumers whose clients name none (until 1.7)."""
Held = Mapping[uuid.UUID, Mapping[str, int]]
"""Amounts by provider and resource class."""
Place = tuple[int, str]
"""Key of a provider, and resource class."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerOrder:
    """What a consumer shall hold instead of all that it holds. ``generation`` is that of the
    consumer, ``None`` for one that shall not exist yet; it counts where ``checks_generation``.
    """

    consumer: uuid.UUID
    held: Held
    project_id: str = NOBODY
    user_id: str = NOBODY
    checks_generation: bool = False
    generation: int | None = None
    consumer_type: str | None = None


def list_of_consumer(consumer_id: uuid.UUID) -> list[Allocation]:
    """What the consumer holds, with the providers and the consumer."""
    rows = Allocation.objects.filter(consumer__uuid=consumer_id)
    return list(rows.select_related("provider", "consumer").order_by("pk"))


def list_of_provider(provider_id: uuid.UUID) -> tuple[ResourceProvider, list[Allocation]]:
    """The provider, and what is held of it, with the consumers.

    Raises:
        NoSuchProvider: there is none.
    """
    provider = find_provider(provider_id)
    rows = Allocation.objects.filter(provider=provider)
    return provider, list(rows.select_related("consumer").order_by("pk"))


@transaction.atomic
def delete_allocations(consumer_id: uuid.UUID) -> None:
    """Give back all that the consumer holds. As in Placement, no provider counts a change.

    Raises:
        NoAllocations: it holds nothing.
        HeldByCompute: it is a server or a move.
    """
    order = ConsumerOrder(consumer=consumer_id, held={})
    if not Allocation.objects.filter(consumer__uuid=consumer_id).exists():
        raise NoAllocations(f"The consumer {consumer_id} holds nothing.")
    change = AllocationChange([order])
    change.lock()
    change.write()


@transaction.atomic
def replace_allocations(orders: Sequence[ConsumerOrder]) -> None:
    """Let each consumer hold what is ordered, all or none.

    Raises:
        ConcurrentUpdate: a consumer has not the generation that was given.
        UnknownProvider, UnknownResourceClass: there is none.
        CannotAllocate: a provider does not give an amount.
        HeldByCompute: a server would hold something else.
    """
    change = AllocationChange(orders)
    change.lock()
    change.check()
    change.write()
    change.count()


class AllocationChange:
    """One change of allocations: first its trees are locked, then it is checked, then written."""

    def __init__(self, orders: Sequence[ConsumerOrder]) -> None:
        self.orders = orders
        self.providers: dict[uuid.UUID, ResourceProvider] = {}
        """Those that are named, by UUID."""
        self.consumers: dict[uuid.UUID, Consumer] = {}
        """Those that exist."""
        self.held: list[Allocation] = []
        """What they hold until now."""
        self.delta: Counter[Place] = Counter()
        """What is taken of each inventory, or given back."""
        self.left: set[int] = set()
        """Keys of providers that a consumer has left, which holds nothing any more."""

    def lock(self, *also: ResourceProvider) -> None:
        """Lock the trees of all providers that are touched; read what consumers hold."""
        ids = [order.consumer for order in self.orders]
        named = {one for order in self.orders for one in order.held}
        found = ResourceProvider.objects.select_related("root")
        touched = {provider.pk: provider for provider in (*found.filter(uuid__in=named), *also)}
        held = Allocation.objects.filter(consumer__uuid__in=ids)
        touched |= {row.pk: row for row in found.filter(allocations__in=held)}
        locked = {provider.pk: provider for provider in lock_providers(touched.values())}
        self.consumers = {
            consumer.uuid: consumer
            for consumer in Consumer.objects.select_for_update().filter(uuid__in=ids).order_by("pk")
        }
        self._check_consumers()
        self.providers = {provider.uuid: provider for provider in locked.values()}
        missing = named - self.providers.keys()
        if missing:
            raise UnknownProvider(
                f"There is no resource provider {min(missing)}.", field="allocations"
            )
        self.held = list(held.order_by("pk"))
        if any(row.provider_id not in locked for row in self.held):
            raise ConcurrentUpdate("A consumer has just got other allocations. Read them again.")
        self._keep_what_compute_holds()
        self.delta = Counter()
        for row in self.held:
            self.delta[row.provider_id, row.resource_class] -= row.amount
        for place, amount in self._wanted():
            self.delta[place] += amount

    def _wanted(self) -> Iterable[tuple[Place, int]]:
        for order in self.orders:
            for provider_id, amounts in order.held.items():
                key = self.providers[provider_id].pk
                for name, amount in amounts.items():
                    yield (key, name), amount

    def _check_consumers(self) -> None:
        for order in self.orders:
            known = self.consumers.get(order.consumer)
            actual = None if known is None else known.generation
            if order.checks_generation and actual != order.generation:
                raise ConcurrentUpdate(
                    f"The consumer {order.consumer} has the generation "
                    f"{'null' if actual is None else actual}, not "
                    f"{'null' if order.generation is None else order.generation}.",
                    field="consumer_generation",
                )
        new = [order.consumer for order in self.orders if order.consumer not in self.consumers]
        taken = (
            Instance.objects.filter(uuid__in=new).values_list("uuid", flat=True).first()
            or Migration.objects.filter(uuid__in=new).values_list("uuid", flat=True).first()
        )
        if taken is not None:
            raise HeldByCompute(
                f"{taken} is a server or a move of this cloud, which compute places itself."
            )

    def _keep_what_compute_holds(self) -> None:
        """A server's amounts on each host stay what they are."""
        for order in self.orders:
            known = self.consumers.get(order.consumer)
            if known is None or known.instance_id is None:
                continue
            before: Counter[Place] = Counter()
            after: Counter[Place] = Counter()
            roots = {one.pk: one.root_id for one in self.providers.values()}
            for row in self.held:
                if row.consumer_id == known.pk:
                    before[roots[row.provider_id], row.resource_class] += row.amount
            for provider_id, amounts in order.held.items():
                root = self.providers[provider_id].root_id
                after.update({(root, name): amount for name, amount in amounts.items()})
            if before != after:
                raise HeldByCompute(
                    f"The consumer {order.consumer} is a server or a move of this cloud. What it "
                    "holds can be put on other providers of its host, but not changed."
                )

    def check(self) -> None:
        """Does each provider give what is wanted of it?"""
        check_classes({name for (_, name), _ in self._wanted()}, field="allocations", keep=True)
        stocks = self._stocks()
        for place, amount in self._wanted():
            stock = stocks.get(place)
            if stock is None:
                raise CannotAllocate(f"{self._named(place)} has no inventory of {place[1]}.")
            if not stock.min_unit <= amount <= stock.max_unit or amount % stock.step_size != 0:
                raise CannotAllocate(
                    f"{self._named(place)} gives {place[1]} from {stock.min_unit} to "
                    f"{stock.max_unit} in steps of {stock.step_size}, not {amount}."
                )
            more = self.delta[place]
            # Where too much is given away already, it may become less.
            if more > 0 and more > stock.free:
                raise CannotAllocate(
                    f"{self._named(place)} has {max(0, stock.free)} {place[1]} left, and "
                    f"{more} more are asked for."
                )

    def _stocks(self) -> dict[Place, Inventory]:
        rows = Inventory.objects.filter(
            provider__in=[provider.pk for provider in self.providers.values()]
        )
        return {(row.provider_id, row.resource_class): row for row in rows}

    def _named(self, place: Place) -> str:
        return next(one.name for one in self.providers.values() if one.pk == place[0])

    def write(self) -> None:
        """Replace the allocations, and change what inventories have given away."""
        Allocation.objects.filter(pk__in=[row.pk for row in self.held]).delete()
        self._write_consumers()
        Allocation.objects.bulk_create(
            [
                Allocation(
                    consumer=self.consumers[order.consumer],
                    provider=self.providers[provider_id],
                    resource_class=name,
                    amount=amount,
                )
                for order in self.orders
                for provider_id, amounts in order.held.items()
                for name, amount in amounts.items()
            ]
        )
        take({place: amount for place, amount in self.delta.items() if amount})

    def _write_consumers(self) -> None:
        """A consumer exists as long as it holds something."""
        gone = [
            self.consumers.pop(order.consumer).pk
            for order in self.orders
            if not order.held and order.consumer in self.consumers
        ]
        self.left = {row.provider_id for row in self.held if row.consumer_id in gone}
        Consumer.objects.filter(pk__in=gone).delete()
        kept = [order for order in self.orders if order.held]
        new = [order for order in kept if order.consumer not in self.consumers]
        made = [
            Consumer(
                uuid=order.consumer,
                consumer_type=order.consumer_type or ConsumerType.UNKNOWN,
                project_id=order.project_id,
                user_id=order.user_id,
                generation=1,
            )
            for order in new
        ]
        known = [self.consumers[order.consumer] for order in kept if order not in new]
        for order in kept:
            if order.consumer in self.consumers:
                _renew(self.consumers[order.consumer], order)
        Consumer.objects.bulk_create(made)
        Consumer.objects.bulk_update(
            known, ["generation", "project_id", "user_id", "consumer_type", "updated_at"]
        )
        self.consumers |= {consumer.uuid: consumer for consumer in made}

    def count(self) -> None:
        """Count the change for each provider that is named, or that a consumer left altogether."""
        named = {self.providers[one].pk for order in self.orders for one in order.held}
        advance_all(named | self.left)


def _renew(consumer: Consumer, order: ConsumerOrder) -> None:
    """The owner of a server or a move stays what it is."""
    consumer.generation += 1
    consumer.updated_at = timezone.now()
    if consumer.instance_id is None:
        consumer.project_id, consumer.user_id = order.project_id, order.user_id
        consumer.consumer_type = order.consumer_type or consumer.consumer_type


TAKE = """
    UPDATE servers_inventory AS stock SET used = used + change.amount
    FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS change (provider, class, amount)
    WHERE stock.provider_id = change.provider AND stock.resource_class = change.class
"""


def take(changes: Mapping[Place, int]) -> None:
    """Change what inventories have given away; their trees are locked."""
    if not changes:
        return
    places = list(changes)
    with connection.cursor() as cursor:
        cursor.execute(
            TAKE,
            [
                [key for key, _ in places],
                [name for _, name in places],
                [changes[place] for place in places],
            ],
        )


def advance_all(keys: Collection[int]) -> None:
    """Count a change of each of these providers."""
    ResourceProvider.objects.filter(pk__in=keys).update(
        generation=F("generation") + 1, updated_at=timezone.now()
    )
