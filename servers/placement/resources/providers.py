"""Resource providers: list, make, show, rename, move in their tree, delete."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterable, Mapping

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Mod
from django.utils import timezone

from servers.models import (
    Allocation,
    Inventory,
    PciDevice,
    ProviderAggregate,
    ProviderTrait,
    ResourceProvider,
)
from servers.models.provider import LARGEST
from servers.placement.resources.errors import (
    BadTree,
    ConcurrentUpdate,
    DuplicateProvider,
    HeldByCompute,
    NoSuchProvider,
    ProviderHasChildren,
    ProviderInUse,
)
from servers.placement.resources.names import check_classes, check_traits

Names = frozenset[str]
Uuids = frozenset[uuid.UUID]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFilter:
    """Which providers a list shows: those that satisfy all that is given. Each set of ``required``
    and ``member_of`` holds alternatives.
    """

    name: str | None = None
    own_id: uuid.UUID | None = None
    in_tree: uuid.UUID | None = None
    member_of: tuple[Uuids, ...] = ()
    forbidden_aggregates: Uuids = frozenset()
    required: tuple[Names, ...] = ()
    forbidden: Names = frozenset()
    resources: Mapping[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewProvider:
    name: str
    own_id: uuid.UUID | None = None
    parent: uuid.UUID | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProviderChange:
    """``names_parent``: the parent is to be ``parent``, which may be none. ``may_move``: also where
    it has another one now.
    """

    name: str
    names_parent: bool = False
    parent: uuid.UUID | None = None
    may_move: bool = False


def list_providers(chosen: ProviderFilter) -> list[ResourceProvider]:
    """Raises: UnknownResourceClass, UnknownTrait: a filter names one that does not exist."""
    check_traits(chosen.forbidden.union(*chosen.required), field="required")
    check_classes(chosen.resources, field="resources")
    if any(amount > LARGEST for amount in chosen.resources.values()):
        return []
    rows = _with_tree()
    if chosen.name:
        rows = rows.filter(name=chosen.name)
    if chosen.own_id is not None:
        rows = rows.filter(uuid=chosen.own_id)
    if chosen.in_tree is not None:
        within = ResourceProvider.objects.filter(uuid=chosen.in_tree)
        rows = rows.filter(root__in=within.values("root"))
    rows = _in_aggregates(rows, chosen)
    rows = _with_traits(rows, chosen)
    for name, amount in chosen.resources.items():
        rows = rows.filter(Exists(_inventories_that_give(name, amount)))
    return list(rows)


def _with_tree() -> QuerySet[ResourceProvider]:
    return ResourceProvider.objects.select_related("parent", "root").order_by("pk")


def _in_aggregates(
    rows: QuerySet[ResourceProvider], chosen: ProviderFilter
) -> QuerySet[ResourceProvider]:
    own = ProviderAggregate.objects.filter(provider=OuterRef("pk"))
    for some in chosen.member_of:
        rows = rows.filter(Exists(own.filter(aggregate__in=some)))
    if chosen.forbidden_aggregates:
        rows = rows.exclude(Exists(own.filter(aggregate__in=chosen.forbidden_aggregates)))
    return rows


def _with_traits(
    rows: QuerySet[ResourceProvider], chosen: ProviderFilter
) -> QuerySet[ResourceProvider]:
    own = ProviderTrait.objects.filter(provider=OuterRef("pk"))
    for some in chosen.required:
        rows = rows.filter(Exists(own.filter(trait__in=some)))
    if chosen.forbidden:
        rows = rows.exclude(Exists(own.filter(trait__in=chosen.forbidden)))
    return rows


def _inventories_that_give(name: str, amount: int) -> QuerySet[Inventory]:
    return Inventory.objects.annotate(rest=Mod(Value(amount), F("step_size"))).filter(
        provider=OuterRef("pk"),
        resource_class=name,
        free__gte=amount,
        min_unit__lte=amount,
        max_unit__gte=amount,
        rest=0,
    )


def find_provider(provider_id: uuid.UUID) -> ResourceProvider:
    """The provider with its parent and root.

    Raises:
        NoSuchProvider: there is none.
    """
    provider = _with_tree().filter(uuid=provider_id).first()
    if provider is None:
        raise NoSuchProvider(f"No resource provider has the UUID {provider_id}.")
    return provider


def lock_provider(provider_id: uuid.UUID) -> ResourceProvider:
    """The provider as it is when nobody else can change its tree.

    Raises:
        NoSuchProvider: there is none.
        ConcurrentUpdate: it has changed its tree meanwhile.
    """
    (provider,) = lock_providers([find_provider(provider_id)])
    return provider


def lock_providers(providers: Iterable[ResourceProvider]) -> list[ResourceProvider]:
    """The same providers when nobody else can change their trees.

    Raises:
        NoSuchProvider, ConcurrentUpdate: as ``lock_provider``.
    """
    known = {provider.pk: provider for provider in providers}
    ResourceProvider.objects.lock_trees(known)
    fresh = {provider.pk: provider for provider in _with_tree().filter(pk__in=known)}
    for key, provider in known.items():
        if key not in fresh:
            raise NoSuchProvider(f"There is no resource provider {provider.uuid} any more.")
        if fresh[key].root_id != provider.root_id:
            raise ConcurrentUpdate(f"The provider {provider.uuid} has just changed its tree.")
    return [fresh[key] for key in known]


def check_generation(provider: ResourceProvider, given: int, *, field: str) -> None:
    """Raises: ConcurrentUpdate: the provider has changed since the client read it."""
    if provider.generation != given:
        raise ConcurrentUpdate(
            f"The resource provider {provider.uuid} has the generation {provider.generation} by "
            f"now, not {given}. Read it again.",
            field=field,
        )


def advance(provider: ResourceProvider, by: int = 1) -> None:
    """Count a change of the provider's inventories, traits, aggregates or allocations."""
    now = timezone.now()
    ResourceProvider.objects.filter(pk=provider.pk).update(
        generation=F("generation") + by, updated_at=now
    )
    provider.generation += by
    provider.updated_at = now


