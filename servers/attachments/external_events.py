"""Handles events by which other services tell of ports and volumes that servers have."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from django.db import transaction

from compute_site.caller import Caller
from compute_site.neighbours import volume_service
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.volume.protocol import VolumeData
from servers.attachments.network_events import Reading, refresh_nics, with_nics
from servers.attachments.volume_growth import tell_guests
from servers.lifecycle.history import ERROR, SUCCESS, log_action
from servers.models import BlockDevice, Instance

ACCEPTED, TAG_MISSING, NO_SUCH_SERVER, NO_HOST = 200, 400, 404, 422
TAGGED = frozenset(("volume-extended", "power-update", "accelerator-request-bound"))
"""Events that mean nothing without a tag."""
OF_NICS = frozenset(
    ("network-changed", "network-vif-plugged", "network-vif-unplugged", "network-vif-deleted")
)
EXTEND, EXTEND_EVENT = "extend_volume", "compute_extend_volume"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExternalEvent:
    """An event about a server. ``tag`` says more, such as the id of the volume or port."""

    name: str
    server_id: str
    tag: str | None = None


def take_events(caller: Caller, events: Sequence[ExternalEvent]) -> list[int]:
    """Handle the events; return a status for each. Changed NICs are read again, and the new size of
    a volume is noted; the other events have no effect.
    """
    living = Instance.objects.alive().only("uuid", "host")
    found = living.filter(uuid__in=canonical_ids(event.server_id for event in events))
    servers = {str(server.uuid): server for server in found}
    codes = [_judge(event, servers.get(event.server_id)) for event in events]
    accepted = [event for event, code in zip(events, codes, strict=True) if code == ACCEPTED]
    sizes = [
        (servers[event.server_id], _find_volume(caller, str(event.tag)), str(event.tag))
        for event in accepted
        if event.name == "volume-extended"
    ]
    server_ids = {event.server_id for event in accepted if event.name in OF_NICS}

    def note(reading: Reading) -> None:
        with transaction.atomic():
            refresh_nics(server_ids, reading=reading)
            for server, volume, volume_id in sizes:
                _note_size(caller, server, volume, volume_id)

    with_nics(server_ids, note)
    return codes


def _judge(event: ExternalEvent, server: Instance | None) -> int:
    if server is None:
        return NO_SUCH_SERVER
    if event.name in TAGGED and event.tag is None:
        return TAG_MISSING
    return ACCEPTED if server.host is not None else NO_HOST


def _find_volume(caller: Caller, volume_id: str) -> VolumeData | None:
    return volume_service().find_volumes(caller, [volume_id]).get(volume_id)


def _note_size(caller: Caller, server: Instance, volume: VolumeData | None, volume_id: str) -> None:
    """Note the volume's new size, and write into the history that the host knows of it."""
    noted = BlockDevice.objects.filter(instance=server, volume_id=volume_id).exists()
    if volume is not None and noted:
        tell_guests(volume_id, volume.size, [str(server.uuid)])
    noted = noted and volume is not None
    log_action(
        caller,
        server,
        EXTEND,
        EXTEND_EVENT,
        result=SUCCESS if noted else ERROR,
        details="" if noted else f"The server has no volume {volume_id[:64]}.",
    )
