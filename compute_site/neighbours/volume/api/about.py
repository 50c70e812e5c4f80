"""Lists of the volume API about the service itself: zones, processes, pools, extensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import Count, Sum
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import BadRequest, NotFound
from compute_site.neighbours.serializers import BodySerializer
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.api.representation import POOL_HOST, cinder_time
from compute_site.neighbours.volume.api.shapes import nothing
from compute_site.neighbours.volume.api.version import known_at, starting
from compute_site.neighbours.volume.api.views import VolumeView
from compute_site.neighbours.volume.local.backend import BACKEND
from compute_site.neighbours.volume.local.changes import find_type
from compute_site.neighbours.volume.models import Snapshot, Volume
from compute_site.values.keys import Key, filled_line, line

ZONE = "nova"
BACKEND_HOST = POOL_HOST.partition("#")[0]
BACKENDS = (BACKEND_HOST, POOL_HOST)
VOLUME_PROCESS = "cinder-volume"
PROCESSES = {
    "cinder-scheduler": POOL_HOST.partition("@")[0],
    VOLUME_PROCESS: BACKEND_HOST,
    "cinder-backup": POOL_HOST.partition("@")[0],
}
"""Where the processes are that the real service has."""


class Zones(VolumeView):
    """``GET /volume/v3/os-availability-zone``: those that volumes are in, and the usual one."""

    def get(self, request: Request) -> Response:
        self.check_query()
        found = Volume.objects.order_by().values_list("availability_zone", flat=True).distinct()
        names = sorted({ZONE, *found})
        shown = [{"zoneName": name, "zoneState": {"available": True}} for name in names]
        return Response({"availabilityZoneInfo": shown})


class Services(VolumeView):
    """``GET /volume/v3/os-services``: one, which is the database itself."""

    allowed: ClassVar = frozenset(("host", "binary"))

    def get(self, request: Request) -> Response:
        self.caller.permit(policies.LIST_SERVICES)
        self.check_query(*self.allowed)
        binary, host = request.GET.get("binary"), request.GET.get("host")
        shown = [
            known_at(self.show(name), SERVICE_KEYS_SINCE, self.version)
            for name, place in PROCESSES.items()
            if binary in (None, name) and host in (None, place, place.partition("@")[0])
        ]
        return Response({"services": shown})

    def show(self, binary: str) -> dict[str, Any]:
        shown = {
            "binary": binary,
            "host": PROCESSES[binary],
            "zone": ZONE,
            "status": "enabled",
            "state": "up",
            "updated_at": cinder_time(timezone.now()),
            "cluster": None,
            "disabled_reason": None,
        }
        return shown | (OF_VOLUMES if binary == VOLUME_PROCESS else {})


OF_VOLUMES = {
    "backend_state": "up",
    "replication_status": "disabled",
    "active_backend_id": None,
    "frozen": False,
}
"""What the process of volumes tells besides."""
SERVICE_KEYS_SINCE = starting(v3_7=["cluster"], v3_49=["backend_state"])


class ServiceAction(VolumeView):
    """``PUT /volume/v3/os-services/{action}``: the processes cannot be disabled, frozen or told
    what to log; ``enable`` is done already.
    """

    def put(self, request: Request, action: str) -> Response:
        if action not in (*ENABLED, *REFUSED):
            raise NotFound("There is nothing at this URL.")
        self.caller.permit(policies.UPDATE_SERVICES)
        if action in FREEZING:
            host = self.read_itself(BackendNamed).values["host"]
            if host not in BACKENDS:
                raise BadRequest(f"There is no store at {host}.", field="host")
        if action in REFUSED:
            raise BadRequest(f"The volume service knows no {action}.")
        asked = self.read_itself(ProcessNamed).values
        binary = asked["binary"] or asked["service"] or ""
        if PROCESSES.get(binary) != asked["host"]:
            raise NotFound(f"There is no process {binary} at {asked['host']}.")
        if action != "enable":
            raise BadRequest("The processes of the volume service cannot be disabled.")
        shown = {"host": asked["host"], "service": binary, "binary": binary, "status": "enabled"}
        return Response(shown)


ENABLED = ("enable", "disable", "disable-log-reason")
FREEZING = ("freeze", "thaw")
REFUSED = (*FREEZING, "failover_host", "failover", "set-log", "get-log")


class ProcessNamed(BodySerializer):
    shape: ClassVar = {
        "host": Key(filled_line, required=True),
        "binary": Key(line),
        "service": Key(line),
        "disabled_reason": Key(filled_line, never_null=True),
    }


class BackendNamed(BodySerializer):
    shape: ClassVar = {"host": Key(filled_line, required=True), "cluster": nothing("cluster")}


class Hosts(VolumeView):
    """``GET /volume/v3/os-hosts``"""

    allowed: ClassVar = frozenset(("zone", "service"))

    def get(self, request: Request) -> Response:
        self.caller.permit(policies.HOSTS)
        self.check_query(*self.allowed)
        shown = [
            {
                "host_name": host,
                "service": binary,
                "zone": ZONE,
                "service-status": "available",
                "service-state": "enabled",
                "last-update": cinder_time(timezone.now()),
            }
            for binary, host in PROCESSES.items()
        ]
        asked = request.GET
        return Response(
            {
                "hosts": [
                    host
                    for host in shown
                    if all(asked.get(key, host[key]) == host[key] for key in self.allowed)
                ]
            }
        )


class HostDetail(VolumeView):
    """``GET /volume/v3/os-hosts/{host}``: what projects have there"""

    def get(self, request: Request, host: str) -> Response:
        self.caller.permit(policies.HOSTS)
        if host not in BACKENDS:
            raise NotFound(f"There is no host {host[:60]} of volumes.")
        used: dict[str, list[int]] = {}
        for place, model in ((0, Volume), (2, Snapshot)):
            rows: Any = model.objects.order_by().values_list("project")
            for owner, count, size in rows.annotate(count=Count("pk"), size=Sum("size")):
                used.setdefault(owner, [0, 0, 0, 0])[place : place + 2] = [count, size]
        total = [sum(numbers) for numbers in zip(*used.values(), strict=True)] or [0] * 4
        shown = [self.show(host, owner, numbers) for owner, numbers in sorted(used.items())]
        return Response({"host": [self.show(host, "(total)", total), *shown]})

    def show(self, host: str, owner: str, numbers: Sequence[int]) -> dict[str, Any]:
        keys = ("volume_count", "total_volume_gb", "snapshot_count", "total_snapshot_gb")
        texts = dict(zip(keys, map(str, numbers), strict=True))
        return {"resource": {"host": host, "project": owner, **texts}}


class Capabilities(VolumeView):
    """``GET /volume/v3/capabilities/{host}``"""

    def get(self, request: Request, host: str) -> Response:
        self.caller.permit(policies.CAPABILITIES)
        if host not in BACKENDS:
            raise NotFound(f"There is no host {host[:60]} of volumes.")
        return Response(
            {
                "namespace": f"OS::Storage::Capabilities::{host}",
                **BACKEND,
                "pool_name": None,
                "display_name": None,
                "description": None,
                "visibility": None,
                "replication_targets": [],
                "properties": {},
            }
        )


class Pools(VolumeView):
    """``GET /volume/v3/scheduler-stats/get_pools``: one; nothing limits it but quotas."""

    since: ClassVar = starting(v3_28=["name"], v3_35=["volume_type"])

    def get(self, request: Request) -> Response:
        self.caller.permit(policies.LIST_POOLS)
        self.check_query("detail", *self.since, since=self.since)
        if request.GET.get("name", POOL_HOST) != POOL_HOST:
            return Response({"pools": []})
        if "volume_type" in request.GET:
            find_type(self.caller, request.GET["volume_type"])  # every type is kept there
        pool: dict[str, Any] = {"name": POOL_HOST}
        if request.GET.get("detail", "").lower() == "true":
            used = sum(
                model.objects.aggregate(size=Sum("size"))["size"] or 0
                for model in (Volume, Snapshot)
            )
            pool["capabilities"] = {
                **BACKEND,
                "total_capacity_gb": "infinite",
                "free_capacity_gb": "infinite",
                "allocated_capacity_gb": used,
                "reserved_percentage": 0,
                "multiattach": True,
                "QoS_support": False,
            }
        return Response({"pools": [pool]})


EXTENSIONS = {
    "os-admin-actions": "AdminActions",
    "os-availability-zone": "AvailabilityZones",
    "backups": "Backups",
    "capabilities": "Capabilities",
    "os-extended-services": "ExtendedServices",
    "os-extended-snapshot-attributes": "ExtendedSnapshotAttributes",
    "os-hosts": "Hosts",
    "encryption": "VolumeTypeEncryption",
    "os-quota-sets": "Quotas",
    "os-volume-encryption-metadata": "VolumeEncryptionMetadata",
    "qos-specs": "Qos_specs_manage",
    "scheduler-stats": "Scheduler_stats",
    "os-services": "Services",
    "os-snapshot-actions": "SnapshotActions",
    "os-types-extra-specs": "TypesExtraSpecs",
    "os-types-manage": "TypesManage",
    "os-used-limits": "UsedLimits",
    "os-vol-host-attr": "VolumeHostAttribute",
    "os-vol-image-meta": "VolumeImageMetadata",
    "os-vol-mig-status-attr": "VolumeMigStatusAttribute",
    "os-vol-tenant-attr": "VolumeTenantAttribute",
    "os-volume-actions": "VolumeActions",
    "os-volume-manage": "VolumeManage",
    "os-volume-transfer": "VolumeTransfer",
    "os-volume-type-access": "VolumeTypeAccess",
    "os-volume-unmanage": "VolumeUnmanage",
}
"""Those of Cinder's that are here, with their names."""
SINCE_WHEN = "2026-11-29T00:00:00+00:00"


class Extensions(VolumeView):
    """``GET /volume/v3/extensions``: what there is beyond volumes, snapshots and types."""

    def get(self, request: Request) -> Response:
        self.check_query()
        shown = [
            {
                "alias": alias,
                "name": name,
                "description": "",
                "updated": SINCE_WHEN,
                "links": [],
            }
            for alias, name in EXTENSIONS.items()
        ]
        return Response({"extensions": shown})
