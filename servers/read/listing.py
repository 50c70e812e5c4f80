"""Lists servers: who may see which, filters, order, pages by marker.

A server that nobody has begun to build is matched by other rules than one that lies on a host
(Nova keeps the two in different databases): what is not set yet passes every pattern.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db import DataError, OperationalError, transaction
from django.db.models import (
    BooleanField,
    Count,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    TextField,
    Value,
)
from django.db.models.expressions import OrderBy
from django.db.models.functions import Cast
from django.db.models.lookups import In, Regex

from compute_site.caller import Caller
from compute_site.db.compiled import CompiledQuery
from compute_site.db.outages import is_too_slow
from compute_site.db.patterns import is_costly
from compute_site.values.words import is_canonical
from flavors.models import Flavor
from servers.errors import BadFilter, CostlyFilter, MarkerNotFound, SortRefused
from servers.models import BuildRequest, Instance, Tag, VmState
from servers.models.tag import MOST_TAGS
from servers.read.details import Details, Parts, compile_details, read_compiled, read_details

RESERVATION = re.compile(r"r-[a-z0-9]{8}")

EXACT = frozenset(("project_id", "user_id", "image_ref", "vm_state", "task_state", "host"))
"""Columns that are filtered by equality."""
TEXTS = frozenset(
    (
        "display_name",
        "display_description",
        "reservation_id",
        "kernel_id",
        "ramdisk_id",
        "hostname",
        "key_name",
        "node",
        "availability_zone",
        "locked_by",
        "root_device_name",
        "config_drive",
    )
)
"""Columns that are filtered by pattern."""
OTHERS = frozenset(
    (
        "power_state",
        "progress",
        "launch_index",
        "auto_disk_config",
        "access_ip_v4",
        "access_ip_v6",
        "created_at",
        "launched_at",
        "terminated_at",
    )
)
"""Columns that are no texts but filtered by pattern. Nova: on PostgreSQL such a filter finds no
server on a host."""
UNSET = ("", "0", "False")

SORT_COLUMNS = {
    **{name: name for name in EXACT | TEXTS | OTHERS if name != "reservation_id"},
    "locked": "locked",
    "updated_at": "updated_at",
    "uuid": "uuid",
    "instance_type_id": "flavor_record_id",
}
"""Columns to sort by, by their names on the wire."""
HOST_KEYS = frozenset(("host", "node"))

JOINED_TAGS = 4
"""Each is a table more in the plan, which takes seconds to make for dozens of them."""

LAST_SECOND = datetime.max.replace(microsecond=0, tzinfo=UTC)
IS_ORDER = Q(build_request__isnull=False)
"""Nobody has begun to build the server."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServerQuery:
    """What to list; checked, and free of microversions."""

    all_projects: bool = False
    equal: Mapping[str, str | Collection[str]] = dataclasses.field(default_factory=dict)
    """By the names of ``EXACT``: a text, or several of which one must be equal."""
    patterns: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """By the names of ``TEXTS`` and ``OTHERS``."""
    flavor: str | None = None
    server_id: str | None = None
    locked: bool | None = None
    deleted: bool | None = False
    """``None``: both."""
    soft_deleted: bool = False
    """Also those that can be restored."""
    changes_since: datetime | None = None
    changes_before: datetime | None = None
    addresses: Sequence[str] = ()
    """Patterns of which one must match the beginning of an address."""
    all_tags: Sequence[str] = ()
    """Tags, here and below, stand once each."""
    any_tag: Sequence[str] = ()
    not_all_tags: Sequence[str] = ()
    not_any_tag: Sequence[str] = ()
    order: Sequence[tuple[str, bool]] = (("created_at", True),)
    """Names of ``SORT_COLUMNS``, and whether descending."""
    limit: int = 1000
    marker: str | None = None

    @property
    def is_plain(self) -> bool:
        """Is it a first page, without any filter?"""
        plain = ServerQuery(all_projects=self.all_projects, order=self.order, limit=self.limit)
        return self.limit > 0 and self == plain


