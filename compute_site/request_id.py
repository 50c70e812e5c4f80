"""Request ids: a fresh one for each request, sent back, and put into every log line together with
who sent the request, and from where.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import logging
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse

GLOBAL_ID = re.compile(r"req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SENDER = "compute_site.sender"


@dataclasses.dataclass(slots=True)
class Sender:
    """What the log lines of a request say of it; the user is known once it has been proved."""

    request_id: str = "-"
    user_id: str = "-"
    address: str = "-"


NOBODY = Sender()
"""Of lines that belong to no request."""

current_sender: ContextVar[Sender] = ContextVar("current_sender", default=NOBODY)


class RequestIdMiddleware:
    """Names the request ``req-<uuid>``; a well-formed id of the client goes to the log beside
    it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = f"req-{uuid.uuid4()}"
        request.META["compute_site.request_id"] = request_id
        global_id = request.META.get("HTTP_X_OPENSTACK_REQUEST_ID", "")
        shown = f"{request_id} {global_id}" if GLOBAL_ID.fullmatch(global_id) else request_id
        sender = Sender(shown, address=address_of(request))
        request.META[SENDER] = sender
        token = current_sender.set(sender)
        try:
            response = self.get_response(request)
        finally:
            current_sender.reset(token)
        response["x-openstack-request-id"] = request_id
        response["x-compute-request-id"] = request_id
        return response


@contextmanager
def sent_by(request_id: str) -> Iterator[None]:
    """What is done here goes back to the request: the lines of the log say so."""
    token = current_sender.set(Sender(request_id) if request_id != "-" else NOBODY)
    try:
        yield
    finally:
        current_sender.reset(token)


def note_user(user_id: str) -> None:
    """The request that is being answered comes from this user: its log lines say so."""
    sender = current_sender.get()
    if sender is not NOBODY:
        sender.user_id = user_id


def address_of(request: HttpRequest) -> str:
    """Where the request comes from. Behind a proxy that is what the proxy has put last into
    ``X-Forwarded-For``: what stands before it is whatever the client wrote.
    """
    direct = str(request.META.get("REMOTE_ADDR") or "-")
    if not settings.OPTIONS.behind_proxy:
        return direct
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    try:
        return str(ipaddress.ip_address(forwarded))
    except ValueError:
        return direct


class RequestIdFilter(logging.Filter):
    """Adds ``request_id``, ``user`` and ``address`` to every record.

    Django writes the line of a refused request when the middleware is through with it; such a line
    brings its request along.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        sender = current_sender.get()
        request = getattr(record, "request", None)
        if sender is NOBODY and isinstance(request, HttpRequest):
            sender = request.META.get(SENDER, NOBODY)
        # of the admin's pages: who was read from the session, if anybody has asked for that
        visitor = getattr(request, "_cached_user", None)
        record.request_id = sender.request_id
        record.user = getattr(visitor, "pk", None) or sender.user_id
        record.address = sender.address
        return True
