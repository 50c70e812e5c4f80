"""The base class of the views of the image, network and volume APIs.

These APIs show the objects of the local services and allow simple changes, because clients of
compute need them to look up names and ids.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import http
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar, cast
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Model, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.api.json_view import JsonView
from compute_site.api.links import root_of
from compute_site.api.rendering import JsonRenderer
from compute_site.api.request_url import check_query
from compute_site.api.view import as_fault
from compute_site.caller import Caller
from compute_site.db.paging import Paging, SortKey, cut_page
from compute_site.faults import (
    BadRequest,
    Fault,
    NotFound,
    Unauthorized,
)
from compute_site.neighbours.ids import canonical_ids, is_address
from compute_site.neighbours.serializers import Asked, BodySerializer, check_alone
from compute_site.policy.identity_service import login_url
from compute_site.values.words import is_canonical

logger = logging.getLogger(__name__)

Row = TypeVar("Row", bound=Model)


class UnknownFilter(BadRequest):
    """A parameter of a list that nothing is filtered by."""

    code = "unknown_filter"


class MarkerUnknown(BadRequest):
    """The marker of the page is not in the list."""

    code = "marker_unknown"


@dataclasses.dataclass(frozen=True, slots=True)
class Filter:
    """A filter parameter of a list: the column to compare with, and how values are converted."""

    column: str
    read: Callable[[list[str]], list[Any]] = list


def by_id(column: str = "pk") -> Filter:
    """A filter by id; values that are no ids match nothing."""
    return Filter(column, canonical_ids)


def by_address(column: str) -> Filter:
    """A filter by IP address; other values match nothing."""
    return Filter(column, lambda words: [word for word in words if is_address(word)])


LONGEST_MARKER = 60
"""Characters of a marker in the text of an error."""
MOST_DIGITS = 1000
"""Python refuses to read numbers of several thousand digits."""


class ServiceView(JsonView):
    """A view that needs a caller, unless it is ``open``, as version documents are."""

    versioning_class = None
    renderer_classes = (JsonRenderer,)
    schema = None  # the API's document is about compute
    open: ClassVar[bool] = False
    filters: ClassVar[Mapping[str, Filter]] = {}
    query_parameters: ClassVar[frozenset[str]] = frozenset()
    """What a ``GET`` takes, for the OpenAPI document."""
    bodies: ClassVar[Mapping[str, tuple[str, type[BodySerializer]]]] = {}
    """The key and the serializer of the body of a method, for the OpenAPI document."""
    version_header: ClassVar[str] = ""
    """What asks for the newest microversion, if the service has some; for the same document."""
    marked_by: ClassVar[str] = "pk"
    """The column whose values are markers of pages."""
    marker_unknown: ClassVar[type[Fault]] = MarkerUnknown
    """What is raised where the marker of a page is not in the list."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if any("\x00" in text for text in (request.path, *map(str, request.GET.values()))):
            raise BadRequest("Nothing here has the character NUL in its name.")
        if self.open:
            return
        if self.request.auth is None:
            raise Unauthorized("Send a valid token in X-Auth-Token.")
        check_query(request._request)  # noqa: SLF001 - Django's request
        project_id = self.kwargs.pop("project_id", None)
        if project_id is not None and project_id != self.caller.project_id:
            raise BadRequest(f"The URL names the project {project_id}, but you are in another one.")

    def show_error(self, fault: Fault) -> dict[str, Any]:
        """The body of an error in the format of the service."""
        raise NotImplementedError

    @property
    def caller(self) -> Caller:
        return cast("Caller", self.request.auth)

    @property
    def root(self) -> str:
        return root_of(self.request._request)  # noqa: SLF001 - Django's request

    def read(self, noun: str, serializer: type[BodySerializer], *, where: str = "") -> Asked:
        """The object under the key ``noun`` of the body. ``where`` begins the text of an error.

        Raises:
            BadRequest: it is not as the serializer has it; every fault is listed.
        """
        return self.read_object(self.read_body(), noun, serializer, where=where)

    def read_object(
        self, body: Any, noun: str, serializer: type[BodySerializer], *, where: str = ""
    ) -> Asked:
        """The same of a body that has been read already."""
        given = body.get(noun) if isinstance(body, dict) else None
        if not isinstance(given, dict):
            raise BadRequest(f"Send an object under {noun}.", field=noun)
        check_alone(body, noun)
        context = self.serializer_context
        return serializer.read(given, field=noun, where=where, context=context)

    def read_whole(self, serializer: type[BodySerializer], what: str, *, where: str = "") -> Asked:
        """The body where it is the object itself, under no key; ``what`` it must have.

        Raises:
            BadRequest: as of ``read``.
        """
        body = self.read_body()
        if not isinstance(body, dict):
            raise BadRequest(f"Send an object with {what}.")
        return serializer.read(body, where=where, context=self.serializer_context)

    @property
    def serializer_context(self) -> dict[str, Any]:
        """What serializers find in ``self.context``, as in DRF's own views."""
        return {"request": self.request, "view": self}

    def filtered(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        """The rows that match the query string; parameters that are no filters are ignored."""
        for name, chosen in self.filters.items():
            words = self.request.GET.getlist(name)
            if words:
                rows = rows.filter(**{f"{chosen.column}__in": chosen.read(words)})
        return rows

    def page(
        self,
        rows: QuerySet[Row],
        order: Sequence[SortKey],
        *,
        offset: int = 0,
        markers: QuerySet[Row] | None = None,
    ) -> list[Row]:
        """The rows after the marker, at most ``limit``; sets ``self.more`` if others follow. The
        marker is one of ``markers``, or else of the rows.

        Raises:
            marker_unknown: it is none of them.
        """
        marker = self.request.GET.get("marker")
        after, among = None, rows if markers is None else markers
        if marker is not None:
            may_be = self.marked_by != "pk" or is_canonical(marker)
            after = among.filter(**{self.marked_by: marker}).first() if may_be else None
            if after is None:
                raise self.marker_unknown(f"There is no {marker[:LONGEST_MARKER]} in this list.")
        found = cut_page(rows, order, Paging(self.limit + 1), after, offset=offset)
        self.more = len(found) > self.limit
        return found[: self.limit]

    @property
    def limit(self) -> int:
        most: int = settings.OPTIONS.max_page_size
        text = self.request.GET.get("limit", str(most))
        if not text.isdecimal() or len(text) > MOST_DIGITS:
            raise BadRequest(f"limit is a whole number from 0 on, not {text[:100]}.")
        return min(int(text), most)

    def next_url(self, path: str, last: Row) -> str:
        """The URL of the page that follows the one that ends with this row."""
        given = [pair for pair in self.request.GET.lists() if pair[0] != "marker"]
        marker = str(getattr(last, self.marked_by))
        return f"{path}?{urlencode([*given, ('marker', [marker])], doseq=True)}"

    def find(self, rows: QuerySet[Row], row_id: str, noun: str) -> Row:
        """The row with this id.

        Raises:
            NotFound: it does not exist, or the caller may not see it.
        """
        row = rows.filter(pk=row_id).first() if is_canonical(row_id) else None
        if row is None:
            raise NotFound(f"There is no {noun} {row_id}.")
        return row

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response]:
        return self.render_error

    def render_error(self, error: Exception, _context: dict[str, Any]) -> Response:
        fault = as_fault(error)
        if fault.status == 500:
            logger.error("unexpected error", exc_info=error)
        body = show_unauthorized(fault) if fault.status == 401 else self.show_error(fault)
        return Response(body, status=fault.status, headers=fault.headers)

    def http_method_not_allowed(  # type: ignore[override]  # as DRF itself has it
        self, request: Request, *args: Any, **kwargs: Any
    ) -> Response:
        raise NotFound("There is nothing at this URL for this method.")

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        if response.status_code == Unauthorized.status:
            response["WWW-Authenticate"] = f'Keystone uri="{login_url(self.root)}"'
        return response


def show_unauthorized(fault: Fault) -> dict[str, Any]:
    """The body of a 401. In OpenStack it comes from keystonemiddleware, in one format for all
    services.
    """
    return {"error": {"code": 401, "title": "Unauthorized", "message": fault.detail}}


def phrase(status: int) -> str:
    return http.HTTPStatus(status).phrase


def iso(time: dt.datetime) -> str:
    return time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