def select_servers(caller: Caller, query: ServerQuery) -> QuerySet[Instance]:
    """The page of servers that the query asks for, in order.

    Raises:
        MarkerNotFound: the marker is no server that the caller could have listed.
        SortRefused: only an admin may sort by hosts.
    """
    _permit_order(caller, query.order)
    if query.all_projects:
        visible: QuerySet[Instance] = Instance.objects.in_all_projects()
        orders = BuildRequest.objects.all()
    else:
        visible = Instance.objects.filter(project=caller.project_id)
        orders = BuildRequest.objects.filter(project=caller.project_id)
    order = _complete_order(query.order)
    page = visible.filter(*_conditions(query, visible))
    if query.changes_since is not None:
        page = page.filter(pk__in=_changed_since(query.changes_since, visible, orders))
    if query.marker is not None:
        page = page.filter(_after(order, _find_marker(visible, query.marker, order)))
    if query.limit == 0:
        return Instance.objects.none()
    ordering = [OrderBy(F(name), descending=down) for name, down in order]
    if len(query.all_tags) > MOST_TAGS:  # as many as no server has
        return Instance.objects.none()
    if query.all_tags or query.any_tag:
        page = _with_tags(page.order_by(*ordering), query)
    return page.order_by(*ordering)[: query.limit]


# filters


def _conditions(query: ServerQuery, visible: QuerySet[Instance]) -> list[Any]:
    conditions: list[Any] = [_alive(query)]
    if query.deleted is False and "display_name" in query.patterns:
        # says nothing new, but a name is found in its index then without looking at the servers
        named = visible.filter(deleted_at__isnull=True).filter(
            _match("display_name", query.patterns["display_name"])
        )
        conditions.append(Q(pk__in=named.order_by().values("pk")))
    for column, value in query.equal.items():
        one = isinstance(value, str)
        conditions.append(Q(**{column if one else f"{column}__in": value}))
    conditions += [_match(column, pattern) for column, pattern in query.patterns.items()]
    if query.flavor is not None:
        conditions.append(Q(flavor_record__in=Flavor.objects.filter(flavorid=query.flavor)))
    if query.server_id is not None:
        known = [query.server_id] if is_canonical(query.server_id) else []
        conditions.append(Q(uuid__in=known))
    if query.locked is not None:
        conditions.append(IS_ORDER | Q(locked=query.locked))
    if query.changes_before is not None:
        conditions.append(IS_ORDER | Q(updated_at__lt=_end_of_second(query.changes_before)))
    if query.addresses:
        conditions += [~IS_ORDER, _has_address(query.addresses)]
    return conditions + _match_tags(query)


def _end_of_second(time: datetime) -> datetime:
    """Answers tell whole seconds: a server whose last change is told to be of that second counts,
    whatever the fraction.
    """
    second = time.replace(microsecond=0)
    return second if second >= LAST_SECOND else second + timedelta(seconds=1)


def _changed_since(
    since: datetime, visible: QuerySet[Instance], orders: QuerySet[BuildRequest]
) -> QuerySet[Any, Any]:
    """One of two lists, each of which the database reads off an index; it would look at all
    servers of the project for an "or".
    """
    changed = visible.filter(updated_at__gte=since).order_by().values("pk")
    return changed.union(orders.values("instance"), all=True)


def _alive(query: ServerQuery) -> Q:
    # Nova: a server that was deleted before it reached a cell leaves no trace in lists
    alive, has_trace = Q(deleted_at__isnull=True), Q(mapping__cell__isnull=False)
    restorable = Q(vm_state=VmState.SOFT_DELETED)
    if query.deleted is None:
        return alive | has_trace
    if query.deleted and query.soft_deleted:
        return (~alive | restorable) & (alive | has_trace)  # first the words of their index
    if query.deleted:
        return ~alive & has_trace
    return alive if query.soft_deleted else alive & ~restorable


