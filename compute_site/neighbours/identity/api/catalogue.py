"""Regions, services and endpoints: what the catalogue of tokens is made of."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.identity import services
from compute_site.identity.errors import MalformedRequest
from compute_site.identity.models import Endpoint, Region, Service
from compute_site.neighbours.identity import policies
from compute_site.neighbours.identity.api.filters import Listed
from compute_site.neighbours.identity.api.records import Kind, RecordDetail, RecordList
from compute_site.neighbours.identity.api.representation import (
    show_endpoint,
    show_region,
    show_service,
)
from compute_site.neighbours.identity.api.serializers import (
    EndpointBody,
    RegionBody,
    ServiceBody,
)

REGION = Kind(
    noun="region",
    plural="regions",
    rows=Region.objects.all,
    rules=policies.REGIONS,
    body=RegionBody,
    listed=Listed({"parent_region_id": "parent"}, compared=frozenset()),
    order="id",
    show=show_region,
    make=services.make_region,
    change=services.change_region,
    remove=services.remove_region,
)
SERVICE = Kind(
    noun="service",
    plural="services",
    rows=Service.objects.all,
    rules=policies.SERVICES,
    body=ServiceBody,
    listed=Listed({"name": "name", "type": "type"}),
    order="place",
    show=show_service,
    make=services.make_service,
    change=services.change_service,
    remove=services.remove_service,
)
ENDPOINT = Kind(
    noun="endpoint",
    plural="endpoints",
    rows=Endpoint.objects.all,
    rules=policies.ENDPOINTS,
    body=EndpointBody,
    listed=Listed(
        {"service_id": "service", "interface": "interface", "region_id": "region"},
        compared=frozenset(),
    ),
    order="place",
    show=show_endpoint,
    make=services.make_endpoint,
    change=services.change_endpoint,
    remove=services.remove_endpoint,
)


class RegionList(RecordList):
    """``/identity/v3/regions``"""

    of = REGION


class RegionDetail(RecordDetail):
    """``/identity/v3/regions/{id}``; ``PUT`` makes one of this id."""

    of = REGION

    def put(self, request: Request, **named: str) -> Response:
        (key,) = named.values()
        caller = self.permit(policies.REGIONS["create"])
        members = self.of.body.read_body(self.read_body())
        if members.get("id") not in (None, key):
            raise MalformedRequest("region.id: this is not the id of the URL.")
        region = services.make_region({**members, "id": key}, by=caller.user_id)
        return Response({"region": self.show(region)}, status=201)


class ServiceList(RecordList):
    """``/identity/v3/services``"""

    of = SERVICE


class ServiceDetail(RecordDetail):
    """``/identity/v3/services/{id}``"""

    of = SERVICE


class EndpointList(RecordList):
    """``/identity/v3/endpoints``"""

    of = ENDPOINT


class EndpointDetail(RecordDetail):
    """``/identity/v3/endpoints/{id}``"""

    of = ENDPOINT
