"""``/servers/{id}/os-instance-actions``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework.response import Response

from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.queries import NoQuery
from compute_site.api.view import ComputeRequest, ComputeView
from servers.lifecycle.action_log import ActionQuery, find_action, list_actions
from servers.models import InstanceAction
from servers.policies import instance_action as rules
from servers.read.find import find_server
from servers.serializers.instance_action import (
    ActionAnswer,
    ActionListQuery,
    ActionShown,
    tells_of_deleted,
)


class InstanceActions(ComputeView):
    """What was asked of a server."""

    contracts = {
        "GET": Contract(
            summary="List what was asked of a server",
            query=ActionListQuery,
            answer={"instanceActions": [ActionAnswer]},
        ),
    }

    def get(self, request: ComputeRequest, server_id: str) -> Response:
        query: ActionQuery = self.read_query(ActionListQuery)
        deleted = tells_of_deleted(request.version)
        instance = find_server(request.caller, server_id, rules.LIST, deleted=deleted)
        actions = list_actions(instance, query)
        shown = self.show_all(ActionAnswer, actions, server_id=server_id)
        links = self._next_page(server_id, actions, query)
        return self.answer({"instanceActions": shown, **links})

    def _next_page(
        self, server_id: str, actions: Sequence[InstanceAction], query: ActionQuery
    ) -> dict[str, Any]:
        if not actions or query.limit is None or len(actions) < query.limit:
            return {}
        collection = f"servers/{server_id}/os-instance-actions"
        last = actions[-1].request_id
        return {"links": self.links.next_page(self.request, collection, last)}


class OneInstanceAction(ComputeView):
    """One thing that was asked of a server."""

    contracts = {
        "GET": Contract(
            summary="Show what was asked of a server, step by step",
            query=NoQuery,
            answer={"instanceAction": ActionShown},
        ),
    }

    def get(self, request: ComputeRequest, server_id: str, request_id: str) -> Response:
        self.read_query(NoQuery)
        deleted = tells_of_deleted(request.version)
        instance = find_server(request.caller, server_id, rules.SHOW, deleted=deleted)
        action = find_action(instance, request_id)
        project_id = action.project_id or instance.project_id
        shown = self.show(ActionShown, action, server_id=server_id, project_id=project_id)
        return self.answer({"instanceAction": shown})
