"""Writes the rows of inventories: the one place where they are made, changed and removed.

Those who describe hosts and the clients of the Placement API both come here. The trees of the
providers are locked by the caller: what is held of an inventory does not change meanwhile. Whether
a smaller amount is refused is for the caller to say: an operator who describes a host may not take
away what servers hold, while Placement lets its clients do that, and the provider gives nothing
more until it fits again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from django.utils import timezone

from servers.models import Inventory

AMOUNTS = ("total", "reserved", "min_unit", "max_unit", "step_size", "allocation_ratio")
MOST_AT_ONCE = 5000
"""Rows of one statement."""

Place = tuple[int, str]
"""The key of the provider, and the resource class."""
Columns = Mapping[str, Any]
"""The amounts by name, all of ``AMOUNTS``."""


def find_inventories(providers: Iterable[int]) -> dict[Place, Inventory]:
    """The inventories of these providers (by key), in the order in which they were made."""
    rows = Inventory.objects.filter(provider__in=list(providers)).order_by("pk")
    return {(row.provider_id, row.resource_class): row for row in rows}


def put_inventories(wanted: Mapping[Place, Columns]) -> None:
    """Make these inventories, or change them; what is held of them stays."""
    now = timezone.now()
    Inventory.objects.bulk_create(
        [
            Inventory(provider_id=provider, resource_class=name, updated_at=now, **columns)
            for (provider, name), columns in wanted.items()
        ],
        batch_size=MOST_AT_ONCE,
        update_conflicts=True,
        unique_fields=["provider", "resource_class"],
        update_fields=[*AMOUNTS, "updated_at"],
    )


def remove_inventories(
    rows: Collection[Inventory], in_use: Callable[[list[Inventory]], Exception]
) -> None:
    """Remove these inventories.

    Raises:
        in_use: made of those of which something is held, if there are any; nothing is removed.
    """
    held = [row for row in rows if row.used]
    if held:
        raise in_use(held)
    Inventory.objects.filter(pk__in=[row.pk for row in rows]).delete()
