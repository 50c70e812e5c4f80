"""``/servers/{id}/os-interface``."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.microversions.contract import Contract
from compute_site.microversions.queries import NoQuery
from compute_site.views import ComputeRequest, ComputeView
from servers.attachments.ports import find_port, list_ports
from servers.policies import interface as rules
from servers.read.find import find_server
from servers.serializers.interface import InterfaceAnswer


class Interfaces(ComputeView):
    """The ports of a server."""

    contracts = {
        "GET": Contract(
            summary="List the ports of a server",
            query=NoQuery,
            answer={"interfaceAttachments": [InterfaceAnswer]},
        ),
    }

    def get(self, request: ComputeRequest, server_id: str) -> Response:
        self.read_query(NoQuery)
        instance = find_server(request.caller, server_id, rules.LIST)
        shown = self.show_all(InterfaceAnswer, list_ports(instance))
        return self.answer({"interfaceAttachments": shown})


class Interface(ComputeView):
    """One port of a server."""

    contracts = {
        "GET": Contract(
            summary="Show a port of a server",
            query=NoQuery,
            answer={"interfaceAttachment": InterfaceAnswer},
        ),
    }

    def get(self, request: ComputeRequest, server_id: str, port_id: str) -> Response:
        self.read_query(NoQuery)
        instance = find_server(request.caller, server_id, rules.SHOW)
        shown = self.show(InterfaceAnswer, find_port(instance, port_id))
        return self.answer({"interfaceAttachment": shown})
