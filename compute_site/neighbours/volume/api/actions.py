"""``POST /volume/v3/volumes/{id}/action`` and the same of snapshots: the only key of the body says
what to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.api.microversions.version import Microversion
from compute_site.caller import Caller
from compute_site.faults import BadRequest, NotFound
from compute_site.neighbours.image.shapes import CONTAINER_FORMATS, DISK_FORMATS
from compute_site.neighbours.ownership import permit_on
from compute_site.neighbours.serializers import of_shape
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.api.representation import cinder_time, show_type
from compute_site.neighbours.volume.api.shapes import gigabytes, strict_texts, word_or_flag
from compute_site.neighbours.volume.api.version import (
    ALWAYS,
    VERSIONS,
    Since,
    first_newer,
    starting,
    why_newer,
)
from compute_site.neighbours.volume.api.views import VolumeView, find_volume
from compute_site.neighbours.volume.local import actions, attachments, unmanaged
from compute_site.neighbours.volume.local.actions import Values
from compute_site.neighbours.volume.models import Snapshot, Volume
from compute_site.values.keys import (
    Key,
    WrongValue,
    filled_line,
    line,
    mapping,
    one_of,
    shown,
    text,
    uuid_text,
)


def percent(value: Any) -> str:
    found = text(value)
    if not PERCENT.fullmatch(found):
        raise WrongValue(f"give a percentage such as 80%, not {shown(value)}")
    return f"{found.rstrip('%')}%"


PERCENT = re.compile(r"[0-9]{1,3}%?", re.ASCII)


def text_or_mapping(value: Any) -> Any:
    """The connector of an attachment that ends; there is nothing to tell its host."""
    return value if isinstance(value, str) else mapping(value)


SHAPES: Mapping[str, Mapping[str, Key]] = {
    "os-set_bootable": {"bootable": Key(word_or_flag, required=True)},
    "os-extend": {"new_size": Key(gigabytes, required=True)},
    "os-reset_status": {
        "status": Key(one_of(*actions.STATUSES)),
        "migration_status": Key(one_of(*actions.MIGRATION_STATUSES)),
        "attach_status": Key(one_of(*actions.ATTACH_STATUSES)),
    },
    "os-force_delete": {},
    "os-update_readonly_flag": {"readonly": Key(word_or_flag, required=True)},
    "os-set_image_metadata": {"metadata": Key(strict_texts, required=True)},
    "os-unset_image_metadata": {"key": Key(filled_line, required=True)},
    "os-show_image_metadata": {},
    "os-retype": {
        "new_type": Key(filled_line, required=True),
        "migration_policy": Key(one_of("on-demand", "never"), default="never"),
    },
    "os-volume_upload_image": {
        "image_name": Key(filled_line, required=True),
        "force": Key(word_or_flag, default=False, never_null=True),
        "disk_format": Key(one_of(*DISK_FORMATS), default="raw"),
        "container_format": Key(one_of(*CONTAINER_FORMATS), default="bare"),
        "visibility": Key(one_of("private", "public", "shared", "community"), default="private"),
        "protected": Key(word_or_flag, default=False, never_null=True),
    },
    "revert": {"snapshot_id": Key(uuid_text, required=True)},
    "os-reimage": {
        "image_id": Key(uuid_text, required=True),
        "reimage_reserved": Key(word_or_flag, default=False, never_null=True),
    },
    "os-extend_volume_completion": {"error": Key(word_or_flag, default=False)},
    "os-attach": {
        "instance_uuid": Key(uuid_text),
        "host_name": Key(filled_line),
        "mountpoint": Key(filled_line, required=True),
        "mode": Key(one_of(*attachments.MODES), default=attachments.READ_WRITE),
    },
    "os-detach": {"attachment_id": Key(line)},
    "os-force_detach": {"attachment_id": Key(line), "connector": Key(text_or_mapping)},
    "os-reserve": {},
    "os-unreserve": {},
    "os-begin_detaching": {},
    "os-roll_detaching": {},
    "os-unmanage": {},
}
SINCE = starting(v3_40=["revert"], v3_68=["os-reimage"])
"""The version that has an action first."""
KEYS_SINCE = {"os-volume_upload_image": starting(v3_1=["visibility", "protected"])}
SNAPSHOT_SHAPES: Mapping[str, Mapping[str, Key]] = {
    "os-update_snapshot_status": {
        "status": Key(one_of(*actions.SNAPSHOT_STATUSES), required=True),
        "progress": Key(percent),
    },
    "os-reset_status": {"status": Key(one_of(*actions.SNAPSHOT_STATUSES), required=True)},
    "os-force_delete": {},
}
Shown = dict[str, Any] | None
"""The body of the answer."""


def _set_image_metadata(caller: Caller, volume: Volume, values: Values) -> Shown:
    return {"metadata": actions.set_image_metadata(caller, volume, values)}


def _show_image_metadata(_: Caller, volume: Volume, __: Values) -> Shown:
    if not volume.image_metadata:
        raise NotFound(f"Volume {volume.pk} knows nothing of an image.")
    return {"metadata": volume.image_metadata}


def _upload_image(caller: Caller, volume: Volume, values: Values) -> Shown:
    image_id = actions.upload_image(caller, volume, values)
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


Action = tuple[Callable[[Caller, Any, Values], Shown], str, int]
ACTIONS: Mapping[str, Action] = {
    "os-set_bootable": (actions.set_bootable, policies.UPDATE, 200),
    "os-extend": (actions.extend, policies.EXTEND, 202),
    "os-reset_status": (actions.reset_status, policies.RESET_STATUS, 202),
    "os-force_delete": (actions.force_delete, policies.FORCE_DELETE, 202),
    "os-update_readonly_flag": (actions.set_readonly, policies.UPDATE_READONLY, 202),
    "os-set_image_metadata": (_set_image_metadata, policies.SET_IMAGE, 200),
    "os-unset_image_metadata": (actions.unset_image_metadata, policies.REMOVE_IMAGE, 200),
    "os-show_image_metadata": (_show_image_metadata, policies.SHOW_IMAGE, 200),
    "os-retype": (actions.retype, policies.RETYPE, 202),
    "os-volume_upload_image": (_upload_image, policies.UPLOAD_IMAGE, 202),
    "revert": (actions.revert, policies.REVERT, 202),
    "os-reimage": (actions.reimage, policies.REIMAGE, 202),
    "os-extend_volume_completion": (actions.complete_extension, policies.EXTEND_COMPLETE, 202),
    "os-attach": (attachments.attach, policies.ATTACH, 202),
    "os-detach": (attachments.detach, policies.DETACH, 202),
    "os-force_detach": (attachments.detach, policies.FORCE_DETACH, 202),
    "os-reserve": (attachments.reserve, policies.RESERVE, 202),
    "os-unreserve": (attachments.unreserve, policies.UNRESERVE, 202),
    "os-begin_detaching": (attachments.begin_detaching, policies.BEGIN_DETACHING, 202),
    "os-roll_detaching": (attachments.roll_detaching, policies.ROLL_DETACHING, 202),
    "os-unmanage": (unmanaged.unmanage, policies.UNMANAGE, 202),
}
"""What is done, by whose right, and the status of the answer."""
OLDER = {"os-extend": (Microversion.parse("3.42"), actions.extend_free)}
"""What an action did until a version."""
SNAPSHOT_ACTIONS: Mapping[str, Action] = {
    "os-update_snapshot_status": (actions.move_snapshot, policies.UPDATE_SNAPSHOT_STATUS, 202),
    "os-reset_status": (actions.reset_snapshot, policies.RESET_SNAPSHOT, 202),
    "os-force_delete": (actions.force_delete_snapshot, policies.FORCE_DELETE_SNAPSHOT, 202),
}


class ActionView(VolumeView):
    """Runs the action that the only key of the body names."""

    actions: ClassVar[Mapping[str, Action]]
    shapes: ClassVar[Mapping[str, Mapping[str, Key]]]
    actions_since: ClassVar[Since] = ALWAYS

    def run(self, row: Any) -> Response:
        body = self.read_body()
        name = next(iter(body), "") if isinstance(body, dict) and len(body) == 1 else ""
        if name not in self.actions:
            raise BadRequest(f"Send one of {', '.join(self.actions)}.")
        newer = first_newer([name], self.actions_since, self.version)
        if newer is not None:
            raise NotFound(why_newer(newer, self.actions_since, self.version))
        act, rule, status = self.actions[name]
        until, older = OLDER.get(name, (VERSIONS.oldest, None))
        if older is not None and self.version < until:
            act = older
        permit_on(self.caller, rule, row.project_id)
        shape = self.shapes[name]
        values: Values = {}
        if shape or body[name] not in (None, {}):
            keys = of_shape(shape, since=KEYS_SINCE.get(name, ALWAYS))
            values = self.read(name, keys).values
        return Response(act(self.caller, row, values), status=status)


class VolumeAction(ActionView):
    actions = ACTIONS
    shapes = SHAPES
    actions_since = SINCE

    def post(self, request: Request, volume_id: str) -> Response:
        return self.run(find_volume(self, volume_id))


class SnapshotAction(ActionView):
    actions = SNAPSHOT_ACTIONS
    shapes = SNAPSHOT_SHAPES

    def post(self, request: Request, snapshot_id: str) -> Response:
        self.caller.permit(policies.SHOW_SNAPSHOT)
        visible = Snapshot.objects.visible_to(self.caller)
        return self.run(self.find(visible, snapshot_id, "snapshot"))
