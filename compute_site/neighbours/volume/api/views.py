"""The volume API v3 of volumes, snapshots and types."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.utils.cache import patch_vary_headers
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import BadRequest, Fault, NotFound
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.ownership import may_on
from compute_site.neighbours.quotas import UNLIMITED
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.api.queries import (
    ListView,
    an_id,
    items,
    number,
    same,
    small,
    yes_or_no,
)
from compute_site.neighbours.volume.api.representation import (
    links,
    show_changed_volume,
    show_plain_snapshot,
    show_snapshot,
    show_volume,
)
from compute_site.neighbours.volume.api.serializers import (
    SnapshotCreate,
    SnapshotUpdate,
    VolumeCreate,
    VolumeUpdate,
)
from compute_site.neighbours.volume.api.version import (
    ONLY_VERSION,
    SERVICE,
    VERSION_HEADER,
    check_version,
)
from compute_site.neighbours.volume.local import changes
from compute_site.neighbours.volume.local.limits import QUOTAS
from compute_site.neighbours.volume.models import Snapshot, Volume
from compute_site.values.words import PLAIN_TRUE

RULES_OF_KEYS = {
    "os-vol-tenant-attr:tenant_id": policies.SHOW_PROJECT,
    "volume_image_metadata": policies.SHOW_IMAGE,
}


class VolumeView(ListView):
    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        check_version(request.headers.get(VERSION_HEADER, ""))

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        response[VERSION_HEADER] = f"{SERVICE} {ONLY_VERSION}"
        patch_vary_headers(response, [VERSION_HEADER])
        return response

    def show_error(self, fault: Fault) -> dict[str, Any]:
        """The same format as in the compute API."""
        return fault.envelope()

    def listed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the caller's project; of all if an admin asks for ``all_tenants``."""
        asked = self.request.GET.get("all_tenants", "").lower() in PLAIN_TRUE
        if self.caller.is_admin and asked:
            return rows
        return rows.filter(project=self.caller.project_id)

    def show_whole(self, volume: Volume) -> dict[str, Any]:
        """The volume with all keys that the caller may see."""
        shown = show_volume(volume, self.root)
        for key, rule in RULES_OF_KEYS.items():
            if not may_on(self.caller, rule, volume.project_id):
                shown.pop(key, None)
        return shown

    def show_whole_snapshot(self, snapshot: Snapshot) -> dict[str, Any]:
        """The snapshot with all keys that the caller may see."""
        seen = may_on(self.caller, policies.SHOW_SNAPSHOT_PROJECT, snapshot.project_id)
        return show_snapshot(snapshot) if seen else show_plain_snapshot(snapshot)

    def answer_page(self, key: str, rows: list[Any], shown: list[dict[str, Any]]) -> Response:
        body: dict[str, Any] = {key: shown}
        if self.more and rows:
            url = self.next_url(self.request.build_absolute_uri(self.request.path), rows[-1])
            body[f"{key}_links"] = [{"rel": "next", "href": url}]
        return Response(body)


class VolumesDetail(VolumeView):
    """``GET /volume/v3/volumes/detail``"""

    reads: ClassVar = {
        "id": an_id(),
        "name": same("name"),
        "display_name": same("name"),
        "status": same("status"),
        "bootable": small("bootable"),
        "availability_zone": same("availability_zone"),
        "multiattach": yes_or_no("multiattach", "multiattach"),
        "size": number("size"),
        "metadata": items("metadata", "metadata"),
        "volume_type": lambda word: (
            Q(volume_type__name=word) | Q(volume_type__in=canonical_ids([word]))
        ),
        "volume_type_id": an_id("volume_type"),
        "user_id": same("user_id"),
        "project_id": same("project"),
        "snapshot_id": an_id("snapshot_id"),
        "source_volid": an_id("source_volid"),
        "migration_status": same("migration_status"),
    }
    sorts: ClassVar = {
        **{
            key: key
            for key in (
                *("name", "status", "size", "availability_zone", "bootable", "created_at"),
                *("user_id", "project_id"),
            )
        },
        "id": "pk",
        "display_name": "name",
    }

    def get(self, request: Request) -> Response:
        self.caller.permit(policies.LIST)
        volumes = self.cut(self.chosen(self.listed(volumes_of(self))))
        return self.answer_page("volumes", volumes, [self.show(volume) for volume in volumes])

    def show(self, volume: Volume) -> dict[str, Any]:
        return self.show_whole(volume)


class Volumes(VolumesDetail):
    """``GET /volume/v3/volumes``: ids, names and links; ``POST`` makes one."""

    bodies: ClassVar = {"post": ("volume", VolumeCreate)}

    def post(self, request: Request) -> Response:
        volume = changes.create_volume(self.caller, self.read("volume", VolumeCreate).values)
        return Response({"volume": show_changed_volume(volume, self.root)}, status=202)

    def show(self, volume: Volume) -> dict[str, Any]:
        row_id = str(volume.pk)
        return {
            "id": row_id,
            "name": volume.name,
            "links": links(self.root, volume.project_id, "volumes", row_id),
        }


class VolumeDetail(VolumeView):
    """``GET``, ``PUT`` and ``DELETE /volume/v3/volumes/{volume_id}``"""

    bodies: ClassVar = {"put": ("volume", VolumeUpdate)}

    def get(self, request: Request, volume_id: str) -> Response:
        return Response({"volume": self.show_whole(find_volume(self, volume_id))})

    def put(self, request: Request, volume_id: str) -> Response:
        volume = find_volume(self, volume_id)
        asked = self.read("volume", VolumeUpdate)
        changes.change(self.caller, volume, asked.values, asked.given)
        return Response({"volume": show_changed_volume(volume, self.root)})

    def delete(self, request: Request, volume_id: str) -> Response:
        changes.delete_volume(self.caller, find_volume(self, volume_id))
        return Response(status=202)


