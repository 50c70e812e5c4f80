"""``/os-services``."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api import demo
from compute_site.api.microversions.contract import Contract
from compute_site.api.view import ComputeRequest, ComputeView
from servers.hosts.services import (
    change_service,
    delete_service,
    find_changeable,
    find_service,
    list_services,
)
from servers.hosts.zones import zone_of_hosts
from servers.policies import service as rules
from servers.serializers.identifier import read_id
from servers.serializers.service import ServiceAnswer, ServiceListQuery, ServiceUpdate


class Services(ComputeView):
    """The services of the cloud."""

    contracts = {
        "GET": Contract(
            summary="List services", query=ServiceListQuery, answer={"services": [ServiceAnswer]}
        ),
    }

    def get(self, request: ComputeRequest) -> Response:
        wanted = self.read_query(ServiceListQuery)
        request.caller.permit(rules.LIST)
        services = list_services(wanted.host, wanted.binary)
        shown = self.show_all(ServiceAnswer, services, zones=zone_of_hosts())
        return self.answer({"services": shown})


class OneService(ComputeView):
    """One service; until 2.52 the URL names what to do with the one of the body."""

    contracts = {
        "PUT": Contract(
            summary="Enable or disable a service, or say that it is down",
            body=ServiceUpdate,
            answer={"service": ServiceAnswer},
            example={"host": demo.HOST, "binary": "nova-compute"},
            later_examples={"2.53": {"status": "disabled", "disabled_reason": "maintenance"}},
        ),
        "DELETE": Contract(summary="Remove a service", status=204, faults=(403, 409)),
    }

    def put(self, request: ComputeRequest, service_id: str) -> Response:
        order = self.read(ServiceUpdate)
        request.caller.permit(rules.UPDATE)
        plan = order.plan(service_id)
        service = change_service(find_changeable(plan.service), plan.change)
        zones = zone_of_hosts([service.host])
        return self.answer({"service": self.show(plan.shown, service, zones=zones)})

    def delete(self, request: ComputeRequest, service_id: str) -> Response:
        request.caller.permit(rules.DELETE)
        delete_service(find_service(read_id(service_id, request.version)))
        return self.answer(status=204)
