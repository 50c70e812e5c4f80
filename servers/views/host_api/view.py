"""The base of the views: which host asks, and in which of its epochs."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.api.json_view import JsonView
from compute_site.api.rendering import JsonRenderer
from compute_site.api.view import as_fault
from compute_site.faults import BadRequest, Fault, Gone, NotFound, Unauthorized
from compute_site.values.keys import Key, read_keys
from compute_site.values.words import is_canonical
from servers.hosts.agents import find_agent
from servers.models import HostAgent

logger = logging.getLogger(__name__)

BEARER = "Bearer "
EPOCH = "Host-Epoch"
"""The header with the epoch in which the host believes to be."""


class Fenced(Gone):
    """The servers of the host may be built elsewhere: it must ask what has left it."""

    code = "fenced"


class HostView(JsonView):
    """A view for hosts. Keys of bodies that are not known here are ignored, since an agent may be
    newer than the site.
    """

    versioning_class = None
    renderer_classes = (JsonRenderer,)
    authentication_classes = ()
    schema = None  # the API's document is about compute
    open: ClassVar[bool] = False
    """May hosts that have not joined ask?"""
    in_any_epoch: ClassVar[bool] = False
    agent: HostAgent

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if self.open:
            return
        given = str(request.META.get("HTTP_AUTHORIZATION", ""))
        agent = find_agent(given.removeprefix(BEARER)) if given.startswith(BEARER) else None
        if agent is None:
            raise Unauthorized("Send the token that this host got when it joined, as Bearer.")
        self.agent = agent
        if not self.in_any_epoch and request.headers.get(EPOCH) != str(agent.epoch):
            raise Fenced(
                "This host was given up, or joined anew: its servers may be built elsewhere. Ask "
                "at /host/v1/return what has left it."
            )

    def read(self, shape: Mapping[str, Key]) -> dict[str, Any]:
        """The body by its keys.

        Raises:
            BadRequest: it does not have the shape; every fault is listed.
        """
        body = self.read_body()
        if not isinstance(body, dict):
            raise BadRequest("Send an object.")
        values, problems = read_keys({key: body[key] for key in shape if key in body}, shape)
        if problems:
            raise BadRequest("; ".join(problems))
        return values

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response]:
        return self.render_error

    def render_error(self, error: Exception, _context: dict[str, Any]) -> Response:
        fault: Fault = as_fault(error)
        if fault.status == 500:
            logger.error("unexpected error", exc_info=error)
        shown = {"status": fault.status, "code": fault.code, "message": fault.detail}
        return Response({"error": shown}, status=fault.status, headers=fault.headers)

    def http_method_not_allowed(  # type: ignore[override]  # as DRF itself has it
        self, request: Request, *args: Any, **kwargs: Any
    ) -> Response:
        raise NotFound("There is nothing at this URL for this method.")


def read_order_id(text: str) -> uuid.UUID:
    """Raises ``NotFound``."""
    if not is_canonical(text):
        raise NotFound("There is no order with such an id.")
    return uuid.UUID(text)


class UnknownHostUrl(HostView):
    """Everything else."""

    open = True

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound("There is nothing at this URL.")
