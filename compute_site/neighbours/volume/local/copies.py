"""Makes the bytes of volumes, snapshots and backups that are copies of others, after the request.

A row that awaits its bytes says in ``awaits`` what they are those of::

    creating ──> downloading (of an image) ──> available, or reserved for the server that waits
       └──────────────┴──> error (what went wrong is in the log, and told by a message)

A volume that is there already gets those of a backup, a snapshot or an image, and is meanwhile
``restoring-backup``, ``reverting`` or ``downloading``. It has its old bytes until the new ones are
complete; one that a server has keeps them where nothing comes of that, and is in use as before.

A volume whose bytes go to an image is ``uploading`` meanwhile, and awaits none.

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
from compute_site.neighbours.volume.backup_models import Backup
from compute_site.neighbours.volume.local import data, messages
from compute_site.neighbours.volume.local.claims import settle
from compute_site.neighbours.volume.local.events import bytes_awaited
from compute_site.neighbours.volume.models import Snapshot, Volume

logger = logging.getLogger(__name__)

IMAGE, SNAPSHOT, VOLUME, BACKUP = "image", "snapshot", "volume", "backup"
KINDS: Mapping[str, type[data.Row]] = {VOLUME: Volume, SNAPSHOT: Snapshot, BACKUP: Backup}
CREATING, DOWNLOADING, OVERWRITTEN = "creating", "downloading", "restoring-backup"
REVERTING = "reverting"
UNDONE = (CREATING, DOWNLOADING, OVERWRITTEN, REVERTING)
ABOUT = "about"
"""Beside what a volume awaits: what it is to know of the image whose bytes it gets."""
RESTORING = "restoring"
"""A backup or a snapshot that is being copied to a volume."""


def begin(row: data.Row, *, source: data.Source | None = None) -> None:
    """Make the bytes of a new row, or let them be made later, within the transaction of the row.
    ``source`` is what the row itself does not say: an image or a backup.

    Raises:
        DiskTooSmall, FormatNotConverted: of such an image no volume is made.
    """
    source = source or source_of(row)
    if source is None or not data.is_copied(row, source):
        data.make(row, source)
        return
    _await(row, source, CREATING)


def restore(volume: Volume, backup: Backup) -> None:
    """Give a volume the bytes of the backup, now or later, within the transaction of the caller."""
    source = BACKUP, str(backup.pk)
    if data.is_copied(volume, source):
        _await(volume, source, OVERWRITTEN)


def revert(volume: Volume, snapshot: Snapshot) -> None:
    """As ``restore``, of a snapshot."""
    source = SNAPSHOT, str(snapshot.pk)
    if data.is_copied(volume, source):
        Snapshot.objects.filter(pk=snapshot.pk).update(status=RESTORING)
        _await(volume, source, REVERTING)


def overwrite(volume: Volume, image_id: str, about: Mapping[str, str]) -> bool:
    """As ``restore``, of an image; does it take time? ``about`` the image is what the volume is to
    know of it from then on. A volume without bytes gets none.

    Raises:
        DiskTooSmall, FormatNotConverted: such an image is not written over it.
    """
    source = IMAGE, image_id
    takes_time = data.file_of(volume) is not None and data.is_copied(volume, source)
    if takes_time:
        _await(volume, source, DOWNLOADING, about)
    else:
        note_image(volume, about)
    return takes_time


def note_image(volume: Volume, about: Mapping[str, str]) -> None:
    """Note that the volume is of the image that this is about."""
    volume.image_metadata, volume.bootable = dict(about), "true"
    volume.save(update_fields=["image_metadata", "bootable"])


def _await(
    row: data.Row, source: data.Source, status: str, about: Mapping[str, str] | None = None
) -> None:
    if source[0] == BACKUP:
        Backup.objects.filter(pk=source[1], status="available").update(status=RESTORING)
    row.awaits, row.status = {source[0]: source[1]}, status
    if about is not None:
        row.awaits[ABOUT] = dict(about)
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
    about = row.awaits.pop(ABOUT, None)
    [source] = row.awaits.items()
    action, failure = _told_of(row, source[0])
    why: messages.Detail | None = None
    if source[0] == IMAGE:
        rows.filter(status=CREATING).update(status=DOWNLOADING)
    try:
        if not data.make(row, source):
            why = messages.Detail.IMAGE_GONE if source[0] == IMAGE else failure
            logger.warning("%s %s: the %s %s has no bytes any more", kind, row_id, *source)
    except Fault as fault:
        why = messages.Detail.TOO_LARGE if isinstance(fault, data.DiskTooSmall) else failure
        logger.warning("%s %s is not made: %s", kind, row_id, fault.detail)
    with transaction.atomic():
        if not rows.update(awaits=None):
            data.remove(row)  # it was deleted meanwhile
        elif why is not None:
            messages.tell(row, action, why)
        elif about is not None and isinstance(row, Volume):
            note_image(row, about)
        held = isinstance(row, Volume) and row.attachments.exists()
        kept = held and data.file_of(row) is not None
        whole = "available" if why is None or kept else "error"
        rows.filter(status__in=UNDONE).update(status=whole)
        if held:
            rows.filter(status="available").update(status="reserved")
            settle([row_id])
        if source[0] in (BACKUP, SNAPSHOT):
            restored = KINDS[source[0]].objects.filter(pk=source[1], status=RESTORING)
            restored.update(status="available")
        if isinstance(row, Backup) and why is not None:
            Backup.objects.filter(pk=row.pk).update(fail_reason=why.value[1])


def _told_of(row: data.Row, source: str) -> tuple[messages.Action, messages.Detail]:
    """What is tried, and what is told where it fails and nothing more is known."""
    if isinstance(row, Snapshot):
        return messages.Action.SNAPSHOT, messages.Detail.SNAPSHOT_FAILED
    if isinstance(row, Backup):
        return messages.Action.BACKUP, messages.Detail.BACKUP_FAILED
    if source == BACKUP:
        return messages.Action.RESTORE, messages.Detail.RESTORE_FAILED
    action = messages.Action.COPY_IMAGE if source == IMAGE else messages.Action.CREATE
    return action, messages.Detail.CREATE_FAILED


def source_of(row: data.Row) -> data.Source | None:
    """What its bytes are to be those of, by what it says; ``None``: it begins empty."""
    if isinstance(row, Snapshot):
        return VOLUME, str(row.volume_id)
    if row.snapshot_id is not None:
        return SNAPSHOT, str(row.snapshot_id)
    if isinstance(row, Backup):
        return VOLUME, str(row.volume_id)
    return (VOLUME, str(row.source_volid)) if row.source_volid is not None else None
