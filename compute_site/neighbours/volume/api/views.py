"""The volume API v3 of volumes, snapshots and types."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Count, Q, QuerySet, Sum
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.api.microversions.header import HEADER
from compute_site.api.microversions.version import Microversion
from compute_site.faults import BadRequest, Fault, NotFound
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.ownership import OwnedQuerySet, may_on, permit_on
from compute_site.neighbours.serializers import Asked, BodySerializer
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.api.queries import (
    CONTROLS,
    ListView,
    Read,
    an_id,
    everything_or_nothing,
    items,
    like,
    number,
    read_flag,
    same,
    small,
    time,
    yes_or_no,
)
from compute_site.neighbours.volume.api.representation import (
    KEYS_SINCE,
    SNAPSHOT_KEYS_SINCE,
    links,
    show_changed_volume,
    show_plain_snapshot,
    show_snapshot,
    show_snapshot_without_project,
    show_volume,
)
from compute_site.neighbours.volume.api.serializers import (
    SnapshotCreate,
    SnapshotUpdate,
    VolumeCreate,
    VolumeUpdate,
)
from compute_site.neighbours.volume.api.version import (
    ALWAYS,
    VERSIONS,
    Since,
    first_newer,
    known_at,
    starting,
    why_newer,
)
from compute_site.neighbours.volume.local import changes, copies
from compute_site.neighbours.volume.local.limits import QUOTAS
from compute_site.neighbours.volume.models import Snapshot, Volume
from compute_site.values.words import PLAIN_TRUE

RULES_OF_KEYS = {
    **dict.fromkeys(("os-vol-host-attr:host", "provider_id", "cluster_name"), policies.SHOW_HOST),
    **dict.fromkeys(
        (
            *("os-vol-mig-status-attr:migstat", "os-vol-mig-status-attr:name_id"),
            "migration_status",
        ),
        policies.SHOW_MIGRATION,
    ),
    "os-vol-tenant-attr:tenant_id": policies.SHOW_PROJECT,
    "volume_image_metadata": policies.SHOW_IMAGE,
}


BEGUN: dict[str, Any] = {"status": copies.CREATING}
"""What the answer to a create says, as in Cinder: clients look again before they go on, and see
keys that it has not.
"""


class VolumeView(ListView):
    """A view of the volume API. ``first`` is the microversion that has its URL first."""

    first: ClassVar[str] = str(VERSIONS.oldest)
    version_header = f"{VERSIONS.service} {VERSIONS.newest}"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.version = VERSIONS.choose(request.headers.get(HEADER, ""))
        self.check_since(self.first)

    def check_since(self, first: str) -> None:
        """Raises: NotFound: the asked microversion does not have this URL or method yet."""
        if self.version < Microversion.parse(first):
            raise NotFound(f"This needs microversion {first} or later; asked for {self.version}.")

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        VERSIONS.tell(response, self.version)
        return response

    def show_error(self, fault: Fault) -> dict[str, Any]:
        """The same format as in the compute API."""
        return fault.envelope()

    def read_object(
        self, body: Any, noun: str, serializer: type[BodySerializer], *, where: str = ""
    ) -> Asked:
        """Raises ``BadRequest`` also for keys that the asked microversion does not have yet."""
        asked = super().read_object(body, noun, serializer, where=where)
        table: Since = getattr(serializer, "since", ALWAYS)
        newer = first_newer(asked.given, table, self.version)
        if newer is not None:
            raise BadRequest(why_newer(newer, table, self.version), field=f"{noun}.{newer}")
        return asked

    def read_itself(self, serializer: type[BodySerializer]) -> Asked:
        """The body, which is the object itself, under no key.

        Raises:
            BadRequest: it is not as the serializer has it.
        """
        keys = " and ".join(serializer.shape) or "names and their texts"
        return self.read_whole(serializer, keys, where="The body: ")

    def listed(self, rows: OwnedQuerySet[Any]) -> OwnedQuerySet[Any]:
        """The rows of the caller's project; of all if an admin asks for ``all_tenants``."""
        asked = self.request.GET.get("all_tenants", "").lower() in PLAIN_TRUE
        if self.caller.is_admin and asked:
            return rows
        return rows.of_project(self.caller.project_id)

    def show_whole(self, volume: Volume) -> dict[str, Any]:
        """The volume with all keys of the microversion that the caller may see."""
        return self.cut_volume(volume, show_volume(volume, self.root))

    def show_changed(self, volume: Volume) -> dict[str, Any]:
        """The same for the answer to a create or update."""
        return self.cut_volume(volume, show_changed_volume(volume, self.root))

    def cut_volume(self, volume: Volume, shown: dict[str, Any]) -> dict[str, Any]:
        shown = known_at(shown, KEYS_SINCE, self.version)
        for key, rule in RULES_OF_KEYS.items():
            if key in shown and not may_on(self.caller, rule, volume.project_id):
                del shown[key]
        return shown

    def show_whole_snapshot(self, snapshot: Snapshot) -> dict[str, Any]:
        """The snapshot with all keys that the caller may see."""
        seen = may_on(self.caller, policies.SHOW_SNAPSHOT_PROJECT, snapshot.project_id)
        shown = show_snapshot(snapshot) if seen else show_snapshot_without_project(snapshot)
        return known_at(shown, SNAPSHOT_KEYS_SINCE, self.version)

    def show_made(self, snapshot: Snapshot) -> dict[str, Any]:
        """The same for the answer to a create or update."""
        shown = show_snapshot_without_project(snapshot)
        return known_at(shown, SNAPSHOT_KEYS_SINCE, self.version)

    def answer_page(self, key: str, rows: list[Any], shown: list[dict[str, Any]]) -> Response:
        body: dict[str, Any] = {key: shown}
        if rows and len(rows) == self.limit:  # as in Cinder, also where none follows
            url = self.next_url(self.request.build_absolute_uri(self.request.path), rows[-1])
            body[f"{key}_links"] = [{"rel": "next", "href": url}]
        if self.count is not None:
            body["count"] = self.count
        return Response(body)


