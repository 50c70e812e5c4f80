"""Changes one resource provider: some of its inventories and traits."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from django.db import transaction

from servers.hosts.description import ProviderDescription, Stock
from servers.hosts.inventories import name_custom, write_inventories, write_traits
from servers.hosts.register import tell_change
from servers.models import ProviderTrait, ResourceProvider


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProviderChange:
    """``stocks`` by resource class, with a total of 0 where the inventory shall go; what is not
    named stays.
    """

    stocks: Mapping[str, Stock] = dataclasses.field(default_factory=dict)
    new_traits: frozenset[str] = frozenset()
    lost_traits: frozenset[str] = frozenset()


@transaction.atomic
def change_provider(key: int, change: ProviderChange) -> None:
    """
    Raises:
        InventoryInUse: servers hold more than would be left.
    """
    ResourceProvider.objects.lock_trees([key])
    provider = ResourceProvider.objects.select_related("root").get(pk=key)
    traits = ProviderTrait.objects.filter(provider=key).values_list("trait", flat=True)
    described = ProviderDescription(
        name=provider.name,
        stocks=change.stocks,
        traits=(frozenset(traits) | change.new_traits) - change.lost_traits,
        all_traits=True,
    )
    parts, providers = [described], {provider.name: provider}
    name_custom(parts)
    tell_change(write_inventories(parts, providers) | write_traits(parts, providers))
