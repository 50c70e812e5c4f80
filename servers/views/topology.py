"""``/servers/{id}/topology``."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api.microversions.answers import INTEGER_OR_NULL
from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.queries import NoQuery
from compute_site.api.view import ComputeRequest, ComputeView
from servers.policies import topology as rules
from servers.read.find import find_server
from servers.read.topology import describe_topology


class Topology(ComputeView):
    """The NUMA layout of a server."""

    since = "2.78"
    contracts = {
        "GET": Contract(
            summary="Show the NUMA layout of a server",
            query=NoQuery,
            answer={
                "nodes": {"type": "array", "items": {"type": "object"}},
                "pagesize_kb": INTEGER_OR_NULL,
            },
        ),
    }

    def get(self, request: ComputeRequest, server_id: str) -> Response:
        self.read_query(NoQuery)
        instance = find_server(request.caller, server_id, rules.INDEX)
        host = request.caller.may(rules.HOST_INDEX, project_id=instance.project_id)
        return self.answer(describe_topology(instance, host=host))