STRICT_BOOTABLE = Microversion.parse("3.2")
SUMMARY_OF_METADATA = Microversion.parse("3.36")
DISKS_OF_IMAGES = Microversion.parse("3.46")
SNAPSHOTS_OF_USED = Microversion.parse("3.66")
CHANGES_SOMETHING = Microversion.parse("3.53")


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
        "glance_metadata": items("image_metadata", "glance_metadata"),
        "group_id": an_id("group"),
        "name~": like("name"),
        "display_name~": like("name"),
        "created_at": time("created_at"),
        "updated_at": time("updated_at"),
        "consumes_quota": everything_or_nothing("consumes_quota"),
    }
    since: ClassVar = starting(
        v3_4=["glance_metadata"],
        v3_10=["group_id"],
        v3_34=["name~", "display_name~"],
        v3_45=["with_count"],
        v3_60=["created_at", "updated_at"],
        v3_65=["consumes_quota"],
    )
    controls: ClassVar = CONTROLS
    sorts: ClassVar = {
        **{
            key: key
            for key in (
                *("name", "status", "size", "availability_zone", "bootable", "created_at"),
                *("user_id", "project_id", "updated_at", "migration_status", "multiattach"),
                *("snapshot_id", "source_volid", "volume_type_id", "group_id"),
            )
        },
        "id": "pk",
        "display_name": "name",
    }

    def get(self, request: Request) -> Response:
        self.caller.permit(policies.LIST)
        volumes = self.cut(self.chosen(self.listed(volumes_of(self))))
        return self.answer_page("volumes", volumes, [self.show(volume) for volume in volumes])

    def read_at_version(self, name: str, read: Read) -> Read:
        """What is neither true nor false was true until 3.1."""
        if name == "bootable" and self.version >= STRICT_BOOTABLE:
            return lambda word: read(str(read_flag(word, name)))
        return read

    def show(self, volume: Volume) -> dict[str, Any]:
        return self.show_whole(volume)


class Volumes(VolumesDetail):
    """``GET /volume/v3/volumes``: ids, names and links; ``POST`` makes one."""

    bodies: ClassVar = {"post": ("volume", VolumeCreate)}

    def post(self, request: Request) -> Response:
        volume = changes.create_volume(
            self.caller,
            self.read("volume", VolumeCreate).values,
            by_disks_of_image=self.version >= DISKS_OF_IMAGES,
        )
        return Response({"volume": self.show_changed(volume) | BEGUN}, status=202)

    def show(self, volume: Volume) -> dict[str, Any]:
        row_id = str(volume.pk)
        return {
            "id": row_id,
            "name": volume.name,
            "links": links(self.root, volume.project_id, "volumes", row_id),
        }


class VolumeDetail(VolumeView):
    """``GET``, ``PUT`` and ``DELETE /volume/v3/volumes/{volume_id}``"""

    since: ClassVar = starting(v3_23=["force"])

    bodies: ClassVar = {"put": ("volume", VolumeUpdate)}

    def get(self, request: Request, volume_id: str) -> Response:
        return Response({"volume": self.show_whole(find_volume(self, volume_id))})

    def put(self, request: Request, volume_id: str) -> Response:
        volume = find_volume(self, volume_id)
        asked = self.read("volume", VolumeUpdate)
        if not asked.given and self.version >= CHANGES_SOMETHING:
            raise BadRequest("Give a name, a description or metadata.", field="volume")
        changes.change(self.caller, volume, asked.values, asked.given)
        return Response({"volume": self.show_changed(volume)})

    def delete(self, request: Request, volume_id: str) -> Response:
        self.check_query("cascade", "force", since=self.since)
        cascade, force = (
            read_flag(request.GET.get(name, "false"), name) for name in ("cascade", "force")
        )
        volume = find_volume(self, volume_id)
        if force:
            changes.force_delete_volume(self.caller, volume, cascade=cascade)
        else:
            changes.delete_volume(self.caller, volume, cascade=cascade)
        return Response(status=202)


