"""Tells users of work of theirs that failed: what, and why.

Clients know the numbers of actions and details from Cinder; the sentences are ours.
"""

from __future__ import annotations

import enum

from django.utils import timezone

from compute_site.caller import Caller
from compute_site.neighbours.ownership import permit_on
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.backup_models import Backup
from compute_site.neighbours.volume.message_models import Message
from compute_site.neighbours.volume.models import Snapshot, Volume
from compute_site.request_id import current_sender


class Action(enum.Enum):
    """What was tried: its number, and the words for it."""

    PLACE = ("001", "finding a place for the volume")
    UPLOAD = ("003", "copying the volume to the image")
    COPY_IMAGE = ("005", "copying the image to the volume")
    CREATE = ("008", "copying another volume or a snapshot to the volume")
    SNAPSHOT = ("009", "making the snapshot")
    BACKUP = ("013", "making the backup")
    RESTORE = ("015", "restoring the backup")


class Detail(enum.Enum):
    """Why it failed."""

    NO_BACKEND = ("003", "no store of volumes is as the volume type wants it")
    UPLOAD_FAILED = ("004", "the bytes of the volume could not be copied to the image")
    TOO_LARGE = ("007", "the disk of the image is larger than the volume")
    CREATE_FAILED = ("012", "the bytes of the volume could not be made")
    SNAPSHOT_FAILED = ("013", "the bytes of the snapshot could not be copied")
    BACKUP_FAILED = ("020", "the bytes of the backup could not be copied")
    RESTORE_FAILED = ("026", "the bytes of the backup could not be copied to the volume")
    IMAGE_GONE = ("901", "the image has no data any more")
    """Cinder has no number for this."""


ACTIONS = {action.value[0]: action.value[1] for action in Action}
DETAILS = {detail.value[0]: detail.value[1] for detail in Detail}


def tell(row: Volume | Snapshot | Backup, action: Action, detail: Detail) -> None:
    """Tell the project of the row what failed; part of the transaction that notes the failure."""
    kind = KINDS[type(row).__name__]
    sender = current_sender.get().request_id.partition(" ")[0]
    Message.objects.create(
        project_id=row.project_id,
        request_id="" if sender == "-" else sender,
        resource_type=kind,
        resource_uuid=row.pk,
        action=action.value[0],
        detail=detail.value[0],
        event_id=f"VOLUME_{kind}_{action.value[0]}_{detail.value[0]}",
    )


KINDS = {"Volume": "VOLUME", "Snapshot": "VOLUME_SNAPSHOT", "Backup": "VOLUME_BACKUP"}


def text_of(message: Message) -> str:
    action, detail = ACTIONS.get(message.action, "something"), DETAILS.get(message.detail, "")
    return f"{action}:{detail}"


def delete(caller: Caller, message: Message) -> None:
    permit_on(caller, policies.DELETE_MESSAGE, message.project_id)
    message.delete()


def clean_up() -> None:
    """Forget messages that are old."""
    Message.objects.filter(expires_at__lt=timezone.now()).delete()
