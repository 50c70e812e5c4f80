"""``/servers/{id}/migrations`` and ``/os-migrations``: nothing moves servers here."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.microversions.contract import Contract
from compute_site.microversions.fields import Schema
from compute_site.microversions.queries import NoQuery
from compute_site.views import ComputeRequest, ComputeView
from servers.policies import migration as rules
from servers.read.find import find_server
from servers.serializers.migration import MigrationListQuery

MOVES: dict[str, Schema] = {"migrations": {"type": "array", "items": {"type": "object"}}}


class Migrations(ComputeView):
    """The moves of a server that go on."""

    since = "2.23"
    contracts = {
        "GET": Contract(
            summary="List the moves of a server that go on",
            query=NoQuery,
            answer=MOVES,
        ),
    }

    def get(self, request: ComputeRequest, server_id: str) -> Response:
        self.read_query(NoQuery)
        find_server(request.caller, server_id, rules.INDEX)
        return self.answer({"migrations": []})


class AllMigrations(ComputeView):
    """The moves of all servers."""

    contracts = {
        "GET": Contract(summary="List moves of servers", query=MigrationListQuery, answer=MOVES),
    }

    def get(self, request: ComputeRequest) -> Response:
        project_id = self.read_query(MigrationListQuery)
        request.caller.permit(rules.CLOUD_INDEX)
        if project_id != request.caller.project_id:
            request.caller.permit(rules.CLOUD_INDEX_ALL_PROJECTS)
        return self.answer({"migrations": []})
