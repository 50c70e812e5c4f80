"""``/servers/{id}/diagnostics``."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.queries import NoQuery
from compute_site.api.view import ComputeRequest, ComputeView
from servers.policies import diagnostics as rules
from servers.read.diagnostics import read_diagnostics
from servers.read.find import find_server
from servers.serializers.diagnostics import show_diagnostics


class ServerDiagnostics(ComputeView):
    """How a server is doing on its host."""

    contracts = {
        "GET": Contract(
            summary="Show how a server is doing on its host", query=NoQuery, faults=(403, 409)
        ),
    }

    def get(self, request: ComputeRequest, server_id: str) -> Response:
        self.read_query(NoQuery)
        instance = find_server(request.caller, server_id, rules.SHOW)
        return self.answer(show_diagnostics(read_diagnostics(instance), request.version))
