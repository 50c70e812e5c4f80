"""The base of every view of the compute API, and the one place where faults become answers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from django.core.exceptions import BadRequest as RefusedRequest
from django.core.exceptions import DisallowedHost, SuspiciousOperation
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.utils.functional import cached_property
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.api.bodies import BodyBrokenOff
from compute_site.api.forms import read_form
from compute_site.api.json_view import JsonView
from compute_site.api.links import Links
from compute_site.api.microversions.answers import AnswerSerializer, Frame
from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.errors import faults_of
from compute_site.api.microversions.negotiation import UnsupportedVersion, set_version_headers
from compute_site.api.microversions.serializers import QuerySerializer, VersionedSerializer
from compute_site.api.microversions.version import OLDEST, Microversion
from compute_site.api.pages import KEYS_OF_PAGES, METHOD_OF_PAGE, wants_page
from compute_site.api.repeatable import REPLAYED, as_kept, has_key, read_kept, read_keyed
from compute_site.api.request_url import check_query
from compute_site.api.unknown_host import unknown_host
from compute_site.caller import Caller
from compute_site.db.conflicts import as_conflict
from compute_site.db.outages import as_outage, reason_of
from compute_site.faults import (
    BadRequest,
    Fault,
    Forbidden,
    Gone,
    InvalidBody,
    NotFound,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
)
from compute_site.idempotency.once import Answer, do_once
from compute_site.values.strict_json import read_json

logger = logging.getLogger(__name__)

JSON_TYPES = {"", "application/json", "application/vnd.openstack.compute+json", "text/plain"}
FORM_TYPE = "application/x-www-form-urlencoded"
METHODS_WITH_BODY = ("POST", "PUT", "PATCH")
METHODS_OF_FORMS = ("PUT", "DELETE")
PARTS_OF_THE_MOUNT = ("api", "project_id")


class ProjectMismatch(BadRequest):
    """The project in the URL is not the one of the token."""

    code = "project_mismatch"


class ComputeRequest(Request):
    """A request whose caller is known and whose version is chosen."""

    caller: Caller
    version: Microversion  # type: ignore[assignment] # DRF thinks of texts


class ComputeView(JsonView):
    """Checks the request in the order of docs/contract/create-response.md 6, then calls the
    subclass's method with the arguments of the URL (without ``api`` and ``project_id``).

    Subclasses do four things: read (``self.read``, ``self.read_query``), call one function, show
    (``self.show``, ``self.show_all``), answer (``self.answer``). ``contracts`` describes each
    method for the OpenAPI documents.
    """

    request: ComputeRequest
    since: ClassVar[str] = "2.1"
    """The first microversion that knows this URL."""
    until: ClassVar[str | None] = None
    """The last microversion that knows this URL; ``None``: it is still there."""
    keeps_answers = True
    contracts: ClassVar[Mapping[str, Contract]] = {}
    """By HTTP method."""
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    format_kwarg = None

    @property
    def default_response_headers(self) -> dict[str, str]:
        """None: Nova does not send the headers that DRF adds to all answers."""
        return {}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST" and METHOD_OF_PAGE in request.META.get("QUERY_STRING", ""):
            take_method(request)
        return super().dispatch(request, *args, **kwargs)

    def respond(self, request: Request) -> HttpResponse:
        given = self.kwargs
        named = {name: given[name] for name in given if name not in PARTS_OF_THE_MOUNT}
        method = getattr(self, str(request.method).lower())
        if has_key(request):
            return self.respond_once(lambda: method(request, **named))
        response: HttpResponse = method(request, **named)
        return response

    def respond_once(self, make: Callable[[], Response]) -> Response:
        """The answer that ``make`` gives, or the one that it gave to an earlier request with the
        same idempotency key.
        """

        def make_and_keep() -> tuple[Response, Answer]:
            response = make()
            return response, as_kept(response)

        response, kept = do_once(read_keyed(self.request, self.body), make_and_keep)
        if response is None:
            headers = {**kept.headers, REPLAYED: "true"}
            response = self.answer(read_kept(kept), status=kept.status, headers=headers)
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.body: Any = None
        self.perform_authentication(request)
        self.check_url(request)
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(
            request
        )
        request.version, request.versioning_scheme = self.determine_version(
            request, *args, **kwargs
        )
        request.caller = request.auth  # type: ignore[attr-defined]
        self.take_body(request)
        if request.method not in METHODS_WITH_BODY:  # Nova: otherwise the query is not checked
            check_query(request._request)  # noqa: SLF001 - Django's request
        project_id = kwargs.get("project_id")
        if project_id is not None and project_id != request.caller.project_id:  # type: ignore[attr-defined]
            raise ProjectMismatch(
                f"The URL names the project {project_id}, but you are in another one."
            )
        self.check_lifetime(self.request.version)

    def perform_authentication(self, request: Request) -> None:
        if request.auth is None:
            raise Unauthorized("Send a valid token in X-Auth-Token, or a name and password.")

    def check_url(self, request: Request) -> None:
        """Nova: a method that the URL does not have, HEAD included, is 404 as an unknown URL is."""
        method = str(request.method).lower()
        known = method in self.http_method_names and hasattr(type(self), method)
        if not known or "\x00" in request.path:
            raise NotFound(f"There is nothing at {request.path} for {request.method}.")

    def check_lifetime(self, version: Microversion) -> None:
        """404 at microversions that do not have the URL (``/v2`` has those of 2.1)."""
        asked = max(version, OLDEST)
        contract = self.contracts.get(str(self.request.method))
        for since in (self.since, contract.since if contract else self.since):
            if asked < Microversion.parse(since):
                raise NotFound(f"This needs microversion {since} or later; asked for {asked}.")
        if self.until is not None and asked > Microversion.parse(self.until):
            raise NotFound(
                f"This URL went away after microversion {self.until}; asked for {asked}."
            )

    def take_body(self, request: Request) -> None:
        """Parse the JSON body into ``self.body``; an empty body is ``None``."""
        content_type = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip()
        if content_type == FORM_TYPE and wants_page(request):  # CSRF is checked with the session
            self.body = self.read_form(request)
            return
        if content_type not in JSON_TYPES:
            raise UnsupportedMediaType(f"Send application/json, not {content_type[:100]}.")
        if request.method not in METHODS_WITH_BODY:
            return
        raw = self.raw_body()
        if raw:
            self.body = read_json(raw)

    def read_form(self, request: Request) -> Any:
        contract = self.contracts.get(str(request.method))
        if contract is None or contract.body is None:
            return None
        form = request._request.POST.dict()  # noqa: SLF001 - DRF's parsers would coerce and wrap
        return read_form(contract.body, self.request.version, form)

    def read(self, serializer: type[VersionedSerializer]) -> Any:
        """The body as the serializer builds it.

        Raises:
            InvalidBody: it breaks the rules of the microversion; every fault is listed.
        """
        context = {"request": self.request, "view": self}
        return serializer.read(self.body, self.request.version, context)

    def read_query(self, serializer: type[QuerySerializer]) -> Any:
        """The query string as the serializer builds it.

        Raises:
            InvalidBody: it breaks the rules of the microversion; every fault is listed.
        """
        lists = dict(self.request.GET.lists())
        if wants_page(self.request):
            for key in KEYS_OF_PAGES:
                lists.pop(key, None)
        context = {"request": self.request, "view": self}
        return serializer.read_query(lists, self.request.version, context)

    def choices(self) -> Mapping[str, Sequence[tuple[str, str]]]:
        """What pages offer for keys of the body, by their paths: each value with its name."""
        return {}

    @property
    def actions(self) -> tuple[str, type[VersionedSerializer]] | None:
        """Path and body of the URL that does something with what is here, if there is one."""
        return None

    @property
    def trial(self) -> str | None:
        """Path of the URL that tries what a POST does here, if there is one."""
        return None

    @property
    def real(self) -> str | None:
        """Path of the URL that does what a POST tries here, if this is such a URL."""
        return None

    @cached_property
    def links(self) -> Links:
        return Links.of(self.request)

    def frame(self, **extra: Any) -> Frame:
        """The data that all objects of the answer share; ``extra`` was looked up in bulk."""
        return Frame(self.request.version, self.request.caller, self.links, extra)

    def show(self, serializer: type[AnswerSerializer], thing: Any, **extra: Any) -> dict[str, Any]:
        """One object, with the keys of the microversion that the caller may see."""
        return serializer.show(thing, self.frame(**extra))

    def show_all(
        self, serializer: type[AnswerSerializer], things: Iterable[Any], **extra: Any
    ) -> list[dict[str, Any]]:
        """Many objects, with the keys of the microversion that the caller may see."""
        return serializer.show_all(things, self.frame(**extra))

    def answer(
        self, body: Any = None, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response:
        response = Response(body, status=status, headers=headers)
        if body is None:
            response.add_post_render_callback(_name_type_of_nothing)
        return response

    def accepted(self, status: int = 202) -> Response:
        """No body."""
        return self.answer(status=status)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        version = getattr(request, "version", None)
        if isinstance(version, Microversion) and not version.is_legacy:
            set_version_headers(response, version)
        if wants_page(request):
            del response["WWW-Authenticate"]  # the page has a link to log in
        return response


def take_method(request: HttpRequest) -> None:
    """Let a form of a page ask for a method that forms cannot send. Its token against forgery is
    looked for in a header then.
    """
    content_type = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip()
    method = request.GET.get(METHOD_OF_PAGE)
    if method in METHODS_OF_FORMS and content_type == FORM_TYPE and wants_page(request):
        request.META["HTTP_X_CSRFTOKEN"] = request.POST.get("csrfmiddlewaretoken", "")
        request.method = method


def _name_type_of_nothing(response: HttpResponse) -> None:
    """Nova: an answer without a body has the content type of JSON; with ``Location``, of HTML."""
    if not response.content:
        html = "Location" in response
        response["Content-Type"] = "text/html; charset=UTF-8" if html else "application/json"


class UnknownUrl(ComputeView):
    """Every other path below the API: 401 without a token, otherwise 404."""

    def check_url(self, request: Request) -> None:
        raise NotFound(f"There is nothing at {request.path}.")


class ProxyUrl(ComputeView):
    """A URL under which Nova passed requests on to another service until 2.35. Here it is 404 in
    older versions, too: clients find that service in the catalogue.
    """

    def check_url(self, request: Request) -> None:
        """Accept any method."""

    def check_lifetime(self, version: Microversion) -> None:
        raise NotFound("This is the business of another service; the catalogue says where it is.")


class GoneUrl(ComputeView):
    """A URL whose API was removed from Nova: 410 at every microversion, for the methods that it had
    (``http_method_names``).
    """

    def check_url(self, request: Request) -> None:
        if str(request.method).lower() not in self.http_method_names:
            raise NotFound(f"There was never anything at {request.path} for {request.method}.")

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise Gone("This API was removed.")


def render_fault(error: Exception, _context: dict[str, Any]) -> Response:
    """DRF's exception handler: every error of a view becomes Nova's envelope."""
    fault = as_fault(error)
    if fault.status == 500:
        logger.error("unexpected error", exc_info=error)
    response = Response(fault.envelope(), status=fault.status, headers=fault.headers)
    if isinstance(error, UnsupportedVersion):
        set_version_headers(response, error.asked)
    if fault.status == 401:
        response["WWW-Authenticate"] = 'Basic realm="compute-site"'
    return response


NO_ROOM = "A value is too long or too large to be stored."
"""The last resort: whoever reads a body names the member that is to blame."""
Translation = tuple[type[Exception] | tuple[type[Exception], ...], Callable[[Any], Fault]]
FOREIGN_ERRORS: tuple[Translation, ...] = (
    (Fault, lambda fault: fault),
    ((Http404, exceptions.NotFound), lambda _: NotFound("There is nothing at this URL.")),
    (UnreadablePostError, lambda _: BodyBrokenOff("The body cannot be read to its end.")),
    (DataError, lambda _: BadRequest(NO_ROOM)),
    (DisallowedHost, unknown_host),
    (RefusedRequest, lambda error: BadRequest(str(error))),
    (SuspiciousOperation, lambda _: BadRequest("This is no request that the site answers.")),
    (exceptions.ValidationError, lambda error: InvalidBody(faults_of(error, ""))),
    (exceptions.PermissionDenied, lambda error: Forbidden(str(error.detail))),
    (
        (exceptions.NotAuthenticated, exceptions.AuthenticationFailed),
        lambda error: Unauthorized(str(error.detail)),
    ),
    (
        (
            exceptions.ParseError,
            exceptions.MethodNotAllowed,
            exceptions.NotAcceptable,
            exceptions.UnsupportedMediaType,
            exceptions.Throttled,
        ),
        lambda error: BadRequest(str(error.detail)),
    ),
)
"""Errors of Django and DRF, and what they are to the client; the first that fits counts."""


def as_fault(error: Exception) -> Fault:
    """The fault that the client gets for any error. Outages are logged here."""
    if (conflict := as_conflict(error)) is not None:
        return conflict
    if (outage := as_outage(error)) is not None:
        logger.warning("%s (%s)", outage.detail, reason_of(error))
        return outage
    if isinstance(error, Unavailable):
        logger.warning("%s", error.detail)
    for kinds, translate in FOREIGN_ERRORS:
        if isinstance(error, kinds):
            return translate(error)
    return Fault(
        "Something went wrong on our side; the log has it under this request's id. "
        f"({type(error).__name__})"
    )
