"""``/os-availability-zone``."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.queries import NoQuery
from compute_site.api.view import ComputeRequest, ComputeView
from servers.hosts.zones import list_zones, list_zones_with_services
from servers.policies import zone as rules
from servers.serializers.zone import ZoneAnswer, ZoneDetailAnswer


class Zones(ComputeView):
    """The zones that servers can be asked for."""

    contracts = {
        "GET": Contract(
            summary="List availability zones",
            query=NoQuery,
            answer={"availabilityZoneInfo": [ZoneAnswer]},
        ),
    }

    def get(self, request: ComputeRequest) -> Response:
        self.read_query(NoQuery)
        request.caller.permit(rules.LIST)
        return self.answer({"availabilityZoneInfo": self.show_all(ZoneAnswer, list_zones())})


class ZonesDetail(ComputeView):
    """All zones with their hosts and services."""

    contracts = {
        "GET": Contract(
            summary="List availability zones with their hosts",
            query=NoQuery,
            answer={"availabilityZoneInfo": [ZoneDetailAnswer]},
        ),
    }

    def get(self, request: ComputeRequest) -> Response:
        self.read_query(NoQuery)
        request.caller.permit(rules.DETAIL)
        zones = list_zones_with_services()
        return self.answer({"availabilityZoneInfo": self.show_all(ZoneDetailAnswer, zones)})