def _match(column: str, pattern: str) -> Any:
    if column == "reservation_id" and RESERVATION.fullmatch(pattern):
        return Q(reservation_id=pattern)  # a whole id, as a pattern, finds but itself
    text = _as_text(column)
    matches = Q(Regex(text, Value(pattern)))
    if column == "display_name":
        return matches  # always set: both kinds of servers are matched alike
    unset_or_matches = IS_ORDER & (Q(**{f"{column}__isnull": True}) | Q(In(text, UNSET)) | matches)
    return unset_or_matches | (~IS_ORDER & matches) if column in TEXTS else unset_or_matches


def _as_text(column: str) -> Any:
    """The column as Python writes it, so that patterns mean the same here and there."""
    if column in TEXTS:
        return F(column)
    if column in ("access_ip_v4", "access_ip_v6"):
        return Func(F(column), function="HOST", output_field=TextField())
    return Func(Cast(column, TextField()), function="INITCAP", output_field=TextField())


class _AddressMatches(Func):
    """Does the pattern match an address of a NIC? Takes the NICs and the pattern."""

    template = "EXISTS (SELECT 1 FROM jsonb_path_query(%(expressions)s)"
    arg_joiner = ", '$[*].addresses[*][0]') AS address WHERE address #>> '{}' ~ "
    output_field = BooleanField()


def _has_address(patterns: Sequence[str]) -> Q:
    matches = [_AddressMatches(F("network_info"), Value(f"^(?:{text})")) for text in patterns]
    return Q(*matches, _connector=Q.OR)


def _match_tags(query: ServerQuery) -> list[Any]:
    conditions: list[Any] = []
    if query.not_all_tags and len(query.not_all_tags) <= MOST_TAGS:
        conditions.append(~_has_all(query.not_all_tags))
    if query.not_any_tag:
        conditions.append(~_has_any(query.not_any_tag))
    return conditions


def _with_tags(page: QuerySet[Instance], query: ServerQuery) -> QuerySet[Instance]:
    """The beginning of the page by the servers' own tags, and that by the tags of open orders.

    One condition for both would be simpler, but for an "or" the database looks at all servers of
    the project; so it begins with a tag that is rare, and with the page where it is frequent.
    """
    joined, rest = query.all_tags[:JOINED_TAGS], query.all_tags[JOINED_TAGS:]
    own = [Q(pk__in=Tag.objects.filter(tag=tag).values("instance")) for tag in joined]
    if rest:
        own.append(Q(_has_own(rest)))
    ordered = Q(build_request__tags__has_keys=list(query.all_tags))
    if query.any_tag:
        own.append(Q(pk__in=Tag.objects.filter(tag__in=query.any_tag).values("instance")))
        ordered &= Q(build_request__tags__has_any_keys=list(query.any_tag))
    first, second = page.filter(*own)[: query.limit], page.filter(ordered)[: query.limit]
    return Instance.objects.filter(pk__in=first.values("pk").union(second.values("pk"), all=True))


def _has_all(tags: Sequence[str]) -> Q:
    ordered = BuildRequest.objects.filter(instance=OuterRef("pk"), tags__has_keys=list(tags))
    return Q(_has_own(tags)) | Q(Exists(ordered))


def _has_own(tags: Sequence[str]) -> Exists:
    """Are all of the tags, each given once, on the server? Counted, whatever their number."""
    found = Tag.objects.filter(instance=OuterRef("pk"), tag__in=tags).order_by().values("instance")
    return Exists(found.annotate(number=Count("pk")).filter(number=len(tags)))


def _has_any(tags: Sequence[str]) -> Q:
    own = Tag.objects.filter(instance=OuterRef("pk"), tag__in=tags)
    ordered = BuildRequest.objects.filter(instance=OuterRef("pk"), tags__has_any_keys=list(tags))
    return Q(Exists(own)) | Q(Exists(ordered))


# order and pages


def _permit_order(caller: Caller, order: Sequence[tuple[str, bool]]) -> None:
    for key, _ in order:
        if key in HOST_KEYS and not caller.is_admin:
            raise SortRefused(f"Only an admin may sort servers by {key}.")


