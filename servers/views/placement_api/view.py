"""The base of the views of the Placement API."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from django.http import HttpResponse
from django.utils import timezone
from django.utils.http import http_date
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.api.microversions.fields import Schema
from compute_site.api.microversions.serializers import QuerySerializer, VersionedSerializer
from compute_site.api.microversions.version import Microversion
from compute_site.api.request_url import check_query
from compute_site.faults import (
    BadRequest,
    Fault,
    NotAcceptable,
    NotFound,
    Unauthorized,
    UnsupportedMediaType,
)
from compute_site.neighbours.service_view import ServiceView, phrase
from compute_site.values.words import parse_uuid
from servers.placement.resources.errors import NoSuchProvider
from servers.serializers.placement_api.fields import read_value
from servers.views.placement_api.versions import (
    HEADER,
    NEWEST,
    OLDEST,
    SERVICE,
    UnsupportedVersion,
    choose_version,
)

CODES = Microversion.parse("1.23")
TIMES = Microversion.parse("1.15")
UNDEFINED = "placement.undefined_code"
JSON = "application/json"


class MethodNotAllowed(Fault):
    """The URL does not have this method."""

    status = 405

    def __init__(self, methods: Iterable[str]) -> None:
        listed = ", ".join(methods)
        super().__init__(f"This URL has {listed} and no other methods.")
        self.headers = {"Allow": listed}  # type: ignore[misc] # of this error


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of a URL, for the checks before it and for the OpenAPI document.

    ``body`` reads the body; ``body_until`` is the last microversion that has one, and until
    ``old_body_until`` it is ``old_body``. ``answer`` is the JSON schema of a good answer, or gives
    it for a microversion.
    """

    summary: str
    since: str = "1.0"
    body: Any = None
    body_until: str | None = None
    old_body: Any = None
    old_body_until: str = "1.0"
    query: type[QuerySerializer] | None = None
    parameters: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Query parameters that no serializer describes, by name: the version that has each first."""
    answer: Mapping[str, Any] | Callable[[Microversion], Schema] | None = None
    status: int = 200
    faults: tuple[int, ...] = ()
    """Statuses of errors beside 400, 401, 403, 404 and 406."""

    def has_body(self, version: Microversion) -> bool:
        if self.body is None:
            return False
        return self.body_until is None or version <= Microversion.parse(self.body_until)

    def body_at(self, version: Microversion) -> Any:
        is_old = version <= Microversion.parse(self.old_body_until)
        return self.old_body if self.old_body is not None and is_old else self.body

    def answer_at(self, version: Microversion) -> Mapping[str, Any] | None:
        return self.answer(version) if callable(self.answer) else self.answer


class PlacementView(ServiceView):
    """Checks a request in the order in which Placement does, then calls the method.

    Subclasses ask the policy, read, call one function, and answer.
    """

    since: ClassVar[str] = "1.0"
    """The first microversion that knows this URL."""
    operations: ClassVar[Mapping[str, Operation]] = {}
    """By HTTP method."""
    version: Microversion = OLDEST
    knows_version = False

    @property
    def default_response_headers(self) -> dict[str, str]:
        """None: Placement does not send the headers that DRF adds to all answers."""
        return {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if not self.open and request.auth is None:
            raise Unauthorized("Send a valid token in X-Auth-Token.")
        self.version = choose_version(request.headers.get(HEADER, ""))
        self.knows_version = True
        if request.META.get("CONTENT_LENGTH") not in (None, "", "0") and not request.META.get(
            "CONTENT_TYPE"
        ):
            raise BadRequest("Say by Content-Type what the body is.")
        if "\x00" in request.path:
            raise NotFound("Nothing here has the character NUL in its name.")
        method = str(request.method)
        if method not in self.operations:
            raise MethodNotAllowed(self.operations)
        if self.version < Microversion.parse(self.since):
            raise NotFound(f"This needs microversion {self.since} or later.")
        operation = self.operations[method]
        if self.version < Microversion.parse(operation.since):
            raise MethodNotAllowed(name for name in self.operations if name != method)
        self._check_media(request, operation)
        check_query(request._request)  # noqa: SLF001 - Django's request

    def _check_media(self, request: Request, operation: Operation) -> None:
        if operation.has_body(self.version):
            sent = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip()
            if sent != JSON:
                raise UnsupportedMediaType(f"Send {JSON}, not {sent[:100] or 'nothing'}.")
        elif request.method == "GET" and operation.answer is not None:
            accepted = request.META.get("HTTP_ACCEPT", "")
            if accepted and not _takes_json(accepted):
                raise NotAcceptable(f"Only {JSON} is here.")

    def permit(self, rule: str, project_id: str | None = None) -> None:
        """Raises: PolicyRefused."""
        self.caller.permit(rule, project_id=project_id)

    def read_json(self, body: Any) -> Any:
        """The body as this serializer or field reads it.

        Raises:
            InvalidBody: it breaks the rules of the microversion; every fault is listed.
        """
        given = self.read_body()
        if isinstance(body, type) and issubclass(body, VersionedSerializer):
            return body.read(given, self.version)
        return read_value(body, given, self.version)

    def read_query(self, query: type[QuerySerializer]) -> Any:
        return query.read_query(dict(self.request.GET.lists()), self.version)

    @property
    def prefix(self) -> str:
        """What links begin with; they have no host, as in Placement."""
        return f"{self.request.META.get('SCRIPT_NAME', '')}/placement"

    def answer(
        self,
        body: Any = None,
        *,
        status: int = 200,
        modified: dt.datetime | None = None,
        location: str | None = None,
    ) -> Response:
        """``modified``: the last change of what is shown; now, where that is not known."""
        response = Response(body, status=status)
        if location is not None:
            response["Location"] = self.request.build_absolute_uri(self.prefix + location)
        if body is not None:
            self.set_times(response, modified)
        return response

    def set_times(self, response: HttpResponse, modified: dt.datetime | None) -> None:
        if self.version >= TIMES:
            response["Cache-Control"] = "no-cache"
            response["Last-Modified"] = http_date((modified or timezone.now()).timestamp())

    def show_error(self, fault: Fault) -> dict[str, Any]:
        told = "; ".join(
            f"{one.field}: {one.detail}" if one.field else one.detail for one in fault.errors
        )
        error: dict[str, Any] = {
            "status": fault.status,
            "title": phrase(fault.status),
            "detail": fault.detail if len(fault.errors) == 1 else told,
            "request_id": self.request.META.get("compute_site.request_id", "-"),
        }
        if self.knows_version and self.version >= CODES:
            known = fault.code.startswith(f"{SERVICE}.")
            error["code"] = fault.code if known else UNDEFINED
        if isinstance(fault, UnsupportedVersion):
            error |= {"max_version": str(NEWEST), "min_version": str(OLDEST)}
        return {"errors": [error]}

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        if self.knows_version:
            response[HEADER] = f"{SERVICE} {self.version}"
            response["Vary"] = HEADER
        return response


def _takes_json(accepted: str) -> bool:
    """Does an ``Accept`` header allow JSON?"""
    for entry in accepted.split(","):
        kind, *parameters = (word.strip().lower() for word in entry.split(";"))
        refused = any(word.replace(" ", "") in ("q=0", "q=0.0") for word in parameters)
        if kind in (JSON, "application/*", "*/*") and not refused:
            return True
    return False


def read_provider_id(text: str) -> uuid.UUID:
    """Raises: NoSuchProvider: the text is no UUID, so that nothing has it."""
    found = parse_uuid(text)
    if found is None:
        raise NoSuchProvider(f"No resource provider has the UUID {text[:60]}.")
    return found


def latest(times: Iterable[dt.datetime | None]) -> dt.datetime | None:
    """The last of these times."""
    return max((time for time in times if time is not None), default=None)


class UnknownPlacementUrl(PlacementView):
    """Every other path below ``/placement``."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.auth is None:
            raise Unauthorized("Send a valid token in X-Auth-Token.")
        self.version = choose_version(request.headers.get(HEADER, ""))
        self.knows_version = True
        raise NotFound("There is nothing at this URL.")
