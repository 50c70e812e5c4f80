"""``POST /volume/v3/volumes/{id}/action`` and the same of snapshots: the only key of the body says
what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from compute_site.caller import Caller
from compute_site.faults import BadRequest, Conflict, Fault, NotFound
from compute_site.neighbours import image_service
from compute_site.neighbours.calls import around, runs_outside
from compute_site.neighbours.image.protocol import ImageData
from compute_site.neighbours.ownership import permit_on
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.local import attachments, copies, data, uploads
from compute_site.neighbours.volume.local.changes import (
    GIB,
    VolumeBusy,
    VolumeTooSmall,
    check_ungrouped,
    find_type,
    least_size,
    lock_volume,
    remove_volume,
)
from compute_site.neighbours.volume.local.encryption import find_plain
from compute_site.neighbours.volume.local.events import volume_grew
from compute_site.neighbours.volume.local.limits import check_growth, check_retype
from compute_site.neighbours.volume.local.metadata import change_metadata
from compute_site.neighbours.volume.local.of_servers import overwrite
from compute_site.neighbours.volume.models import Snapshot, Volume

STATUSES = (
    *("creating", "available", "deleting", "error", "error_deleting", "attaching", "detaching"),
    *("in-use", "maintenance", "reserved"),
)
SNAPSHOT_STATUSES = ("available", "error", "creating", "deleting", "error_deleting")
ATTACH_STATUSES = ("attached", "detached")
MIGRATION_STATUSES = ("migrating", "error", "success", "completing", "none", "starting")
IN_PLACE = ("available", "in-use")
OF_IMAGE = "image_metadata"
ABOUT_IMAGE = frozenset(
    (
        *("image_id", "image_name", "size", "checksum", "min_ram", "min_disk"),
        *("disk_format", "container_format"),
    )
)
"""What a volume remembers of its image beyond properties."""


class NotReverted(Conflict):
    """The volume or its snapshot is busy. Cinder: 409."""

    code = "not_reverted"


Values = Mapping[str, Any]
"""The checked keys of the body."""


def set_bootable(_: Caller, volume: Volume, values: Values) -> None:
    volume.bootable = str(values["bootable"]).lower()
    volume.save(update_fields=["bootable"])


def extend_free(caller: Caller, volume: Volume, values: Values) -> None:
    """As ``extend``, but not of a volume in use. Raises ``VolumeBusy``."""
    if volume.status != "available":
        raise VolumeBusy(f"Volume {volume.pk} is {volume.status}; only a free one can grow.")
    extend(caller, volume, values)


@transaction.atomic
def extend(caller: Caller, volume: Volume, values: Values) -> None:
    """Make a volume larger: a free one, or one in use that has bytes, of which its guests hear.

    Raises:
        VolumeBusy: it is neither.
        BadRequest: the new size is not larger.
        VolumeQuotaReached: the project has reached a limit.
    """
    locked = lock_volume(volume.pk)
    in_use = locked.status == "in-use" and data.file_of(locked) is not None
    if in_use:
        permit_on(caller, policies.EXTEND_ATTACHED, locked.project_id)
    if locked.status != "available" and not in_use:
        raise VolumeBusy(f"Volume {volume.pk} is {locked.status}; only a free one can grow.")
    if values["new_size"] <= locked.size:
        raise BadRequest(f"Volume {volume.pk} has {locked.size} GiB already.", field="new_size")
    check_growth(locked, values["new_size"])
    locked.size = values["new_size"]
    locked.save(update_fields=["size"])
    data.grow(locked)
    if in_use:
        held = locked.attachments.values_list("server_id", flat=True)
        server_ids = [str(server_id) for server_id in held]
        volume_grew.send(Volume, volume_id=str(locked.pk), size=locked.size, server_ids=server_ids)


def complete_extension(_: Caller, volume: Volume, __: Values) -> None:
    """Raises: VolumeBusy: always, as volumes grow at once."""
    raise VolumeBusy(f"Volume {volume.pk} is {volume.status}; it is not being extended.")


@transaction.atomic
def reset_status(_: Caller, volume: Volume, values: Values) -> None:
    """Set the status, for admins. The attachments stay as they are, unless the ``attach_status``
    is ``detached``.

    Raises:
        BadRequest: nothing is given, or the volume would be in use by nobody.
        HeldByCompute: 409.
    """
    columns = {key: values[key] for key in ("status", "migration_status") if values[key]}
    if columns.get("migration_status") == "none":
        columns["migration_status"] = ""
    attached = values.get("attach_status")
    if not columns and attached is None:
        raise BadRequest("Give a status, an attach_status or a migration_status.")
    if columns.get("status") == "deleting":
        raise BadRequest("A volume is deleted by DELETE.", field="os-reset_status.status")
    locked = lock_volume(volume.pk)
    in_use = "in-use" in columns.values() or attached == "attached"
    if in_use and not locked.attachments.exists():
        raise BadRequest(f"Volume {volume.pk} has no attachments.", field="os-reset_status")
    if attached == "detached":
        attachments.forget_all(locked)
    Volume.objects.filter(pk=volume.pk).update(**columns)


def force_delete(_: Caller, volume: Volume, __: Values) -> None:
    """Delete the volume in any status.

    Raises:
        VolumeBusy: a server has it, or it has snapshots.
    """
    remove_volume(volume)


@transaction.atomic
def set_readonly(_: Caller, volume: Volume, values: Values) -> None:
    """Raises: VolumeBusy: it is not free."""
    free = Volume.objects.filter(pk=volume.pk, status="available")
    if not free.update(readonly=values["readonly"]):
        raise VolumeBusy(f"Volume {volume.pk} is {volume.status}; only a free one is marked.")


def set_image_metadata(caller: Caller, volume: Volume, values: Values) -> dict[str, str]:
    """Add to the metadata of the volume's image; return all of it."""
    given = values["metadata"]
    return change_metadata(
        caller, policies.SET_IMAGE, volume, lambda kept: {**kept, **given}, OF_IMAGE
    )


