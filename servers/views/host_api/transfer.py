"""Data that hosts send and fetch: snapshots for images, and the disks of guests that move."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.api.bodies import stream_body
from compute_site.faults import BadRequest, UnsupportedMediaType
from compute_site.neighbours.image.api.download import BINARY, send_part
from servers.host_orders import snapshots, spool
from servers.host_orders.take import find_open
from servers.views.host_api import shapes
from servers.views.host_api.view import HostView, read_order_id

SHA512 = re.compile(r"[0-9a-f]{128}")
FORMATS = ("qcow2", "raw")
LEAVES, COMES = ("pack", "live_disks"), ("unpack", "live_prepare")
"""Orders of hosts that a server leaves, and to which it comes."""


class TransferView(HostView):
    def sha512(self, word: Any) -> str:
        if not isinstance(word, str) or not SHA512.fullmatch(word):
            raise BadRequest("sha512 is the SHA-512 of the data in hex.")
        return word

    def body(self, request: Request) -> Iterator[bytes]:
        if request.META.get("CONTENT_TYPE", "") != BINARY:
            raise UnsupportedMediaType(f"Send the data as {BINARY}.")
        return stream_body(request._request)  # noqa: SLF001 - DRF's parsers would read all of it


class Snapshot(TransferView):
    """``GET`` and ``PUT /host/v1/snapshots/{order}``: are the data there, and here they are."""

    def get(self, request: Request, order_id: str) -> Response:
        return Response({"done": snapshots.is_filled(self.agent, read_order_id(order_id))})

    def put(self, request: Request, order_id: str) -> Response:
        disk_format = request.GET.get("format", "")
        if disk_format not in FORMATS:
            raise BadRequest(f"format is one of {', '.join(FORMATS)}.")
        snapshots.fill(
            self.agent,
            read_order_id(order_id),
            self.body(request),
            disk_format=disk_format,
            sha512=self.sha512(request.GET.get("sha512")),
        )
        return Response({})


class Move(TransferView):
    """``/host/v1/moves/{order}/{file}``: the old host asks whether a file is there (``POST``) and
    sends it (``PUT``); the new one fetches it (``GET``, with ``Range``).
    """

    def get(self, request: Request, order_id: str, name: str) -> HttpResponseBase:
        server = self._server(read_order_id(order_id), COMES)
        file, size = spool.open_file(server, name)
        return send_part(file, size, request.META.get("HTTP_RANGE"))

    def post(self, request: Request, order_id: str, name: str) -> Response:
        sha512 = self.sha512(self.read(shapes.FILE)["sha512"])
        server = self._server(read_order_id(order_id), LEAVES)
        return Response({"done": spool.has(server, name, sha512)})

    def put(self, request: Request, order_id: str, name: str) -> Response:
        server = self._server(read_order_id(order_id), LEAVES)
        sha512 = self.sha512(request.GET.get("sha512"))
        spool.keep(server, name, self.body(request), sha512)
        return Response({})

    def _server(self, order_id: uuid.UUID, tasks: Sequence[str]) -> str:
        return find_open(self.agent, order_id, *tasks).server_id
