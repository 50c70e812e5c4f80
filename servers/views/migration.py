"""``/servers/{id}/migrations``."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.microversions.contract import Contract
from compute_site.microversions.queries import NoQuery
from compute_site.views import ComputeRequest, ComputeView
from servers.find import find_server
from servers.policies import migration as rules


class Migrations(ComputeView):
    """The moves of a server that go on; nothing moves servers here."""

    since = "2.23"
    contracts = {
        "GET": Contract(
            summary="List the moves of a server that go on",
            query=NoQuery,
            answer={"migrations": {"type": "array", "items": {"type": "object"}}},
        ),
    }

    def get(self, request: ComputeRequest, server_id: str) -> Response:
        self.read_query(NoQuery)
        find_server(request.caller, server_id, rules.INDEX)
        return self.answer({"migrations": []})
