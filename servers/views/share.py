"""``/servers/{id}/shares``, from 2.97 on: servers have none, and get none."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api.microversions.contract import Contract
from compute_site.api.view import ComputeRequest, ComputeView
from servers.attachments.shares import attach_share, detach_share, find_share
from servers.policies import share as rules
from servers.read.find import find_server
from servers.serializers.share import ShareCreate, ShareQuery


class Shares(ComputeView):
    """The shares of a server: none."""

    since = "2.97"
    contracts = {
        "GET": Contract(
            summary="List the shares of a server",
            query=ShareQuery,
            answer={"shares": {"type": "array", "maxItems": 0}},
        ),
        "POST": Contract(
            summary="Give a server a share: refused, as there is no service that has shares",
            body=ShareCreate,
            example={"share": {"share_id": "3cdf5dc1-5d8c-4c4f-9a4b-1a8d0a0b6f01"}},
            faults=(403, 409),
            status=201,
        ),
    }

    def get(self, request: ComputeRequest, server_id: str) -> Response:
        self.read_query(ShareQuery)
        find_server(request.caller, server_id, rules.INDEX)
        return self.answer({"shares": []})

    def post(self, request: ComputeRequest, server_id: str) -> Response:
        attach_share(request.caller, server_id, self.read(ShareCreate))


class Share(ComputeView):
    """One share of a server."""

    since = "2.97"
    contracts = {
        "GET": Contract(summary="Show a share of a server: there is none", query=ShareQuery),
        "DELETE": Contract(
            summary="Take a share from a server: it has none", faults=(403, 409), status=200
        ),
    }

    def get(self, request: ComputeRequest, server_id: str, share_id: str) -> Response:
        self.read_query(ShareQuery)
        find_share(request.caller, server_id, share_id)

    def delete(self, request: ComputeRequest, server_id: str, share_id: str) -> Response:
        detach_share(request.caller, server_id, share_id)
