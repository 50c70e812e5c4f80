"""``/servers/{id}/history``."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api.microversions.contract import Contract
from compute_site.api.view import ComputeRequest, ComputeView
from servers.lifecycle.action_log import ActionQuery
from servers.policies import instance_action as rules
from servers.read.find import find_server
from servers.read.history import read_history
from servers.serializers.history import HistoryAnswer, HistoryQuery


class History(ComputeView):
    """What was asked of a server, step by step, and how long each step took."""

    contracts = {
        "GET": Contract(
            summary="Tell how long each step of a server's actions took",
            query=HistoryQuery,
            answer={"history": [HistoryAnswer]},
        ),
    }

    def get(self, request: ComputeRequest, server_id: str) -> Response:
        query: ActionQuery = self.read_query(HistoryQuery)
        instance = find_server(request.caller, server_id, rules.LIST, deleted=True)
        actions = read_history(instance, query)
        return self.answer({"history": self.show_all(HistoryAnswer, actions)})
