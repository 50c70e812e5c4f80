"""``/os-server-groups``."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.queries import NoQuery
from compute_site.api.view import ComputeRequest, ComputeView
from servers.policies import server_group as rules
from servers.serializers.server_group import (
    ServerGroupAnswer,
    ServerGroupCreate,
    ServerGroupListQuery,
)
from servers.server_groups import (
    create_server_group,
    delete_server_group,
    find_server_group,
    list_server_groups,
    members_of,
)


class ServerGroups(ComputeView):
    """The server groups of a project."""

    contracts = {
        "GET": Contract(
            summary="List server groups",
            query=ServerGroupListQuery,
            answer={"server_groups": [ServerGroupAnswer]},
        ),
        "POST": Contract(
            summary="Create a server group",
            body=ServerGroupCreate,
            answer={"server_group": ServerGroupAnswer},
            example={"server_group": {"name": "apart", "policies": ["anti-affinity"]}},
            later_examples={"2.64": {"server_group": {"name": "apart", "policy": "anti-affinity"}}},
        ),
    }

    def get(self, request: ComputeRequest) -> Response:
        search = self.read_query(ServerGroupListQuery)
        request.caller.permit(rules.INDEX)
        groups = list_server_groups(request.caller, search)
        shown = self.show_all(ServerGroupAnswer, groups, members=members_of(groups))
        return self.answer({"server_groups": shown})

    def post(self, request: ComputeRequest) -> Response:
        order = self.read(ServerGroupCreate)
        request.caller.permit(rules.CREATE)
        group = create_server_group(request.caller, order)
        shown = self.show(ServerGroupAnswer, group, members={group.pk: []})
        return self.answer({"server_group": shown})


class OneServerGroup(ComputeView):
    """One server group."""

    contracts = {
        "GET": Contract(
            summary="Show a server group",
            query=NoQuery,
            answer={"server_group": ServerGroupAnswer},
        ),
        "DELETE": Contract(summary="Delete a server group", status=204),
    }

    def get(self, request: ComputeRequest, group_id: str) -> Response:
        self.read_query(NoQuery)
        group = find_server_group(request.caller, group_id, rules.SHOW)
        shown = self.show(ServerGroupAnswer, group, members=members_of([group]))
        return self.answer({"server_group": shown})

    def delete(self, request: ComputeRequest, group_id: str) -> Response:
        group = find_server_group(request.caller, group_id, rules.DELETE)
        delete_server_group(group)
        return self.answer(status=204)