def unset_image_metadata(caller: Caller, volume: Volume, values: Values) -> None:
    """Raises: NotFound: the volume knows no such thing of its image."""
    name = values["key"]

    def change(kept: Mapping[str, str]) -> dict[str, str]:
        if name not in kept:
            raise NotFound(f"Volume {volume.pk} knows no {name} of its image.")
        return {key: text for key, text in kept.items() if key != name}

    change_metadata(caller, policies.REMOVE_IMAGE, volume, change, OF_IMAGE)


@transaction.atomic
def retype(caller: Caller, volume: Volume, values: Values) -> None:
    """Give the volume another type.

    Raises:
        TypeUnknown: 404.
        VolumeBusy: it is neither free nor in use.
    """
    type_id = find_type(caller, values["new_type"])
    kind = find_plain([type_id])[type_id]
    check_ungrouped(volume)
    shared = kind.is_shared
    if shared and not volume.multiattach:
        permit_on(caller, policies.MULTIATTACH, volume.project_id)
    check_retype(volume, kind)
    idle = Volume.objects.filter(pk=volume.pk, status__in=IN_PLACE)
    if shared != volume.multiattach:
        idle = idle.filter(status="available")
    if not idle.update(volume_type=kind, multiattach=shared):
        raise VolumeBusy(f"Volume {volume.pk} is {volume.status}; it keeps its type now.")


def upload_image(caller: Caller, volume: Volume, values: Values) -> str:
    """Make an image of the volume: what it knows of its own image, and its size; the id of the
    image. Bytes of the volume come to it later; the volume is ``uploading`` meanwhile.

    Raises:
        VolumeBusy: it is in use, and nobody said ``force``.
        Fault: the image service refuses the image.
    """
    _check_uploadable(volume, values)
    if values["visibility"] == "public":
        permit_on(caller, policies.UPLOAD_PUBLIC, volume.project_id)
    properties = {
        key: text for key, text in volume.image_metadata.items() if key not in ABOUT_IMAGE
    }
    like = ImageData(
        id=None,
        min_disk=volume.size,
        size=volume.size * GIB,
        disk_format=values["disk_format"],
        container_format=values["container_format"],
    )
    has_bytes = data.file_of(volume) is not None
    if has_bytes:
        data.check_format(values["disk_format"])
    create = image_service().create_image
    with around(create):
        image_id = create(
            caller,
            name=values["image_name"],
            properties=properties,
            like=like,
            awaits_data=has_bytes,
            visibility=values["visibility"],
            protected=values["protected"],
        )
        if has_bytes:
            _let_upload(caller, volume, image_id, values)
    return image_id


