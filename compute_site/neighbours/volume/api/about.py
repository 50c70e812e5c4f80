"""Lists of the volume API about the service itself: zones, processes, pools, extensions."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Sum
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.api.representation import cinder_time
from compute_site.neighbours.volume.api.views import VolumeView
from compute_site.neighbours.volume.models import Snapshot, Volume

ZONE = "nova"
HOST = "local"
POOL = f"{HOST}@database#volumes"


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
        services = [
            {
                "binary": binary,
                "host": HOST,
                "zone": ZONE,
                "status": "enabled",
                "state": "up",
                "updated_at": cinder_time(timezone.now()),
            }
            for binary in ("cinder-scheduler", "cinder-volume")
        ]
        asked = request.GET
        return Response(
            {
                "services": [
                    service
                    for service in services
                    if all(asked.get(key, service[key]) == service[key] for key in self.allowed)
                ]
            }
        )


class Pools(VolumeView):
    """``GET /volume/v3/scheduler-stats/get_pools``: one; nothing limits it but quotas."""

    def get(self, request: Request) -> Response:
        self.caller.permit(policies.LIST_POOLS)
        self.check_query("detail")
        pool: dict[str, Any] = {"name": POOL}
        if request.GET.get("detail", "").lower() == "true":
            used = sum(
                model.objects.aggregate(size=Sum("size"))["size"] or 0
                for model in (Volume, Snapshot)
            )
            pool["capabilities"] = {
                "volume_backend_name": "database",
                "storage_protocol": "fake",
                "vendor_name": "compute-site",
                "driver_version": "1",
                "total_capacity_gb": "infinite",
                "free_capacity_gb": "infinite",
                "allocated_capacity_gb": used,
                "reserved_percentage": 0,
                "multiattach": True,
                "QoS_support": False,
            }
        return Response({"pools": [pool]})


class Extensions(VolumeView):
    """``GET /volume/v3/extensions``: none beyond what every client expects."""

    def get(self, request: Request) -> Response:
        self.check_query()
        return Response({"extensions": []})
