"""The quotas of the volume API: clients show them beside those of compute; nothing is limited."""

from __future__ import annotations

from typing import Any

from django.db.models import Sum
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.keys import IGNORED, Key, WrongValue, limit
from compute_site.neighbours.ownership import permit_on
from compute_site.neighbours.service_view import TRUE_WORDS
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.api.views import UNLIMITED, VolumeView
from compute_site.neighbours.volume.models import Snapshot, Volume

RESOURCES = (
    "volumes",
    "per_volume_gigabytes",
    "snapshots",
    "gigabytes",
    "backups",
    "backup_gigabytes",
    "groups",
)


def unlimited(value: Any) -> int:
    if limit(value) != UNLIMITED:
        raise WrongValue("give -1: nothing is limited here")
    return UNLIMITED


CHANGED = {name: Key(unlimited) for name in RESOURCES} | {
    "tenant_id": IGNORED,
    "force": IGNORED,
    "skip_validation": IGNORED,
}


class QuotaSetDefaults(VolumeView):
    """``GET /volume/v3/os-quota-sets/{project}/defaults``"""

    def get(self, request: Request, owner: str) -> Response:
        permit_on(self.caller, policies.SHOW_QUOTA, owner)
        limits = self.limits(owner)
        return Response({"quota_set": {"id": owner, **limits}})

    def limits(self, owner: str) -> dict[str, Any]:
        return dict.fromkeys(RESOURCES, UNLIMITED)


class QuotaSet(QuotaSetDefaults):
    """``/volume/v3/os-quota-sets/{project}``: ``GET`` shows, with ``usage`` also what is in use;
    ``PUT`` can ask for no limit only; ``DELETE`` has nothing to undo.
    """

    def put(self, request: Request, owner: str) -> Response:
        permit_on(self.caller, policies.UPDATE_QUOTA, owner)
        self.read("quota_set", CHANGED)
        return Response({"quota_set": self.limits(owner)})

    def delete(self, request: Request, owner: str) -> Response:
        permit_on(self.caller, policies.DELETE_QUOTA, owner)
        return Response(status=200)

    def limits(self, owner: str) -> dict[str, Any]:
        if self.request.GET.get("usage", "").lower() not in TRUE_WORDS:
            return super().limits(owner)
        used = usage_of(owner)
        return {
            name: {"limit": UNLIMITED, "in_use": used.get(name, 0), "reserved": 0}
            for name in RESOURCES
        }


def usage_of(project_id: str) -> dict[str, int]:
    volumes = Volume.objects.filter(project=project_id)
    snapshots = Snapshot.objects.filter(project=project_id)
    sizes = [rows.aggregate(size=Sum("size"))["size"] or 0 for rows in (volumes, snapshots)]
    return {
        "volumes": volumes.count(),
        "snapshots": snapshots.count(),
        "gigabytes": sum(sizes),
    }
