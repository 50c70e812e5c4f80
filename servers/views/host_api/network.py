"""What hosts are told of the networks that they carry, and of the guests that ask there."""

from __future__ import annotations

import hashlib

import orjson
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import NotFound
from servers.edit.password import hand_password_in, read_password
from servers.hosts.metadata import find_own_server, tell_guest
from servers.hosts.networks import tell_network
from servers.views.host_api import shapes
from servers.views.host_api.view import HostView

VERSION_LETTERS = 16


class Network(HostView):
    """``GET /host/v1/networks/{id}?version=…``: all that the host must know to carry it; 304 if
    that is what it was told with this version.
    """

    def get(self, request: Request, network_id: str) -> HttpResponse:
        told = tell_network(self.agent, network_id)
        if told is None:
            raise NotFound(f"This host carries no network {network_id[:60]}.")
        content = orjson.dumps(told)
        version = hashlib.sha256(content).hexdigest()[:VERSION_LETTERS]
        if request.GET.get("version") == version:
            return HttpResponse(status=304)
        return Response({**told, "version": version})


class Metadata(HostView):
    """``GET /host/v1/metadata/{server}``: what a guest of the host may know of itself."""

    def get(self, request: Request, server_id: str) -> Response:
        server = find_own_server(self.agent, server_id)
        return Response({**tell_guest(server), "password": read_password(server)})


class Password(HostView):
    """``POST /host/v1/metadata/{server}/password``: the guest hands its password in, encrypted with
    the user's key; once.
    """

    def post(self, request: Request, server_id: str) -> Response:
        server = find_own_server(self.agent, server_id)
        hand_password_in(server, self.read(shapes.PASSWORD)["password"])
        return Response({})
