"""Joining, heartbeats, the way back after a host was given up, and what hosts tell of guests."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from servers.hosts.agents import (
    Beat,
    Certificates,
    Joining,
    Stock,
    Wishes,
    come_back,
    join_host,
    note_beat,
    sign_for,
)
from servers.hosts.guest_reports import Seen, note_guests
from servers.views.host_api import shapes
from servers.views.host_api.view import HostView


class Join(HostView):
    """``POST /host/v1/join``: a token for a join token, once."""

    open: ClassVar[bool] = True

    def post(self, request: Request) -> Response:
        given = self.read(shapes.JOIN)
        joining = Joining(
            boot_id=given["boot_id"],
            version=given["version"],
            protocols=tuple(given["protocols"]),
            hypervisor=given["hypervisor"],
            stock=read_stock(given["stock"]),
            wishes=read_wishes(given),
        )
        joined = join_host(given["join_token"], joining)
        return Response(
            {
                "host": joined.agent.service.host,
                "token": joined.token,
                "epoch": joined.agent.epoch,
                "protocol": joined.protocol,
                **shown(joined.certificates),
                **lease(),
            },
            status=201,
        )


class Certificate(HostView):
    """``POST /host/v1/certificate``: others, in place of those that end soon."""

    def post(self, request: Request) -> Response:
        given = self.read(shapes.CERTIFICATE)
        return Response(shown(sign_for(self.agent, read_wishes(given))))


class Heartbeat(HostView):
    """``POST /host/v1/heartbeat``."""

    def post(self, request: Request) -> Response:
        given = self.read(shapes.HEARTBEAT)
        beat = Beat(
            boot_id=given["boot_id"],
            version=given["version"],
            load=given["load"],
            wires=given["wires"],
            doing=given["doing"],
            stock=read_stock(given["stock"]) if given["stock"] else None,
            protocols=None if given["protocols"] is None else tuple(given["protocols"]),
        )
        heard = note_beat(self.agent, beat)
        return Response({**dataclasses.asdict(heard), **lease()})


class Return(HostView):
    """``POST /host/v1/return``: what the host must end before it goes on, and its epoch then."""

    in_any_epoch: ClassVar[bool] = True

    def post(self, request: Request) -> Response:
        guests = [str(guest) for guest in self.read(shapes.RETURN)["guests"]]
        back = come_back(self.agent, guests)
        return Response({**dataclasses.asdict(back), **lease()})


class Guests(HostView):
    """``POST /host/v1/guests``: those that have changed, or all."""

    def post(self, request: Request) -> Response:
        given = self.read(shapes.GUESTS)
        seen = [
            Seen(**{**guest, "server_id": str(guest["server_id"])}) for guest in given["guests"]
        ]
        return Response({"unknown": note_guests(self.agent, seen, all_of_them=given["all"])})


def read_wishes(given: Mapping[str, Any]) -> Wishes:
    return Wishes(**{name: given[name] for name in shapes.WISHES})


def shown(certificates: Certificates) -> dict[str, str]:
    """Those that there are."""
    host = dataclasses.asdict(certificates.host) if certificates.host else {}
    guests = dataclasses.asdict(certificates.guests) if certificates.guests else {}
    return {**host, **{f"guests_{key}": text for key, text in guests.items()}}


def read_stock(values: Mapping[str, Any]) -> Stock:
    kinds = tuple((kind[0], kind[1], kind[2]) for kind in values["supported_instances"])
    traits = frozenset(values["traits"])
    return Stock(**{**values, "supported_instances": kinds, "traits": traits})


def lease() -> dict[str, int]:
    """How often the host has to tell that it lives, and when it counts as down."""
    return {
        "heartbeat_seconds": settings.OPTIONS.host_heartbeat_seconds,
        "lease_seconds": settings.OPTIONS.service_down_seconds,
    }
