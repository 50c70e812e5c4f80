"""Changes what a client may change of a server at any time: names, addresses, the pinned zone."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from servers.errors import NoSuchServer, ZonePinned
from servers.models import Instance, RequestSpec


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServerUpdate:
    """``columns`` are those of the server's row; the zone counts only where ``pins`` is true."""

    columns: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    pins: bool = False
    pinned_zone: str | None = None
    """``None``: the server may be moved to any zone."""


def update_server(instance: Instance, update: ServerUpdate) -> None:
    """Write the changes.

    Raises:
        NoSuchServer: the server was deleted meanwhile.
        ZonePinned: the zone is not the one that the server lies in, or another one is pinned.
    """
    with transaction.atomic():
        if update.pins:
            _pin(instance, update.pinned_zone)
        if not update.columns:
            return
        living = Instance.objects.alive().filter(pk=instance.pk)
        if not living.update(**update.columns, updated_at=timezone.now()):
            raise NoSuchServer(str(instance.uuid))


def _pin(instance: Instance, zone: str | None) -> None:
    spec = RequestSpec.objects.select_for_update().filter(instance=instance).first()
    if spec is None:
        raise NoSuchServer(str(instance.uuid))
    if zone is not None and spec.availability_zone not in (None, zone):
        raise ZonePinned(
            f"The server is pinned to the zone {spec.availability_zone}; set "
            "pinned_availability_zone to null before you pin it elsewhere.",
            field="server.pinned_availability_zone",
        )
    if zone is not None and spec.availability_zone is None and zone != instance.availability_zone:
        raise ZonePinned(
            f"The server can only be pinned to the zone it lies in, which is "
            f"{instance.availability_zone or 'none yet'}, not {zone}.",
            field="server.pinned_availability_zone",
        )
    RequestSpec.objects.filter(pk=spec.pk).update(availability_zone=zone)