@transaction.atomic
def create_provider(order: NewProvider) -> ResourceProvider:
    """Make a provider, below another one where that is named.

    Raises:
        BadTree: there is no such parent.
        DuplicateProvider: another has the name or the UUID.
    """
    own_id = order.own_id or uuid.uuid4()
    parent = None
    if order.parent is not None:
        if order.parent == own_id:
            raise BadTree("A provider is not its own parent.", field="parent_provider_uuid")
        (parent,) = lock_providers([_find_parent(order.parent)])
    provider = ResourceProvider(uuid=own_id, name=order.name, parent=parent)
    _save(provider)
    return find_provider(own_id)


def _save(provider: ResourceProvider) -> None:
    same = ResourceProvider.objects.filter(Q(name=provider.name) | Q(uuid=provider.uuid))
    other = same.exclude(pk=provider.pk).first()
    try:
        if other is None:
            with transaction.atomic():
                provider.save()
            return
    except IntegrityError:
        pass
    kind = "uuid" if other is not None and other.uuid == provider.uuid else "name"
    raise DuplicateProvider(
        f"There is a resource provider with the {kind} {getattr(provider, kind)} already.",
        field=kind,
    )


@transaction.atomic
def update_provider(provider_id: uuid.UUID, change: ProviderChange) -> ResourceProvider:
    """Rename a provider, and give it another parent with all that is below it.

    Raises:
        NoSuchProvider: there is none.
        BadTree: it cannot have this parent.
        DuplicateProvider: another has the name.
        HeldByCompute: servers hold something of what would leave the tree of their host.
    """
    found = [find_provider(provider_id)]
    if change.names_parent and change.parent is not None:
        found.append(_find_parent(change.parent))
    locked = {provider.uuid: provider for provider in lock_providers(found)}
    provider = locked[provider_id]
    parent = None if change.parent is None else locked.get(change.parent)
    if change.names_parent and change.parent != (provider.parent and provider.parent.uuid):
        _check_move(provider, parent, may_move=change.may_move)
        provider.parent = parent
    provider.name = change.name
    provider.updated_at = timezone.now()
    _save(provider)
    return find_provider(provider_id)


def _find_parent(parent_id: uuid.UUID) -> ResourceProvider:
    try:
        return find_provider(parent_id)
    except NoSuchProvider:
        raise BadTree(
            f"There is no resource provider {parent_id} to be the parent.",
            field="parent_provider_uuid",
        ) from None


def _check_move(
    provider: ResourceProvider, parent: ResourceProvider | None, *, may_move: bool
) -> None:
    field = "parent_provider_uuid"
    if provider.parent is not None and not may_move:
        raise BadTree(
            "A provider with a parent gets another one, or none, from microversion 1.37 on.",
            field=field,
        )
    if provider.node_id is not None:
        raise BadTree(
            f"The provider {provider.name} is that of a compute host and has no parent.",
            field=field,
        )
    below = _subtree(provider)
    if parent is not None and parent.pk in below:
        raise BadTree("A provider does not lie below itself.", field=field)
    new_root = provider.pk if parent is None else parent.root_id
    held = Allocation.objects.filter(provider__in=below, consumer__instance__isnull=False)
    if new_root != provider.root_id and held.exists():
        raise HeldByCompute(
            f"Servers hold something of the provider {provider.name} or of one below it, which "
            "would leave the tree of their host.",
            field=field,
        )


def _subtree(provider: ResourceProvider) -> set[int]:
    """The keys of the provider and of all below it."""
    tree = ResourceProvider.objects.filter(root=provider.root_id).values_list("pk", "parent")
    children: dict[int | None, list[int]] = {}
    for key, parent in tree:
        children.setdefault(parent, []).append(key)
    found, left = set(), [provider.pk]
    while left:
        key = left.pop()
        found.add(key)
        left += children.get(key, [])
    return found


@transaction.atomic
def delete_provider(provider_id: uuid.UUID) -> None:
    """Remove a provider with its inventories, traits and aggregates.

    Raises:
        NoSuchProvider: there is none.
        ProviderHasChildren: others lie below it.
        ProviderInUse: something of it is held, or a compute host needs it.
    """
    provider = lock_provider(provider_id)
    if provider.children.exists():
        raise ProviderHasChildren(f"There are providers below {provider.name}; delete them first.")
    if Allocation.objects.filter(provider=provider).exists():
        raise ProviderInUse(f"Consumers hold something of the provider {provider.name}.")
    if provider.node_id is not None:
        raise ProviderInUse(
            f"The provider {provider.name} is that of a compute host; it goes with the host's "
            "compute service."
        )
    if PciDevice.objects.filter(provider=provider).exists():
        raise ProviderInUse(f"The provider {provider.name} counts PCI devices of its host.")
    provider.delete()
