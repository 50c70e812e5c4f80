"""Lists of the network API: filters, order and pages; and a ``POST`` to their URLs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.db.paging import SortKey
from compute_site.faults import BadRequest, NotFound
from compute_site.neighbours.list_order import SORT_DIR, SORT_KEY, UnknownOrder, as_order, turned
from compute_site.neighbours.network.api.objects import NetworkView
from compute_site.neighbours.serializers import Asked, check_alone
from compute_site.neighbours.service_view import UnknownFilter
from compute_site.values.words import LOOSE_TRUE

OF_LISTS = frozenset(("fields", "limit", "marker", "page_reverse", SORT_KEY, SORT_DIR))
"""Parameters of every list."""
MOST_AT_ONCE = 100


class ListView(NetworkView):
    """``GET`` and ``POST /network/v2.0/{nouns}``"""

    marker_unknown = NotFound
    takes_several: ClassVar[bool] = True
    """Does a ``POST`` make several objects at once?"""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.query_parameters = frozenset((*cls.filters, *cls.narrowed, *OF_LISTS))
        if hasattr(cls, "kind"):
            cls.bodies = {"post": (cls.noun, cls.kind.new)}

    def get(self, request: Request) -> Response:
        self.caller.permit(self.kind.seen)
        rows = self.page(self.filtered(self.rows()), self.asked_order)
        body: dict[str, Any] = {self.many: [self.show_asked(row) for row in rows]}
        if "limit" in request.GET and self.more and rows:
            rel, edge = ("previous", rows[0]) if self.is_reversed else ("next", rows[-1])
            url = self.next_url(f"{self.root}/network/v2.0/{self.plural}", edge)
            body[f"{self.many}_links"] = [{"rel": rel, "href": url}]
        return Response(body)

    def filtered(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows that match the query string.

        Raises:
            UnknownFilter: lists are not filtered by one of its parameters.
        """
        known = self.filters.keys() | self.narrowed.keys() | OF_LISTS
        unknown = sorted(set(self.request.GET) - known)
        if unknown:
            raise UnknownFilter(
                f"{self.plural} are not filtered by {', '.join(unknown)[:200]}; they are by "
                f"{', '.join(sorted(self.filters.keys() | self.narrowed.keys()))}."
            )
        for name, narrow in self.narrowed.items():
            words = self.request.GET.getlist(name)
            if words:
                rows = narrow(rows, words)
        return super().filtered(rows)

    @property
    def asked_order(self) -> Sequence[SortKey]:
        """The columns to sort by, with the id at the end.

        Raises:
            UnknownOrder: a key or direction is none, or there is not one direction for each key.
        """
        keys, ways = (self.request.GET.getlist(name) for name in (SORT_KEY, SORT_DIR))
        if len(keys) != len(ways):
            raise UnknownOrder("Give one sort_dir for each sort_key.")
        pairs = zip(keys, ways, strict=True)
        order = as_order(pairs, self.sorted_by, f"{self.plural} are")
        return [*order, ("pk", False)] if order else self.order

    @property
    def is_reversed(self) -> bool:
        """Is the page before the marker asked for, and not the one behind it?"""
        return self.request.GET.get("page_reverse", "").lower() in LOOSE_TRUE

    @property
    def limit(self) -> int:
        return super().limit or settings.OPTIONS.max_page_size  # Neutron: 0 is no limit

    def page(self, rows: QuerySet[Any], order: Sequence[SortKey], **how: Any) -> list[Any]:
        if not self.is_reversed:
            return super().page(rows, order, **how)
        return super().page(rows, turned(order), **how)[::-1]

    def post(self, request: Request) -> Response:
        body = self.read_body()
        if isinstance(body, dict) and self.many in body:
            if not self.takes_several:
                raise BadRequest(f"Send one {self.noun} in each request.", field=self.many)
            check_alone(body, self.many)
            return self.post_several(body[self.many])
        asked = self.read_object(body, self.noun, self.kind.new)
        check_one_owner(body[self.noun], self.noun)
        row = self.kind.create(self.caller, asked.values, asked.given)
        return Response({self.noun: self.show(self.rows().get(pk=row.pk))}, status=201)

    def post_several(self, entries: Any) -> Response:
        """All of them, or none.

        Raises:
            BadRequest: there is none, or one does not have the shape; its number is told.
        """
        if not isinstance(entries, list) or not entries:
            raise BadRequest(f"Send at least one object under {self.many}.")
        if len(entries) > MOST_AT_ONCE:
            raise BadRequest(f"Send at most {MOST_AT_ONCE} objects at once.")
        asked = [self.read_entry(number, entry) for number, entry in enumerate(entries)]
        with transaction.atomic():
            made = [self.kind.create(self.caller, one.values, one.given).pk for one in asked]
            found = self.rows().in_bulk(made)
        return Response({self.many: [self.show(found[pk]) for pk in made]}, status=201)

    def read_entry(self, number: int, entry: Any) -> Asked:
        where = f"{self.many}.{number}"
        if not isinstance(entry, dict):
            raise BadRequest(f"{where}: send an object.", field=where)
        context = self.serializer_context
        asked = self.kind.new.read(entry, field=where, where=f"{where}: ", context=context)
        check_one_owner(entry, where)
        return asked


def check_one_owner(told: Mapping[str, Any], field: str) -> None:
    """Raises: BadRequest: an object names two projects. Neutron: 400."""
    owners = {told.get(key) for key in ("project_id", "tenant_id")} - {None}
    if len(owners) > 1:
        raise BadRequest("project_id and tenant_id name the same project.", field=field)