def find_volume(view: VolumeView, volume_id: str) -> Volume:
    """The volume, which the caller may see, ready to be shown."""
    view.caller.permit(policies.SHOW)
    return view.find(volumes_of(view), volume_id, "volume")


def volumes_of(view: VolumeView) -> QuerySet[Volume]:
    visible = Volume.objects.visible_to(view.caller)
    return visible.select_related("volume_type").prefetch_related("attachments")


class SnapshotsDetail(VolumeView):
    """``GET /volume/v3/snapshots/detail``"""

    reads: ClassVar = {
        "id": an_id(),
        "name": same("name"),
        "display_name": same("name"),
        "status": same("status"),
        "volume_id": an_id("volume"),
        "metadata": items("metadata", "metadata"),
        "project_id": same("project"),
    }
    sorts: ClassVar = {
        **{key: key for key in ("name", "status", "volume_id", "created_at", "project_id")},
        "id": "pk",
        "display_name": "name",
    }

    def get(self, request: Request) -> Response:
        self.caller.permit(policies.LIST_SNAPSHOTS)
        rows = self.listed(Snapshot.objects.visible_to(self.caller))
        snapshots = self.cut(self.chosen(rows))
        return self.answer_page("snapshots", snapshots, [self.show(row) for row in snapshots])

    def show(self, snapshot: Snapshot) -> dict[str, Any]:
        return self.show_whole_snapshot(snapshot)


class Snapshots(SnapshotsDetail):
    """``GET /volume/v3/snapshots``; ``POST`` makes one."""

    bodies: ClassVar = {"post": ("snapshot", SnapshotCreate)}

    def post(self, request: Request) -> Response:
        asked = self.read("snapshot", SnapshotCreate)
        snapshot = changes.create_snapshot(self.caller, asked.values)
        return Response({"snapshot": self.show(snapshot)}, status=202)

    def show(self, snapshot: Snapshot) -> dict[str, Any]:
        return show_plain_snapshot(snapshot)


class SnapshotDetail(VolumeView):
    """``GET``, ``PUT`` and ``DELETE /volume/v3/snapshots/{snapshot_id}``"""

    bodies: ClassVar = {"put": ("snapshot", SnapshotUpdate)}

    def get(self, request: Request, snapshot_id: str) -> Response:
        return Response({"snapshot": self.show_whole_snapshot(self.find_snapshot(snapshot_id))})

    def put(self, request: Request, snapshot_id: str) -> Response:
        snapshot = self.find_snapshot(snapshot_id)
        asked = self.read("snapshot", SnapshotUpdate)
        if not asked.given:
            raise BadRequest("Give a name or a description.", field="snapshot")
        changes.change(self.caller, snapshot, asked.values, asked.given)
        return Response({"snapshot": show_plain_snapshot(snapshot)})

    def delete(self, request: Request, snapshot_id: str) -> Response:
        changes.delete_snapshot(self.caller, self.find_snapshot(snapshot_id))
        return Response(status=202)

    def find_snapshot(self, snapshot_id: str) -> Snapshot:
        self.caller.permit(policies.SHOW_SNAPSHOT)
        return self.find(Snapshot.objects.visible_to(self.caller), snapshot_id, "snapshot")


class Limits(VolumeView):
    """``GET /volume/v3/limits``: the limits and the usage of the project."""

    def get(self, request: Request) -> Response:
        self.caller.permit(policies.SHOW_USED_LIMITS)
        limits = QUOTAS.limits_of(self.caller.project_id)
        used = QUOTAS.used_by(self.caller.project_id)
        absolute = {
            "maxTotalVolumes": limits["volumes"],
            "maxTotalVolumeGigabytes": limits["gigabytes"],
            "maxTotalSnapshots": limits["snapshots"],
            "maxTotalBackups": UNLIMITED,
            "maxTotalBackupGigabytes": UNLIMITED,
            "totalVolumesUsed": used["volumes"],
            "totalGigabytesUsed": used["gigabytes"],
            "totalSnapshotsUsed": used["snapshots"],
            "totalBackupsUsed": 0,
            "totalBackupGigabytesUsed": 0,
        }
        return Response({"limits": {"rate": [], "absolute": absolute}})


class Versions(VolumeView):
    """``GET /volume/``: multiple choices; ``/volume/v3/``: the one."""

    open = True
    status: ClassVar[int] = 300

    def get(self, request: Request) -> Response:
        version = {
            "id": "v3.0",
            "status": "CURRENT",
            "version": ONLY_VERSION,
            "min_version": ONLY_VERSION,
            "updated": "2026-01-01T00:00:00Z",
            "links": [{"rel": "self", "href": f"{self.root}/volume/v3/"}],
            "media-types": [
                {
                    "base": "application/json",
                    "type": "application/vnd.openstack.volume+json;version=3",
                }
            ],
        }
        return Response({"versions": [version]}, status=self.status)


class UnknownVolumeUrl(VolumeView):
    """Every other path below ``/volume``."""

    def get(self, request: Request, **_: Any) -> Response:
        raise NotFound(f"There is nothing at {request.path}.")
