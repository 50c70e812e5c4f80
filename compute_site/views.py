"""The base of every view of the compute API, and the one place where faults become answers."""

from __future__ import annotations

import json
import logging
from typing import Any, ClassVar, TypeVar

from django.http import Http404
from django.http.request import RawPostDataException
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from compute_site.faults import (
    BadRequest,
    Fault,
    Forbidden,
    NotFound,
    Unauthorized,
    UnsupportedMediaType,
)
from compute_site.identity.caller import Caller
from compute_site.microversions.negotiation import UnsupportedVersion, set_version_headers
from compute_site.microversions.version import Microversion

logger = logging.getLogger(__name__)

JSON_TYPES = {"", "application/json", "application/vnd.openstack.compute+json", "text/plain"}
T = TypeVar("T")


class MalformedJson(BadRequest):
    """The body is not JSON."""

    code = "malformed_json"


class ProjectMismatch(BadRequest):
    """The project in the URL is not the one of the token."""

    code = "project_mismatch"


class ComputeRequest(Request):
    """A request whose caller is known and whose version is chosen."""

    caller: Caller
    version: Microversion


class ComputeView(APIView):
    """Refuses early in the order of spec/create-response.md 6, then calls the method of the
    subclass.

    Subclasses read the body with ``self.read`` and do four things: read, validate, call one
    function, answer.
    """

    request: ComputeRequest
    since: ClassVar[str] = "2.1"
    """The first microversion that knows this URL."""
    until: ClassVar[str | None] = None
    """The last microversion that knows this URL; ``None``: it is still there."""
    format_kwarg = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.perform_authentication(request)
        if request.method is None or not hasattr(self, request.method.lower()):
            raise NotFound("There is nothing at this URL for this method.")
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(
            request
        )
        request.version, request.versioning_scheme = self.determine_version(
            request, *args, **kwargs
        )
        self.check_since(request.version)
        request.caller = request.auth  # type: ignore[attr-defined]
        self.read_body(request)
        project_id = kwargs.get("project_id")
        if project_id is not None and project_id != request.caller.project_id:  # type: ignore[attr-defined]
            raise ProjectMismatch(
                f"The URL names the project {project_id}, but you are in another one."
            )

    def perform_authentication(self, request: Request) -> None:
        if request.auth is None:
            raise Unauthorized("Send a valid token in X-Auth-Token, or a name and password.")

    def http_method_not_allowed(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Nova: a method that a known URL does not have is 404."""
        raise NotFound("There is nothing at this URL for this method.")

    def check_since(self, version: Microversion) -> None:
        """404 outside the microversions that know the URL (``/v2`` knows what 2.1 knows)."""
        version = max(version, Microversion.parse("2.1"))
        if version < Microversion.parse(self.since):
            raise NotFound(f"This URL needs microversion {self.since} or later.")
        if self.until is not None and version > Microversion.parse(self.until):
            raise NotFound(f"This URL went away after microversion {self.until}.")

    def read_body(self, request: Request) -> None:
        """Parse the JSON body into ``self.body``; an empty body is ``None``."""
        self.body: Any = None
        if request.method in ("GET", "HEAD", "DELETE", "OPTIONS"):
            return
        content_type = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip()
        if content_type not in JSON_TYPES:
            raise UnsupportedMediaType(f"Send application/json, not {content_type}.")
        try:
            raw = request._request.body  # noqa: SLF001 - DRF's parsers would coerce and wrap
        except RawPostDataException:
            raise BadRequest("The body cannot be read twice.") from None
        if not raw:
            return
        try:
            self.body = json.loads(raw)
        except ValueError as error:
            raise MalformedJson(f"The body is not JSON: {error}") from None

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        version = getattr(request, "version", None)
        if isinstance(version, Microversion):
            set_version_headers(response, version)
        return response


class UnknownUrl(ComputeView):
    """Every path below the API that no other view knows: 401 without a token, else 404."""

    def check_since(self, version: Microversion) -> None:
        raise NotFound("There is nothing at this URL.")


def render_fault(error: Exception, _context: dict[str, Any]) -> Response:
    """DRF's exception handler: every error of a view becomes Nova's envelope."""
    fault = _as_fault(error)
    if fault.status == 500:
        logger.error("unexpected error", exc_info=error)
    response = Response(fault.envelope(), status=fault.status)
    if isinstance(error, UnsupportedVersion):
        set_version_headers(response, error.asked)
    if fault.status == 401:
        response["WWW-Authenticate"] = 'Basic realm="compute-site"'
    return response


def _as_fault(error: Exception) -> Fault:
    if isinstance(error, Fault):
        return error
    if isinstance(error, Http404 | exceptions.NotFound):
        return NotFound("There is nothing at this URL.")
    if isinstance(error, exceptions.PermissionDenied):
        return Forbidden(str(error.detail))
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return Unauthorized(str(error.detail))
    if isinstance(error, exceptions.APIException) and error.status_code < 500:
        return BadRequest(str(error.detail))
    return Fault(
        "Something went wrong on our side; the log has it under this request's id. "
        f"({type(error).__name__})"
    )
