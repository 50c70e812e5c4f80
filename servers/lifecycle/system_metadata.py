"""What the site itself keeps with a server: of its image, its password, its time on the shelf."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction

from servers.errors import NoSuchServer
from servers.models import Instance

SystemMetadata = Mapping[str, Any]


@transaction.atomic
def change_system_metadata(
    instance: Instance, change: Callable[[SystemMetadata], SystemMetadata]
) -> SystemMetadata:
    """Write what ``change`` makes of what is kept now, and return what was kept. Several write
    here, each its own keys: who comes later waits, and sees what the one before has left.

    Raises:
        NoSuchServer: its row is gone.
    """
    row = Instance.objects.select_for_update(no_key=True).filter(pk=instance.pk)
    kept: SystemMetadata | None = row.values_list("system_metadata", flat=True).first()
    if kept is None:
        raise NoSuchServer(str(instance.uuid))
    row.update(system_metadata=dict(change(kept)))
    return kept


def without(kept: SystemMetadata, *keys: str) -> SystemMetadata:
    """All but these keys."""
    return {key: value for key, value in kept.items() if key not in keys}
