"""``/servers/{id}/os-server-password``."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api.microversions.answers import TEXT
from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.queries import NoQuery
from compute_site.api.view import ComputeRequest, ComputeView
from servers.edit.password import forget_password, read_password
from servers.policies import password as rules
from servers.read.find import find_server


class ServerPassword(ComputeView):
    """The encrypted password of a server."""

    contracts = {
        "GET": Contract(
            summary="Show the encrypted password of a server",
            query=NoQuery,
            answer={"password": TEXT},
        ),
        "DELETE": Contract(summary="Forget the encrypted password of a server", status=204),
    }

    def get(self, request: ComputeRequest, server_id: str) -> Response:
        self.read_query(NoQuery)
        instance = find_server(request.caller, server_id, rules.SHOW)
        return self.answer({"password": read_password(instance)})

    def delete(self, request: ComputeRequest, server_id: str) -> Response:
        forget_password(find_server(request.caller, server_id, rules.CLEAR))
        return self.answer(status=204)