def _check_uploadable(volume: Volume, values: Values) -> None:
    if volume.status != "available" and not (values["force"] and volume.status == "in-use"):
        raise VolumeBusy(f"Volume {volume.pk} is {volume.status}; an image needs a free one.")


def _let_upload(caller: Caller, volume: Volume, image_id: str, values: Values) -> None:
    """Where that is refused, no image is left."""
    try:
        with transaction.atomic():
            locked = lock_volume(volume.pk)
            _check_uploadable(locked, values)
            uploads.begin(locked, image_id, caller.project_id, values["disk_format"])
    except Fault:
        if runs_outside(image_service().create_image):
            image_service().forget_images(caller.project_id, [image_id])
        raise


@transaction.atomic
def revert(_: Caller, volume: Volume, values: Values) -> None:
    """Give the volume the bytes of its newest snapshot.

    Raises:
        BadRequest: the snapshot is not the newest, or the volume has grown since.
        NotReverted: 409, the volume or the snapshot is busy.
    """
    locked = lock_volume(volume.pk)
    newest = locked.snapshots.order_by("-created_at", "-pk").first()
    if newest is None or newest.pk != values["snapshot_id"]:
        raise BadRequest(
            f"Snapshot {values['snapshot_id']} is not the newest one of volume {volume.pk}.",
            field="revert.snapshot_id",
        )
    if newest.size != locked.size:
        raise BadRequest(
            f"Volume {volume.pk} has {locked.size} GiB, its snapshot {newest.size}.", field="revert"
        )
    if (locked.status, newest.status) != ("available", "available"):
        raise NotReverted(
            f"Volume {volume.pk} is {locked.status}, its snapshot {newest.status}; both must be "
            "available."
        )
    copies.revert(locked, newest)


@transaction.atomic
def reimage(caller: Caller, volume: Volume, values: Values) -> None:
    """Write an image over the volume.

    Raises:
        NotFound: the caller sees no such image.
        Conflict: several have the volume.
        VolumeBusy: it is in use, or reserved and nobody said that this does not matter.
    """
    locked = lock_volume(volume.pk)
    if locked.status == "reserved":
        permit_on(caller, policies.REIMAGE_RESERVED, locked.project_id)
    image_id = str(values["image_id"])
    image = image_service().find_images(caller, [image_id]).get(image_id)
    if image is None:
        raise NotFound(f"There is no image {image_id}.")
    if locked.attachments.count() > 1:
        raise Conflict(f"Several have volume {volume.pk}.")
    also = ("reserved",) if values["reimage_reserved"] else ()
    if locked.status not in ("available", "error", *also):
        raise VolumeBusy(f"Volume {volume.pk} is {locked.status}; no image is written over it.")
    if locked.size < least_size(image):
        raise VolumeTooSmall(f"Volume {volume.pk} has {locked.size} GiB; the image needs more.")
    takes_time = overwrite(caller, locked, image)
    if locked.status == "error" and not takes_time:
        Volume.objects.filter(pk=volume.pk).update(status="available")


def reset_snapshot(_: Caller, snapshot: Snapshot, values: Values) -> None:
    Snapshot.objects.filter(pk=snapshot.pk).update(status=values["status"])


SNAPSHOT_MOVES: Mapping[str, tuple[str, ...]] = {
    "creating": ("creating", "available", "error"),
    "deleting": ("deleting", "error_deleting"),
}
"""What others who make and delete snapshots can tell of them."""


def move_snapshot(_: Caller, snapshot: Snapshot, values: Values) -> None:
    """Raises: BadRequest: the snapshot is not on the way to this status."""
    status, progress = values["status"], values["progress"]
    before = [state for state, after in SNAPSHOT_MOVES.items() if status in after]
    columns = {"status": status} | ({"progress": progress} if progress else {})
    if not Snapshot.objects.filter(pk=snapshot.pk, status__in=before).update(**columns):
        raise BadRequest(f"Snapshot {snapshot.pk} is {snapshot.status}; it becomes not {status}.")


@transaction.atomic
def force_delete_snapshot(_: Caller, snapshot: Snapshot, __: Values) -> None:
    data.forget(snapshot)
    snapshot.delete()
