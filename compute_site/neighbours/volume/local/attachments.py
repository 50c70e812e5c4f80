"""Attachments that clients of the volume API make. What compute has made for its servers is seen
among them, and is changed and deleted by compute alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from compute_site.caller import Caller
from compute_site.faults import BadRequest, Conflict, NotFound
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.ownership import permit_on
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.local import data, exports
from compute_site.neighbours.volume.local.changes import UnknownSource, VolumeBusy, lock_volume
from compute_site.neighbours.volume.local.claims import (
    ATTACHED,
    ATTACHING,
    DETACHING,
    RESERVED,
    settle,
)
from compute_site.neighbours.volume.local.of_servers import FREE, connection_of
from compute_site.neighbours.volume.models import Attachment, Volume
from compute_site.values.keys import WrongValue, line, mapping

READ_WRITE, READ_ONLY = "rw", "ro"
MODES = (READ_WRITE, READ_ONLY)
UNSAID = "null"
"""How Cinder writes that nobody has said a mode."""


class HeldByCompute(Conflict):
    """Compute has made the attachment for one of its servers."""

    code = "held_by_compute"


class ModeRefused(BadRequest):
    """The volume is read-only."""

    code = "mode_refused"


class NotConnected(BadRequest):
    """Only hosts of this site reach the bytes of the volume."""

    code = "not_connected"


class AttachedTwice(BadRequest):
    """The server has an attachment of the volume already."""

    code = "attached_twice"


def read_connector(value: Any) -> dict[str, Any]:
    """What a host says of itself; raises ``WrongValue``."""
    found = mapping(value)
    if not found:
        return found
    try:
        line(found.get("host"))
    except WrongValue as error:
        raise WrongValue(f"host: {error}") from None
    if found.get("mode") not in (None, *MODES):
        raise WrongValue(f"mode: give one of {', '.join(MODES)}")
    if not isinstance(found.get("mountpoint", ""), str):
        raise WrongValue("mountpoint: give a text")
    return found


@transaction.atomic
def create(caller: Caller, values: Mapping[str, Any]) -> Attachment:
    """Reserve a volume for a server, or for what else the caller has; with a connector, connect it.

    Raises:
        UnknownSource: the caller sees no such volume.
        VolumeBusy: it is not free, and not shared.
        AttachedTwice, ModeRefused, NotConnected: 400.
    """
    seen = Volume.objects.visible_to(caller).filter(pk=values["volume_uuid"]).first()
    if seen is None:
        raise UnknownSource(f"There is no volume {values['volume_uuid']}.")
    permit_on(caller, policies.CREATE_ATTACHMENT, seen.project_id)
    volume = lock_volume(seen.pk)
    server_id = values["instance_uuid"]
    if volume.attachments.filter(server_id=server_id, server_id__isnull=False).exists():
        raise AttachedTwice(f"Server {server_id} has an attachment of volume {volume.pk} already.")
    if volume.status not in _takeable(volume):
        raise VolumeBusy(f"Volume {volume.pk} is {volume.status}; it cannot be reserved.")
    if volume.multiattach and volume.status == "in-use" and volume.bootable != "false":
        permit_on(caller, policies.MULTIATTACH_BOOTABLE, volume.project_id)
    connector = values["connector"] or None
    attachment = Attachment(
        volume=volume,
        server_id=server_id,
        made_by_compute=False,
        mode=READ_ONLY if volume.readonly else values.get("mode") or UNSAID,
    )
    if connector is not None:
        _connect(attachment, connector)
    attachment.save()
    _settle_from_free(volume)
    return attachment


@transaction.atomic
def update(caller: Caller, attachment: Attachment, connector: Mapping[str, Any]) -> Attachment:
    """Connect the volume to the host that the connector describes.

    Raises:
        HeldByCompute: 409.
        Conflict: the volume is broken.
        ModeRefused, NotConnected: 400.
    """
    locked = _lock_own(caller, policies.UPDATE_ATTACHMENT, attachment)
    if "error" in locked.volume.status:
        raise Conflict(f"Volume {locked.volume_id} is {locked.volume.status}.")
    _connect(locked, connector)
    locked.save()
    settle([str(locked.volume_id)])
    return locked


@transaction.atomic
def complete(caller: Caller, attachment: Attachment) -> None:
    """The server has the volume now. Raises ``HeldByCompute``."""
    locked = _lock_own(caller, policies.COMPLETE_ATTACHMENT, attachment)
    locked.status = ATTACHED
    locked.attached_at = timezone.now()
    locked.save(update_fields=["status", "attached_at"])
    settle([str(locked.volume_id)])


@transaction.atomic
def delete(caller: Caller, attachment: Attachment) -> list[Attachment]:
    """Give the volume back; return its other attachments. Raises ``HeldByCompute``."""
    locked = _lock_own(caller, policies.DELETE_ATTACHMENT, attachment)
    locked.delete()
    settle([str(locked.volume_id)])
    return list(Attachment.objects.filter(volume=locked.volume_id).order_by("created_at", "pk"))


def connection_info(attachment: Attachment) -> Mapping[str, Any]:
    """How the host reaches the bytes; empty before it said who it is, and where there are none.
    ``attachment`` comes with its ``volume``.
    """
    if attachment.connector is None or exports.are_used():
        return {}
    return {**(connection_of(attachment.volume) or {}), "attachment_id": str(attachment.pk)}


# the actions of volumes that are older than attachments


@transaction.atomic
def attach(_: Caller, volume: Volume, values: Mapping[str, Any]) -> None:
    """Note that a server or a host has the volume.

    Raises:
        BadRequest: neither of them is named.
        VolumeBusy: somebody has it.
        ModeRefused: it is read-only.
    """
    server_id, host = values["instance_uuid"], values["host_name"] or ""
    if server_id is None and not host:
        raise BadRequest("Name an instance_uuid or a host_name.", field="os-attach")
    locked = lock_volume(volume.pk)
    _check_mode(locked, values["mode"])
    owner = {"server_id": server_id} if server_id is not None else {"host_name": host}
    if locked.attachments.filter(**owner).exists():
        raise AttachedTwice(f"Volume {volume.pk} is attached to this already.")
    if locked.status not in (*_takeable(locked), ATTACHING):
        raise VolumeBusy(f"Volume {volume.pk} is {locked.status}; it cannot be attached.")
    Attachment.objects.create(
        volume=locked,
        server_id=server_id,
        host_name=host,
        device=values["mountpoint"],
        mode=values["mode"],
        status=ATTACHED,
        attached_at=timezone.now(),
        made_by_compute=False,
    )
    _settle_from_free(locked)


@transaction.atomic
def detach(_: Caller, volume: Volume, values: Mapping[str, Any]) -> None:
    """Undo ``attach``.

    Raises:
        HeldByCompute: 409.
        VolumeBusy: several have the volume, and nobody said which is meant.
        NotFound: the attachment is none of this volume.
    """
    locked = lock_volume(volume.pk)
    chosen = locked.attachments.all()
    if values["attachment_id"]:
        chosen = chosen.filter(pk__in=canonical_ids([values["attachment_id"]]))
        if not chosen:
            raise NotFound(f"Volume {volume.pk} has no such attachment.")
    elif len(chosen) > 1:
        raise VolumeBusy(f"Several have volume {volume.pk}; say which by attachment_id.")
    for attachment in chosen:
        _check_own(attachment)
        attachment.delete()
    if locked.status in ("error", DETACHING, "in-use", ATTACHING):
        Volume.objects.filter(pk=locked.pk).update(status=DETACHING)
        settle([str(locked.pk)])


@transaction.atomic
def reserve(_: Caller, volume: Volume, __: Any) -> None:
    """``attaching``, until ``attach`` or ``unreserve``. Raises ``VolumeBusy``."""
    locked = lock_volume(volume.pk)
    free = ("available", "in-use") if locked.multiattach else ("available",)
    if locked.status not in free:
        raise VolumeBusy(f"Volume {volume.pk} is {locked.status}; only a free one is reserved.")
    Volume.objects.filter(pk=locked.pk).update(status=ATTACHING)


@transaction.atomic
def unreserve(_: Caller, volume: Volume, __: Any) -> None:
    """Nothing is done where it is not reserved, as in Cinder."""
    locked = lock_volume(volume.pk)
    if locked.status == ATTACHING:
        settle([str(locked.pk)])


@transaction.atomic
def begin_detaching(_: Caller, volume: Volume, __: Any) -> None:
    """
    Raises:
        HeldByCompute: 409.
        VolumeBusy: it is not in use.
    """
    locked = lock_volume(volume.pk)
    if locked.status != "in-use":
        raise VolumeBusy(f"Volume {volume.pk} is {locked.status}; only one in use is detached.")
    for attachment in locked.attachments.all():
        _check_own(attachment)
    Volume.objects.filter(pk=locked.pk).update(status=DETACHING)


@transaction.atomic
def roll_detaching(_: Caller, volume: Volume, __: Any) -> None:
    """Undo ``begin_detaching``. Nothing is done where it was not begun, as in Cinder."""
    locked = lock_volume(volume.pk)
    if locked.status == DETACHING:
        for attachment in locked.attachments.all():
            _check_own(attachment)
        settle([str(locked.pk)])


def forget_all(volume: Volume) -> None:
    """Delete all attachments of a locked volume. Raises ``HeldByCompute``."""
    for attachment in volume.attachments.all():
        _check_own(attachment)
    volume.attachments.all().delete()


def _connect(attachment: Attachment, connector: Mapping[str, Any]) -> None:
    if exports.are_used() and data.file_of(attachment.volume) is not None:
        raise NotConnected(
            f"Volume {attachment.volume_id} is exported to hosts of this site alone, by iSCSI; "
            "leave the connector out, and let compute attach the volume to a server.",
            field="attachment.connector",
        )
    mode = connector.get("mode")
    if mode is not None:
        _check_mode(attachment.volume, mode)
        attachment.mode = mode
    elif attachment.mode == UNSAID:
        attachment.mode = READ_WRITE
    attachment.connector = dict(connector)
    attachment.host_name = connector["host"]
    attachment.device = str(connector.get("mountpoint") or attachment.device)[:255]
    if attachment.status == RESERVED:
        attachment.status = ATTACHING


def _takeable(volume: Volume) -> Collection[str]:
    """The statuses in which somebody can take the volume; a shared one has several owners."""
    return (*FREE, "in-use") if volume.multiattach else FREE


def _check_mode(volume: Volume, mode: str) -> None:
    if volume.readonly and mode != READ_ONLY:
        raise ModeRefused(f"Volume {volume.pk} is read-only; attach it with the mode {READ_ONLY}.")


def _settle_from_free(volume: Volume) -> None:
    Volume.objects.filter(pk=volume.pk, status__in=FREE).update(status=RESERVED)
    settle([str(volume.pk)])


def _lock_own(caller: Caller, rule: str, attachment: Attachment) -> Attachment:
    """The attachment with its volume locked, as it is now."""
    permit_on(caller, rule, attachment.volume.project_id)
    volume = lock_volume(attachment.volume_id)
    found = Attachment.objects.filter(pk=attachment.pk).first()
    if found is None:
        raise NotFound(f"There is no attachment {attachment.pk}.")
    _check_own(found)
    found.volume = volume
    return found


def _check_own(attachment: Attachment) -> None:
    if attachment.made_by_compute:
        raise HeldByCompute(
            f"Server {attachment.server_id} has volume {attachment.volume_id}; "
            "detach it from the server."
        )
