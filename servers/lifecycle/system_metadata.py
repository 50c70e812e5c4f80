"""The system metadata of a server: data of its image, its password, when it was shelved."""

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
    """Replace the system metadata by what ``change`` returns for it; return the old one. The row is
    locked, so that concurrent writers, each of its own keys, lose nothing.

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
