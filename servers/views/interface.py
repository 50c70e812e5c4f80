"""``/servers/{id}/os-interface``."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api import demo
from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.queries import NoQuery
from compute_site.api.view import ComputeRequest, ComputeView
from compute_site.neighbours.network.protocol import NicRequest
from servers.attachments.nic_changes import attach_nic, detach_nic
from servers.attachments.ports import find_port, list_ports
from servers.policies import interface as rules
from servers.read.find import find_server
from servers.serializers.interface import InterfaceAnswer, InterfaceCreate


class Interfaces(ComputeView):
    """The ports of a server."""

    contracts = {
        "GET": Contract(
            summary="List the ports of a server",
            query=NoQuery,
            answer={"interfaceAttachments": [InterfaceAnswer]},
        ),
        "POST": Contract(
            summary="Give a server a port",
            body=InterfaceCreate,
            example={"interfaceAttachment": {"net_id": demo.NETWORK}},
            answer={"interfaceAttachment": InterfaceAnswer},
            faults=(403, 409),
        ),
    }

    def get(self, request: ComputeRequest, server_id: str) -> Response:
        self.read_query(NoQuery)
        instance = find_server(request.caller, server_id, rules.LIST)
        shown = self.show_all(InterfaceAnswer, list_ports(instance))
        return self.answer({"interfaceAttachments": shown})

    def post(self, request: ComputeRequest, server_id: str) -> Response:
        wanted: NicRequest = self.read(InterfaceCreate)
        instance = find_server(request.caller, server_id, rules.CREATE)
        port = attach_nic(request.caller, instance, wanted)
        return self.answer({"interfaceAttachment": self.show(InterfaceAnswer, port)})


class Interface(ComputeView):
    """One port of a server."""

    contracts = {
        "GET": Contract(
            summary="Show a port of a server",
            query=NoQuery,
            answer={"interfaceAttachment": InterfaceAnswer},
        ),
        "DELETE": Contract(summary="Take a port from a server", status=202, faults=(403, 409)),
    }

    def get(self, request: ComputeRequest, server_id: str, port_id: str) -> Response:
        self.read_query(NoQuery)
        instance = find_server(request.caller, server_id, rules.SHOW)
        shown = self.show(InterfaceAnswer, find_port(instance, port_id))
        return self.answer({"interfaceAttachment": shown})

    def delete(self, request: ComputeRequest, server_id: str, port_id: str) -> Response:
        instance = find_server(request.caller, server_id, rules.DELETE)
        detach_nic(request.caller, instance, port_id)
        return self.accepted()
