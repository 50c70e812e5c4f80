"""``/servers/{id}/placement``."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.queries import NoQuery
from compute_site.api.view import ComputeRequest, ComputeView
from servers.policies import placement as rules
from servers.read.find import find_server
from servers.read.placement import read_placement, show_report


class Placement(ComputeView):
    """How the search for a server's host went."""

    contracts = {
        "GET": Contract(
            summary="Explain the placement of a server",
            query=NoQuery,
            answer={"placement": {"type": "object"}},
        ),
    }

    def get(self, request: ComputeRequest, server_id: str) -> Response:
        self.read_query(NoQuery)
        instance = find_server(request.caller, server_id, rules.SHOW)
        kept = read_placement(instance)
        named = request.caller.may(rules.SHOW_HOSTS)
        shown = show_report(kept.report, named=named)
        return self.answer({"placement": {**shown, "decided_at": kept.created_at.isoformat()}})
