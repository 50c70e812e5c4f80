"""The quotas of the volume API: clients show them beside those of compute; nothing is limited."""

from __future__ import annotations

from typing import Any

from django.db.models import Sum
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import NotFound
from compute_site.services.facade import TRUE_WORDS
from compute_site.services.volume.models import Snapshot, Volume
from compute_site.services.volume.views import UNLIMITED, VolumeView

RESOURCES = (
    "volumes",
    "per_volume_gigabytes",
    "snapshots",
    "gigabytes",
    "backups",
    "backup_gigabytes",
    "groups",
)


class QuotaSetDefaults(VolumeView):
    """``GET /volume/v3/os-quota-sets/{project}/defaults``"""

    def get(self, request: Request, owner: str) -> Response:
        if owner != self.caller.project_id and not self.caller.is_admin:
            raise NotFound(f"There is no project {owner}.")
        limits = self.limits(owner)
        return Response({"quota_set": {"id": owner, **limits}})

    def limits(self, owner: str) -> dict[str, Any]:
        return dict.fromkeys(RESOURCES, UNLIMITED)


class QuotaSet(QuotaSetDefaults):
    """``GET /volume/v3/os-quota-sets/{project}``; with ``usage``, also what is in use."""

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
