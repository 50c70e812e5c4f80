"""Makes the bytes of volumes and snapshots that are copies of others, after the request.

A row that awaits its bytes says in ``awaits`` what they are those of::

    creating ──> downloading (of an image) ──> available
       └──────────────┴──> error (what went wrong is in the log)

Whoever makes the row tells of it (``bytes_awaited``), and a job calls ``make_bytes``. What is made
at once, or has no bytes, never awaits any.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping

from django.conf import settings
from django.db import transaction

from compute_site.db.locks import Kind, one_of
from compute_site.faults import Fault
from compute_site.neighbours.volume.local import data, messages
from compute_site.neighbours.volume.local.events import bytes_awaited
from compute_site.neighbours.volume.models import Snapshot, Volume

logger = logging.getLogger(__name__)

IMAGE, SNAPSHOT, VOLUME = "image", "snapshot", "volume"
KINDS: Mapping[str, type[Volume | Snapshot]] = {"volume": Volume, "snapshot": Snapshot}
CREATING, DOWNLOADING = "creating", "downloading"
UNDONE = (CREATING, DOWNLOADING)


def begin(row: Volume | Snapshot, *, image_id: str | None = None) -> None:
    """Make the bytes of a new row, or let them be made later, within the transaction of the row.

    Raises:
        DiskTooSmall, FormatNotConverted: of such an image no volume is made.
    """
    source = source_of(row, image_id)
    if source is None or not data.is_copied(row, source):
        data.make(row, source)
        return
    row.awaits, row.status = {source[0]: source[1]}, CREATING
    row.save(update_fields=["awaits", "status"])
    bytes_awaited.send(type(row), kind=data.kind_of(row), row_id=str(row.pk))


def make_bytes(kind: str, row_id: str) -> bool:
    """Copy the bytes that the row awaits. ``False``: as many are copied already as the site wants
    at once.
    """
    with one_of(Kind.COPY, range(settings.OPTIONS.volume_copies)) as has_place:
        if has_place:
            _make(kind, row_id)
        return has_place


def find_awaiting() -> list[tuple[str, str]]:
    """The kinds and ids of all rows that await bytes."""
    return [
        (kind, str(pk))
        for kind, model in KINDS.items()
        for pk in model.objects.filter(awaits__isnull=False).values_list("pk", flat=True)
    ]


def _make(kind: str, row_id: str) -> None:
    rows = KINDS[kind].objects.filter(pk=uuid.UUID(row_id))
    row = rows.filter(awaits__isnull=False).first()
    if row is None or row.awaits is None:
        return
    [source] = row.awaits.items()
    why = _why(row, None)
    if source[0] == IMAGE:
        rows.filter(status=CREATING).update(status=DOWNLOADING)
    try:
        data.make(row, source)
        status = "available"
        if data.file_of(row) is None:
            status = "error"
            logger.warning("%s %s: the %s %s has no bytes any more", kind, row_id, *source)
    except Fault as fault:
        status, why = "error", _why(row, fault)
        logger.warning("%s %s is not made: %s", kind, row_id, fault.detail)
    with transaction.atomic():
        if not rows.update(awaits=None):
            data.remove(row)  # it was deleted meanwhile
        elif status == "error":
            messages.tell(row, _action(row, source[0]), why)
        rows.filter(status__in=UNDONE).update(status=status)


def _action(row: Volume | Snapshot, source: str) -> messages.Action:
    if isinstance(row, Snapshot):
        return messages.Action.SNAPSHOT
    return messages.Action.COPY_IMAGE if source == IMAGE else messages.Action.CREATE


def _why(row: Volume | Snapshot, fault: Fault | None) -> messages.Detail:
    if isinstance(fault, data.DiskTooSmall):
        return messages.Detail.TOO_LARGE
    is_snapshot = isinstance(row, Snapshot)
    return messages.Detail.SNAPSHOT_FAILED if is_snapshot else messages.Detail.CREATE_FAILED


def source_of(row: Volume | Snapshot, image_id: str | None) -> data.Source | None:
    """What its bytes are to be those of; ``None``: it begins empty."""
    if isinstance(row, Snapshot):
        return VOLUME, str(row.volume_id)
    if image_id is not None:
        return IMAGE, image_id
    if row.snapshot_id is not None:
        return SNAPSHOT, str(row.snapshot_id)
    return (VOLUME, str(row.source_volid)) if row.source_volid is not None else None
