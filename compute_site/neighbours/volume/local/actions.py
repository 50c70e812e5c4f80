"""``POST /volume/v3/volumes/{id}/action`` and the same of snapshots: the only key of the body says
what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.caller import Caller
from compute_site.faults import BadRequest, NotFound
from compute_site.keys import IGNORED, Key, filled_line, flag, one_of, texts_by_name
from compute_site.neighbours import image_service
from compute_site.neighbours.image.protocol import ImageData
from compute_site.neighbours.image.shapes import CONTAINER_FORMATS, DISK_FORMATS
from compute_site.neighbours.ownership import permit_on
from compute_site.neighbours.serializers import of_shape
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.api.representation import cinder_time, show_type
from compute_site.neighbours.volume.api.shapes import gigabytes
from compute_site.neighbours.volume.api.views import VolumeView, find_volume
from compute_site.neighbours.volume.local.changes import GIB, VolumeBusy, find_type
from compute_site.neighbours.volume.local.limits import check_growth
from compute_site.neighbours.volume.local.metadata import change_metadata
from compute_site.neighbours.volume.models import Snapshot, Volume
from compute_site.words import STRICT_FALSE, STRICT_TRUE

STATUSES = (
    *("creating", "available", "deleting", "error", "error_deleting", "attaching", "detaching"),
    *("in-use", "maintenance", "reserved"),
)
SNAPSHOT_STATUSES = ("available", "error", "creating", "deleting", "error_deleting")
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


def word_or_flag(value: Any) -> bool:
    """A truth value, also one of the words for it, as Cinder takes both."""
    if value in STRICT_TRUE:
        return True
    return False if value in STRICT_FALSE else flag(value)


SHAPES: Mapping[str, Mapping[str, Key]] = {
    "os-set_bootable": {"bootable": Key(word_or_flag, required=True)},
    "os-extend": {"new_size": Key(gigabytes, required=True)},
    "os-reset_status": {
        "status": Key(one_of(*STATUSES)),
        "migration_status": Key(one_of(*MIGRATION_STATUSES)),
        "attach_status": IGNORED,
    },
    "os-force_delete": {},
    "os-update_readonly_flag": {"readonly": Key(word_or_flag, required=True)},
    "os-set_image_metadata": {"metadata": Key(texts_by_name, required=True)},
    "os-unset_image_metadata": {"key": Key(filled_line, required=True)},
    "os-show_image_metadata": {},
    "os-retype": {
        "new_type": Key(filled_line, required=True),
        "migration_policy": Key(one_of("on-demand", "never"), default="never"),
    },
    "os-volume_upload_image": {
        "image_name": Key(filled_line, required=True),
        "force": Key(word_or_flag, default=False),
        "disk_format": Key(one_of(*DISK_FORMATS), default="raw"),
        "container_format": Key(one_of(*CONTAINER_FORMATS), default="bare"),
    },
}
SNAPSHOT_SHAPES: Mapping[str, Mapping[str, Key]] = {
    "os-reset_status": {"status": Key(one_of(*SNAPSHOT_STATUSES), required=True)},
    "os-force_delete": {},
}
Values = Mapping[str, Any]
Shown = dict[str, Any] | None
"""The body of the answer."""


def set_bootable(_: Caller, volume: Volume, values: Values) -> Shown:
    volume.bootable = str(values["bootable"]).lower()
    volume.save(update_fields=["bootable"])
    return None


@transaction.atomic
def extend(_: Caller, volume: Volume, values: Values) -> Shown:
    """Make a free volume larger.

    Raises:
        VolumeBusy: it is not free.
        BadRequest: the new size is not larger.
        VolumeQuotaReached: the project has reached a limit.
    """
    locked = Volume.objects.select_for_update().get(pk=volume.pk)
    if locked.status != "available":
        raise VolumeBusy(f"Volume {volume.pk} is {locked.status}; only a free one can grow.")
    if values["new_size"] <= locked.size:
        raise BadRequest(f"Volume {volume.pk} has {locked.size} GiB already.", field="new_size")
    check_growth(locked.project_id, locked.size, values["new_size"])
    locked.size = values["new_size"]
    locked.save(update_fields=["size"])
    return None


def reset_status(_: Caller, volume: Volume, values: Values) -> Shown:
    """Set the status without checks, for admins; the attachments stay as they are."""
    columns = {key: values[key] for key in ("status", "migration_status") if values[key]}
    if columns.get("migration_status") == "none":
        columns["migration_status"] = ""
    if not columns:
        raise BadRequest("Give a status, a migration_status, or both.")
    Volume.objects.filter(pk=volume.pk).update(**columns)
    return None


@transaction.atomic
def force_delete(_: Caller, volume: Volume, __: Values) -> Shown:
    """Delete the volume in any status.

    Raises:
        VolumeBusy: a server has it, or it has snapshots.
    """
    locked = Volume.objects.select_for_update().filter(pk=volume.pk).first()
    if locked is None:
        return None
    if locked.attachments.exists() or locked.snapshots.exists():
        raise VolumeBusy(f"Volume {volume.pk} has attachments or snapshots; delete those first.")
    locked.delete()
    return None


@transaction.atomic
def set_readonly(_: Caller, volume: Volume, values: Values) -> Shown:
    """Raises: VolumeBusy: it is not free."""
    free = Volume.objects.filter(pk=volume.pk, status="available")
    if not free.update(readonly=values["readonly"]):
        raise VolumeBusy(f"Volume {volume.pk} is {volume.status}; only a free one is marked.")
    return None


def set_image_metadata(caller: Caller, volume: Volume, values: Values) -> Shown:
    given = values["metadata"]
    merged = change_metadata(
        caller, policies.SET_IMAGE, volume, lambda kept: {**kept, **given}, OF_IMAGE
    )
    return {"metadata": merged}


def unset_image_metadata(caller: Caller, volume: Volume, values: Values) -> Shown:
    """Raises: NotFound: the volume knows no such thing of its image."""
    name = values["key"]

    def change(kept: Mapping[str, str]) -> dict[str, str]:
        if name not in kept:
            raise NotFound(f"Volume {volume.pk} knows no {name} of its image.")
        return {key: text for key, text in kept.items() if key != name}

    change_metadata(caller, policies.REMOVE_IMAGE, volume, change, OF_IMAGE)
    return None


def show_image_metadata(_: Caller, volume: Volume, __: Values) -> Shown:
    return {"metadata": volume.image_metadata}


@transaction.atomic
def retype(caller: Caller, volume: Volume, values: Values) -> Shown:
    """Give the volume another type.

    Raises:
        TypeUnknown: 404.
        VolumeBusy: it is neither free nor in use.
    """
    kind = find_type(caller, values["new_type"])
    idle = Volume.objects.filter(pk=volume.pk, status__in=IN_PLACE)
    if not idle.update(volume_type=kind):
        raise VolumeBusy(f"Volume {volume.pk} is {volume.status}; it keeps its type now.")
    return None


def upload_image(caller: Caller, volume: Volume, values: Values) -> Shown:
    """Make an image of the volume: what it knows of its own image, and its size.

    Raises:
        VolumeBusy: it is in use, and nobody said ``force``.
        Fault: the image service refuses the image.
    """
    if volume.status != "available" and not (values["force"] and volume.status == "in-use"):
        raise VolumeBusy(f"Volume {volume.pk} is {volume.status}; an image needs a free one.")
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
    image_id = image_service().create_image(
        caller, name=values["image_name"], properties=properties, like=like
    )
    kind = volume.volume_type
    shown = {
        "id": str(volume.pk),
        "updated_at": cinder_time(volume.created_at),
        "status": "uploading",
        "display_description": volume.description,
        "size": volume.size,
        "volume_type": show_type(kind, whole=False) if kind is not None else None,
        "image_id": image_id,
        "image_name": values["image_name"],
        "disk_format": values["disk_format"],
        "container_format": values["container_format"],
    }
    return {"os-volume_upload_image": shown}


def reset_snapshot(_: Caller, snapshot: Snapshot, values: Values) -> Shown:
    Snapshot.objects.filter(pk=snapshot.pk).update(status=values["status"])
    return None


def force_delete_snapshot(_: Caller, snapshot: Snapshot, __: Values) -> Shown:
    snapshot.delete()
    return None


Action = tuple[Callable[[Caller, Any, Values], Shown], str, int]
ACTIONS: Mapping[str, Action] = {
    "os-set_bootable": (set_bootable, policies.UPDATE, 200),
    "os-extend": (extend, policies.EXTEND, 202),
    "os-reset_status": (reset_status, policies.RESET_STATUS, 202),
    "os-force_delete": (force_delete, policies.FORCE_DELETE, 202),
    "os-update_readonly_flag": (set_readonly, policies.UPDATE_READONLY, 202),
    "os-set_image_metadata": (set_image_metadata, policies.SET_IMAGE, 200),
    "os-unset_image_metadata": (unset_image_metadata, policies.REMOVE_IMAGE, 200),
    "os-show_image_metadata": (show_image_metadata, policies.SHOW_IMAGE, 200),
    "os-retype": (retype, policies.RETYPE, 202),
    "os-volume_upload_image": (upload_image, policies.UPLOAD_IMAGE, 202),
}
"""What is done, by whose right, and the status of the answer."""
SNAPSHOT_ACTIONS: Mapping[str, Action] = {
    "os-reset_status": (reset_snapshot, policies.RESET_SNAPSHOT, 202),
    "os-force_delete": (force_delete_snapshot, policies.FORCE_DELETE_SNAPSHOT, 202),
}


class ActionView(VolumeView):
    """Runs the action that the only key of the body names."""

    actions: ClassVar[Mapping[str, Action]]
    shapes: ClassVar[Mapping[str, Mapping[str, Key]]]

    def run(self, row: Volume | Snapshot) -> Response:
        body = self.read_body()
        name = next(iter(body), "") if isinstance(body, dict) and len(body) == 1 else ""
        if name not in self.actions:
            raise BadRequest(f"Send one of {', '.join(self.actions)}.")
        act, rule, status = self.actions[name]
        permit_on(self.caller, rule, row.project_id)
        shape = self.shapes[name]
        empty = not shape and not body[name]
        values = {} if empty else self.read(name, of_shape(shape)).values
        return Response(act(self.caller, row, values), status=status)


class VolumeAction(ActionView):
    actions = ACTIONS
    shapes = SHAPES

    def post(self, request: Request, volume_id: str) -> Response:
        return self.run(find_volume(self, volume_id))


class SnapshotAction(ActionView):
    actions = SNAPSHOT_ACTIONS
    shapes = SNAPSHOT_SHAPES

    def post(self, request: Request, snapshot_id: str) -> Response:
        self.caller.permit(policies.SHOW_SNAPSHOT)
        visible = Snapshot.objects.visible_to(self.caller)
        return self.run(self.find(visible, snapshot_id, "snapshot"))
