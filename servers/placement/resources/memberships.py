"""Traits of resource providers, and the aggregates that they are in."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection

from django.db import transaction
from django.utils import timezone

from servers.models import Aggregate, ProviderAggregate, ProviderTrait, ResourceProvider
from servers.placement.resources.errors import HeldByCompute
from servers.placement.resources.names import check_traits, list_traits
from servers.placement.resources.providers import (
    advance,
    check_generation,
    find_provider,
    lock_provider,
)

GENERATION = "resource_provider_generation"


def traits_of(
    provider_id: uuid.UUID,
) -> tuple[ResourceProvider, list[tuple[str, dt.datetime | None]]]:
    """The provider and its traits.

    Raises:
        NoSuchProvider: there is none.
    """
    provider = find_provider(provider_id)
    names = set(provider.traits.values_list("trait", flat=True))
    return provider, list_traits(names=names)


@transaction.atomic
def set_traits(
    provider_id: uuid.UUID, names: Collection[str], *, generation: int | None = None
) -> ResourceProvider:
    """Let the provider have these traits and no others; where nothing differs, nothing changes.

    Raises:
        NoSuchProvider: there is none.
        ConcurrentUpdate: the generation is not the one given.
        UnknownTrait: there is no such trait.
    """
    provider = lock_provider(provider_id)
    if generation is not None:
        check_generation(provider, generation, field=GENERATION)
    check_traits(names, field="traits", keep=True)
    known = set(provider.traits.values_list("trait", flat=True))
    new, gone = sorted(set(names) - known), known - set(names)
    if new or gone:
        provider.traits.filter(trait__in=gone).delete()
        ProviderTrait.objects.bulk_create(
            [ProviderTrait(provider=provider, trait=name) for name in new]
        )
        advance(provider)
    return provider


def aggregates_of(provider_id: uuid.UUID) -> tuple[ResourceProvider, list[uuid.UUID]]:
    """The provider and the aggregates that it is in.

    Raises:
        NoSuchProvider: there is none.
    """
    provider = find_provider(provider_id)
    rows = provider.aggregates.order_by("pk")
    return provider, list(rows.values_list("aggregate", flat=True))


@transaction.atomic
def set_aggregates(
    provider_id: uuid.UUID, wanted: Collection[uuid.UUID], *, generation: int | None
) -> ResourceProvider:
    """Let the provider be in these aggregates and no others. Without a generation, none is counted
    either, as in Placement until 1.18.

    Raises:
        NoSuchProvider: there is none.
        ConcurrentUpdate: the generation is not the one given.
        HeldByCompute: a host would leave one of its host aggregates.
    """
    provider = lock_provider(provider_id)
    if generation is not None:
        check_generation(provider, generation, field=GENERATION)
    known = set(provider.aggregates.values_list("aggregate", flat=True))
    new, gone = set(wanted) - known, known - set(wanted)
    _check_leaves(provider, gone)
    provider.aggregates.filter(aggregate__in=gone).delete()
    ProviderAggregate.objects.bulk_create(
        [ProviderAggregate(provider=provider, aggregate=one) for one in sorted(new)]
    )
    if generation is not None:
        advance(provider)
    else:
        ResourceProvider.objects.filter(pk=provider.pk).update(updated_at=timezone.now())
    return provider


def _check_leaves(provider: ResourceProvider, gone: set[uuid.UUID]) -> None:
    """A host is in the aggregates of Placement that its host aggregates have."""
    own = Aggregate.objects.filter(uuid__in=gone, hosts__node=provider.node_id)
    kept = own.values_list("name", flat=True).first() if provider.node_id else None
    if kept is not None:
        raise HeldByCompute(
            f"The host of {provider.name} is in the host aggregate {kept}; take it out there.",
            field="aggregates",
        )