class VolumesSummary(VolumesDetail):
    """``GET /volume/v3/volumes/summary``: how many there are, of what size, with what metadata"""

    first = "3.12"
    since: ClassVar = {
        key: first for key, first in VolumesDetail.since.items() if key != "with_count"
    }
    controls: ClassVar = frozenset(("all_tenants",))

    def get(self, request: Request) -> Response:
        self.caller.permit(policies.LIST)
        rows = self.chosen(self.listed(Volume.objects.visible_to(self.caller)))
        total = rows.aggregate(size=Sum("size"), count=Count("pk"))
        summary = {"total_size": total["size"] or 0, "total_count": total["count"]}
        if self.version >= SUMMARY_OF_METADATA:
            summary["metadata"] = metadata_of(rows)
        return Response({"volume-summary": summary})


def metadata_of(volumes: QuerySet[Volume]) -> dict[str, list[str]]:
    """All values of each key, each once."""
    found: dict[str, dict[str, None]] = {}
    for kept in volumes.exclude(metadata={}).values_list("metadata", flat=True):
        for key, text in kept.items():
            found.setdefault(key, {})[text] = None
    return {key: list(texts) for key, texts in found.items()}


def find_volume(view: VolumeView, volume_id: str) -> Volume:
    """The volume, which the caller may see, ready to be shown."""
    view.caller.permit(policies.SHOW)
    return view.find(volumes_of(view), volume_id, "volume")


def volumes_of(view: VolumeView) -> OwnedQuerySet[Volume]:
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
        "group_snapshot_id": an_id("group_snapshot"),
        "metadata": items("metadata", "metadata"),
        "project_id": same("project"),
        "availability_zone": same("volume__availability_zone"),
        "name~": like("name"),
        "display_name~": like("name"),
        "consumes_quota": everything_or_nothing("consumes_quota"),
    }
    since: ClassVar = starting(
        v3_14=["group_snapshot_id"],
        v3_22=["metadata"],
        v3_34=["name~", "display_name~"],
        v3_45=["with_count"],
        v3_65=["consumes_quota"],
    )
    controls: ClassVar = CONTROLS
    sorts_since: ClassVar = starting(v3_30=["name"])
    sorts: ClassVar = {
        **{
            key: key
            for key in (
                *("name", "status", "volume_id", "created_at", "updated_at", "project_id"),
                *("user_id", "group_snapshot_id", "progress"),
            )
        },
        "volume_type_id": "volume__volume_type_id",
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
        if "volume_id" not in asked.given:  # null names a volume that is not there
            raise BadRequest("key volume_id: is required", field="snapshot")
        values = dict(asked.values)
        if self.version >= SNAPSHOTS_OF_USED:
            if values["force"] is False:
                raise BadRequest(
                    f"From microversion {SNAPSHOTS_OF_USED} on, volumes in use need no force.",
                    field="snapshot.force",
                )
            values["force"] = True
        snapshot = changes.create_snapshot(self.caller, values)
        return Response({"snapshot": self.show_made(snapshot) | BEGUN}, status=202)

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
        return Response({"snapshot": self.show_made(snapshot)})

    def delete(self, request: Request, snapshot_id: str) -> Response:
        changes.delete_snapshot(self.caller, self.find_snapshot(snapshot_id))
        return Response(status=202)

    def find_snapshot(self, snapshot_id: str) -> Snapshot:
        self.caller.permit(policies.SHOW_SNAPSHOT)
        return self.find(Snapshot.objects.visible_to(self.caller), snapshot_id, "snapshot")


class Limits(VolumeView):
    """``GET /volume/v3/limits``: the limits and the usage of the project, or of another one."""

    since: ClassVar = starting(v3_39=["project_id", "tenant_id"])

    def get(self, request: Request) -> Response:
        self.check_query(*self.since, since=self.since)
        owner = request.GET.get("project_id") or request.GET.get("tenant_id")
        owner = owner or self.caller.project_id
        permit_on(self.caller, policies.SHOW_USED_LIMITS, owner)
        limits = QUOTAS.limits_of(owner)
        used = QUOTAS.used_by(owner)
        absolute = {
            "maxTotalVolumes": limits["volumes"],
            "maxTotalVolumeGigabytes": limits["gigabytes"],
            "maxTotalSnapshots": limits["snapshots"],
            "maxTotalBackups": limits["backups"],
            "maxTotalBackupGigabytes": limits["backup_gigabytes"],
            "totalVolumesUsed": used["volumes"],
            "totalGigabytesUsed": used["gigabytes"],
            "totalSnapshotsUsed": used["snapshots"],
            "totalBackupsUsed": used["backups"],
            "totalBackupGigabytesUsed": used["backup_gigabytes"],
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
            "version": str(VERSIONS.newest),
            "min_version": str(VERSIONS.oldest),
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
