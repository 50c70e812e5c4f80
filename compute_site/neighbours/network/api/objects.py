"""What the views of the kinds of objects of the network API share, and the view of one object."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.caller import Caller
from compute_site.db.paging import SortKey
from compute_site.faults import Fault, MethodNotAllowed
from compute_site.neighbours.network.api.filters import BY_TAGS, Narrow
from compute_site.neighbours.serializers import BodySerializer
from compute_site.neighbours.service_view import ServiceView


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of object: the rule to see it, the serializers of its bodies, and the functions that
    make, change and delete it.
    """

    seen: str

    new: type[BodySerializer]
    create: Callable[[Caller, Mapping[str, Any], Collection[str]], Any]
    changed: type[BodySerializer]
    change: Callable[[Caller, Any, Mapping[str, Any], Collection[str]], None]
    delete: Callable[[Caller, Any], None]
    tagged: str = ""
    """The rule to tag it."""


class RevisionNumberConstraintFailed(Fault):
    """The object has another revision than the client asks for; clients know it by this name."""

    status = 412
    code = "revision_number_constraint_failed"


IF_MATCH = re.compile(r"revision_number=([0-9]{1,18})")


class NetworkView(ServiceView):
    """``noun`` is the key of one object; with an s, or else ``nouns``, it is that of the list."""

    noun: ClassVar[str]
    nouns: ClassVar[str] = ""
    kind: ClassVar[Kind]
    order: ClassVar[Sequence[SortKey]] = (("name", False), ("pk", False))
    narrowed: ClassVar[Mapping[str, Narrow]] = BY_TAGS
    """Filters that are not the values of one column."""
    sorted_by: ClassVar[Mapping[str, str]] = {
        "id": "pk",
        "project_id": "project_id",
        "tenant_id": "project_id",
        **{key: key for key in ("name", "description", "created_at", "updated_at")},
        "revision_number": "revision_number",
    }
    """The keys that lists are sorted by, and their columns."""

    def show_error(self, fault: Fault) -> dict[str, Any]:
        kind = type(fault).__name__
        return {"NeutronError": {"type": kind, "message": fault.detail, "detail": ""}}

    def rows(self) -> QuerySet[Any]:
        """The rows that the caller may see, with the relations that are shown."""
        raise NotImplementedError

    def show(self, row: Any) -> dict[str, Any]:
        raise NotImplementedError

    def http_method_not_allowed(  # type: ignore[override]  # as DRF itself has it
        self, request: Request, *args: Any, **kwargs: Any
    ) -> Response:
        raise MethodNotAllowed(f"There is no {request.method} at this URL.")

    @property
    def plural(self) -> str:
        return self.many.replace("_", "-")

    @property
    def many(self) -> str:
        """The key of the list."""
        return self.nouns or f"{self.noun}s"

    def find_row(self, row_id: str) -> Any:
        self.caller.permit(self.kind.seen)
        return self.find(self.rows(), row_id, self.noun.replace("_", " "))

    def check_revision(self, row: Any) -> None:
        """``If-Match: revision_number=3`` lets only a change of that revision through.

        Raises:
            RevisionNumberConstraintFailed: the object has changed since.
        """
        match = IF_MATCH.fullmatch(self.request.headers.get("If-Match", ""))
        current = getattr(row, "revision_number", 0)
        if match is not None and int(match[1]) != current:
            raise RevisionNumberConstraintFailed(
                f"You ask for revision {match[1]}; the object has {current}."
            )

    def show_asked(self, row: Any) -> dict[str, Any]:
        """The object; only the keys in the parameter ``fields``, if that is given."""
        shown = self.show(row)
        asked = self.request.GET.getlist("fields")
        return {key: shown[key] for key in asked if key in shown} if asked else shown


class DetailView(NetworkView):
    """``GET``, ``PUT`` and ``DELETE /network/v2.0/{nouns}/{id}``"""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if hasattr(cls, "kind"):
            cls.bodies = {"put": (cls.noun, cls.kind.changed)}

    def get(self, request: Request, row_id: str) -> Response:
        return Response({self.noun: self.show_asked(self.find_row(row_id))})

    def put(self, request: Request, row_id: str) -> Response:
        row = self.find_row(row_id)
        self.check_revision(row)
        asked = self.read(self.noun, self.kind.changed)
        self.kind.change(self.caller, row, asked.values, asked.given)
        return Response({self.noun: self.show(self.rows().get(pk=row.pk))})

    def delete(self, request: Request, row_id: str) -> Response:
        row = self.find_row(row_id)
        self.check_revision(row)
        self.kind.delete(self.caller, row)
        return Response(status=204)