def _complete_order(order: Sequence[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """Columns instead of keys, ending with time and key, so that no two servers are equal."""
    descending = order[0][1]
    columns: dict[str, bool] = {}
    for key, down in order:
        columns.setdefault(SORT_COLUMNS[key], down)
    for column in ("created_at", "id"):
        columns.setdefault(column, descending)
    return list(columns.items())


def _find_marker(
    visible: QuerySet[Instance], marker: str, order: Sequence[tuple[str, bool]]
) -> tuple[Any, ...]:
    """The values by which the marker is sorted."""
    if is_canonical(marker):
        columns = [column for column, _ in order]
        values: tuple[Any, ...] | None = visible.filter(uuid=marker).values_list(*columns).first()
        if values is not None:
            return values
    raise MarkerNotFound(f"There is no server {marker} to go on from.")


def _after(order: Sequence[tuple[str, bool]], values: Sequence[Any]) -> Q:
    """Which servers come after the one with these values?"""
    steps, equal = [], Q()
    for (column, descending), value in zip(order, values, strict=True):
        steps += [equal & beyond for beyond in _beyond(column, descending, value)]
        equal &= Q(**{f"{column}__isnull": True}) if value is None else Q(**{column: value})
    after = Q(*steps, _connector=Q.OR)
    (column, descending), value = order[0], values[0]
    if descending and value is not None:
        after &= Q(**{f"{column}__lte": value})  # says nothing new, but an index can use it
    return after


def _beyond(column: str, descending: bool, value: Any) -> list[Q]:
    """Which values come later than this one? Null sorts as the largest, as PostgreSQL has it."""
    if descending:
        return [Q(**{f"{column}__isnull": False} if value is None else {f"{column}__lt": value})]
    if value is None:
        return []
    later = Q(**{f"{column}__gt": value})
    nullable = Instance._meta.get_field(column).null  # noqa: SLF001 - the documented door to fields
    return [later | Q(**{f"{column}__isnull": True}) if nullable else later]


class ServerName(NamedTuple):
    """What a list without details shows of a server."""

    uuid: str
    display_name: str


def list_details(caller: Caller, query: ServerQuery | None, parts: Parts) -> Details:
    """The page with all that answers show; ``None``: an empty one. Raises as ``select_servers``
    and ``BadFilter``.
    """
    if query is not None and query.is_plain:
        page = _plain_page(query.all_projects, tuple(query.order), query.limit, parts)
        return read_compiled(caller, page, parts)
    servers = Instance.objects.none() if query is None else select_servers(caller, query)
    with _patterns_checked(query):
        return read_details(servers, parts)


@functools.lru_cache(maxsize=200)
def _plain_page(
    all_projects: bool, order: tuple[tuple[str, bool], ...], limit: int, parts: Parts
) -> CompiledQuery:
    """Most lists have no filter, and making their SQL costs more than all else of a short one."""
    query = ServerQuery(all_projects=all_projects, order=order, limit=limit)
    return compile_details(lambda caller: select_servers(caller, query), parts)


def list_names(caller: Caller, query: ServerQuery | None) -> list[ServerName]:
    """The page by name and id; raises as ``list_details``."""
    servers = Instance.objects.none() if query is None else select_servers(caller, query)
    with _patterns_checked(query):
        return [
            ServerName(str(row[0]), row[1]) for row in servers.values_list("uuid", "display_name")
        ]


@contextlib.contextmanager
def _patterns_checked(query: ServerQuery | None) -> Iterator[None]:
    """PostgreSQL understands patterns a little differently from Python, which checked them."""
    if query is None or not (query.patterns or query.addresses):
        yield
        return
    try:
        with transaction.atomic():
            yield
    except DataError as error:
        reason = str(error).splitlines()[0]
        raise BadFilter(f"The database cannot filter by such a pattern: {reason}.") from error
    except OperationalError as error:
        patterns = [*query.patterns.values(), *query.addresses]
        if is_too_slow(error) and any(map(is_costly, patterns)):
            raise CostlyFilter("The database takes too long to filter by this pattern.") from error
        raise
