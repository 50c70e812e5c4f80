"""``POST /volume/v3/volumes/{id}/action``: the actions that only change the row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import BadRequest
from compute_site.keys import IGNORED, Key, flag, one_of, positive
from compute_site.neighbours.ownership import permit_on
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.api.views import VolumeView, find_volume
from compute_site.neighbours.volume.local.changes import VolumeBusy
from compute_site.neighbours.volume.local.limits import check_growth
from compute_site.neighbours.volume.models import Volume

STATUSES = (
    *("creating", "available", "deleting", "error", "error_deleting", "attaching", "detaching"),
    *("in-use", "maintenance", "reserved"),
)
MIGRATION_STATUSES = ("migrating", "error", "success", "completing", "none", "starting")
SHAPES: Mapping[str, Mapping[str, Key]] = {
    "os-set_bootable": {"bootable": Key(flag, required=True)},
    "os-extend": {"new_size": Key(positive, required=True)},
    "os-reset_status": {
        "status": Key(one_of(*STATUSES)),
        "migration_status": Key(one_of(*MIGRATION_STATUSES)),
        "attach_status": IGNORED,
    },
}


def set_bootable(volume: Volume, values: Mapping[str, Any]) -> None:
    volume.bootable = str(values["bootable"]).lower()
    volume.save(update_fields=["bootable"])


@transaction.atomic
def extend(volume: Volume, values: Mapping[str, Any]) -> None:
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


def reset_status(volume: Volume, values: Mapping[str, Any]) -> None:
    """Set the status without checks, for admins; the attachments stay as they are."""
    columns = {key: values[key] for key in ("status", "migration_status") if values[key]}
    if columns.get("migration_status") == "none":
        columns["migration_status"] = ""
    if not columns:
        raise BadRequest("Give a status, a migration_status, or both.")
    Volume.objects.filter(pk=volume.pk).update(**columns)


ACTIONS: Mapping[str, tuple[Callable[[Volume, Mapping[str, Any]], None], str, int]] = {
    "os-set_bootable": (set_bootable, policies.UPDATE, 200),
    "os-extend": (extend, policies.EXTEND, 202),
    "os-reset_status": (reset_status, policies.RESET_STATUS, 202),
}
"""What is done, by whose right, and the status of the answer."""


class VolumeAction(VolumeView):
    """Runs the action that the only key of the body names."""

    def post(self, request: Request, volume_id: str) -> Response:
        volume = find_volume(self, volume_id)
        body = self.read_body()
        name = next(iter(body), "") if isinstance(body, dict) else ""
        if name not in ACTIONS:
            raise BadRequest(f"Send one of {', '.join(ACTIONS)}.")
        act, rule, status = ACTIONS[name]
        permit_on(self.caller, rule, volume.project_id)
        act(volume, self.read(name, SHAPES[name]).values)
        return Response(status=status)
