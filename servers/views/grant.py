"""``/servers/{id}/grants``: one server shared with single users. An addition of ours."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.queries import NoQuery
from compute_site.api.view import ComputeRequest, ComputeView
from servers.edit.sharing import grant_rules, list_grants, revoke_rules
from servers.policies import grant as rules
from servers.policies import server as server_rules
from servers.read.find import find_server
from servers.serializers.grant import GrantAnswer, GrantChange


class Grants(ComputeView):
    """Who holds rules on a server."""

    contracts = {
        "GET": Contract(
            summary="List who a server is shared with",
            query=NoQuery,
            answer={"grants": [GrantAnswer]},
        ),
    }

    def get(self, request: ComputeRequest, server_id: str) -> Response:
        self.read_query(NoQuery)
        instance = find_server(request.caller, server_id, rules.INDEX)
        return self.answer({"grants": self.show_all(GrantAnswer, list_grants(instance))})


class Grant(ComputeView):
    """What one user holds on a server."""

    contracts = {
        "PUT": Contract(
            summary="Share a server with a user",
            body=GrantChange,
            answer={"grant": GrantAnswer},
            example={"grant": {"rules": [server_rules.SHOW]}},
        ),
        "DELETE": Contract(summary="Share a server no longer with a user", status=204),
    }

    def put(self, request: ComputeRequest, server_id: str, user_id: str) -> Response:
        wanted = self.read(GrantChange)
        instance = find_server(request.caller, server_id, rules.UPDATE)
        grant = grant_rules(request.caller, instance, user_id, wanted)
        return self.answer({"grant": self.show(GrantAnswer, grant)})

    def delete(self, request: ComputeRequest, server_id: str, user_id: str) -> Response:
        instance = find_server(request.caller, server_id, rules.DELETE)
        revoke_rules(request.caller, instance, user_id)
        return self.answer(status=204)
