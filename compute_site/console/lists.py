"""The base of the apps' lists in the admin, which stay fast with any number of rows."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin import ShowFacets
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import Count, Field, JSONField, Model, Q, QuerySet
from django.forms import Field as FormField
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html

from compute_site.console.csv_lists import MOST_ROWS, list_as_csv
from compute_site.console.form_fields import Reader, RowSelects, strict_field
from compute_site.console.named import name_rows
from compute_site.identity.models import User
from compute_site.values.words import parse_uuid

MOST_KEYS = 100
"""Rows that a typed word may stand for."""

LOOKUPS = ("", "__exact", "__in", "__isnull", "__gte", "__lt")
"""What the links of Django's filters ask for."""

SUGGESTED = frozenset(("project", "user", "host", "flavor", "network", "image"))
"""Titles of filters whose field suggests names while somebody types."""

LENGTH_OF_UUID = 36
"""With its dashes; ids of users and projects have none."""


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts at most ``MOST_ROWS`` rows, because a full count reads the whole table."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if not isinstance(rows, QuerySet):
            return len(rows)
        return rows.order_by().values("pk")[:MOST_ROWS].count()


class CountingChangeList(ChangeList):
    """Counts the related rows of all rows of the page."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        page: Any = self.model_admin
        page.name_users(self.result_list)
        page.count_for_all(self.result_list)
        name_rows(page, page.list_display, list(self.result_list), request.user)


class ListAdmin(RowSelects, admin.ModelAdmin):  # type: ignore[type-arg]
    """A list whose cost does not grow with its table.

    Filters are booleans, columns with choices, dates, and text inputs: a filter that lists all
    values of a column would read the whole table.
    """

    change_list_template = "compute_site/change_list.html"
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # a count for each choice of each filter
    list_per_page = 50
    list_max_show_all = 200
    id_fields: Sequence[str] = ()
    """Where a whole UUID is looked for when one is searched: by index, not in every text."""
    address_fields: Sequence[str] = ()
    """The same for an IP address."""

    user_column: str = ""
    """A column with ids of users, of whom ``user_named`` shows the names."""

    counted: str = ""
    """A relation whose rows are counted, for ``count_for``. They are counted for the rows that are
    shown, in a statement of its own: a join would count for the whole table.
    """
    counted_where: Mapping[str, Any] = {}
    list_prefetched: Sequence[str] = ()
    """Relations that are shown, where the order has no index: the rows are sorted before they are
    joined with anything.
    """

    servers_by: str = ""
    """The filter of the list of servers that finds those of a row, by its key."""
    json_readers: Mapping[str, Reader] = {}
    """What checks the values of JSON columns, by column."""

    class Media:
        css = {"all": ["compute_site/console.css"]}
        js = ["compute_site/console.js", "compute_site/suggest.js"]

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_csv"
        view = self.admin_site.admin_view(self.csv_view)
        return [path("csv/", view, name=name), *super().get_urls()]

    def csv_view(self, request: HttpRequest) -> HttpResponse:
        """The list with the filters, search and order of the page, as CSV."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        try:
            changes = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            raise Http404("The list has no such filter.") from None
        return list_as_csv(changes, str(self.opts.verbose_name_plural).replace(" ", "-"))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        query = request.GET.urlencode()
        context = {"csv_query": f"?{query}" if query else "", **(extra_context or {})}
        return super().changelist_view(request, context)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """With a link to the row's servers."""
        row = context.get("original")
        if self.servers_by and row is not None and request.user.has_perm("servers.view_instance"):
            query = urlencode({self.servers_by: row.pk})
            context["servers_url"] = f"{reverse('admin:servers_instance_changelist')}?{query}"
        return super().render_change_form(request, context, *args, **kwargs)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.prefetch_related(*self.list_prefetched) if self.list_prefetched else rows

    def formfield_for_dbfield(
        self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> FormField | None:
        if isinstance(db_field, JSONField):
            return strict_field(db_field, self.json_readers.get(db_field.name), **kwargs)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CountingChangeList

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow only the lookups of the page's filters. Django allows every column of the table,
        so that the value of a hidden column could be guessed letter by letter.
        """
        entries: Iterable[Any] = self.get_list_filter(request)
        offered = {
            name
            for entry in entries
            for name in (
                [f"{entry}{end}" for end in LOOKUPS]
                if isinstance(entry, str)
                else [entry.parameter_name]
            )
        }
        return lookup in offered and super().lookup_allowed(lookup, value, request)

    def name_users(self, rows: Iterable[Any]) -> None:
        """Look up the names of the users in the column ``user_column``, in one statement."""
        if not self.user_column:
            return
        found = list(rows)
        keys = {getattr(row, self.user_column) for row in found}
        names = dict(User.objects.filter(pk__in=keys).values_list("pk", "username"))
        for row in found:
            row.user_name = names.get(getattr(row, self.user_column), "")

    @admin.display(description="user")
    def user_named(self, row: Any) -> str:
        """The user's name; the id of one who is gone."""
        key = getattr(row, self.user_column)
        return getattr(row, "user_name", "") or key or "the site"

    def count_for(self, row: Any) -> int:
        """How many rows of the relation ``counted`` the row has."""
        if not hasattr(row, "counted_rows"):
            self.count_for_all([row])
        return int(row.counted_rows)

    def count_for_all(self, rows: Iterable[Any]) -> None:
        """The same for many, in one statement."""
        if not self.counted:
            return
        found: QuerySet[Any, Any] = QuerySet(self.model).order_by()
        found = found.filter(pk__in=[row.pk for row in rows], **self.counted_where)
        numbers = dict(found.values_list("pk").annotate(number=Count(self.counted)))
        for row in rows:
            row.counted_rows = numbers.get(row.pk, 0)

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        """The row with this key, or, where rows have a UUID beside, with this UUID."""
        columns = {column.name for column in self.opts.fields}
        if "uuid" in columns and self.opts.pk.name != "uuid":
            given = read_uuid(object_id)
            if given is not None:
                key = self.get_queryset(request).filter(uuid=given).values_list("pk", flat=True)
                object_id = str(key.first() or 0)
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            row.viewer = request.user
        return row

    @admin.display(description="name", ordering="name")
    def named(self, row: Any) -> str:
        """The name with the id below, in one column to save space."""
        key = getattr(row, "uuid", row.pk)
        return format_html('{}<div class="mono id">{}</div>', row.name or "–", key)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        word = search_term.strip()
        for value, names in (
            (read_uuid(word), self.id_fields),
            (read_address(word), self.address_fields),
        ):
            if value is not None and names:
                return queryset.filter(_any_of(queryset, names, value)), False
        return super().get_search_results(request, queryset, search_term)


def _any_of(rows: QuerySet[Any], names: Sequence[str], value: object) -> Q:
    """The rows with the value in one of the columns. Each column is looked up on its own, because
    PostgreSQL cannot use indexes for an OR over several tables.
    """
    if len(names) == 1:
        return Q(**{names[0]: value})
    model: Any = rows.model
    found = [Q(pk__in=QuerySet(model).filter(**{name: value}).values("pk")) for name in names]
    return Q(*found, _connector=Q.OR)


class WordFilter(admin.SimpleListFilter):
    """A filter with a text input, because a list of all projects or hosts could be too long."""

    template = "compute_site/word_filter.html"
    lookups_by: tuple[str, ...] = ()
    """Any of these lookups finds the row."""

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.others = [
            (key, value)
            for key, values in request.GET.lists()
            if key not in (self.parameter_name, "p")
            for value in values
        ]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("", "")]  # without a choice Django would not show the filter

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield {
            "name": self.parameter_name,
            "value": self.value() or "",
            "others": self.others,
            "suggested": self.title if self.title in SUGGESTED else "",
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        word = (self.value() or "").strip().replace("\0", "")
        if not word:
            return queryset
        found = [_with_word(queryset.model, lookup, word) for lookup in self.lookups_by]
        return queryset.filter(Q(*found, _connector=Q.OR))


def _with_word(model: type[Model], lookup: str, word: str) -> Q:
    """Rows of the model with the word in this column, or related to a row that has it.

    The related rows are looked up first, so that PostgreSQL can use an index on their keys.
    """
    relation, _, column = lookup.rpartition("__")
    try:
        if not relation:
            QuerySet(model).filter(**{lookup: word})  # raises for an impossible value
            return Q(**{lookup: word})
        target = _model_at(model, relation)
        keys: QuerySet[Any, Any] = (
            QuerySet(target).filter(**{column: word}).values_list("pk", flat=True)
        )
        return Q(**{f"{relation}__in": list(keys[:MOST_KEYS])})
    except (ValidationError, ValueError):
        return Q(pk__in=())


def _model_at(model: type[Model], relation: str) -> type[Model]:
    for name in relation.split("__"):
        target = model._meta.get_field(name).related_model  # noqa: SLF001 - the way to a field
        assert isinstance(target, type)  # noqa: S101 - filters name relations
        model = target
    return model


def word_filter(title: str, *lookups: str) -> type[WordFilter]:
    """A filter with a text input; its parameter has the name of its title."""
    name = title.replace(" ", "_")
    return type(
        "WordFilter",
        (WordFilter,),
        {"title": title, "parameter_name": name, "lookups_by": lookups},
    )


def read_uuid(word: str) -> uuid.UUID | None:
    """The word as an id, if it is one."""
    return parse_uuid(word) if len(word) == LENGTH_OF_UUID else None


def read_address(word: str) -> str | None:
    """The word as an IP address, if it is one."""
    try:
        return str(ipaddress.ip_address(word))
    except ValueError:
        return None
