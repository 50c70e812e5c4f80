"""The filters and the order of a list of images. What is no filter names a property, as in Glance;
what is one and has a value that it cannot have is refused.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.dateparse import parse_date, parse_datetime

from compute_site.caller import Caller
from compute_site.db.paging import SortKey
from compute_site.faults import BadRequest
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.image.data.store import HASH_ALGORITHM
from compute_site.neighbours.image.local import tasks
from compute_site.neighbours.image.models import ACCEPTED, MEMBER_STATUSES, Image, ImageTask
from compute_site.neighbours.list_order import (
    DESCENDING,
    SORT_DIR,
    SORT_KEY,
    Pair,
    UnknownOrder,
    as_order,
    read_sort,
)
from compute_site.values.keys import LARGEST_BIG_INT, shown

SORT_KEYS = {
    **{
        key: key
        for key in (
            *("name", "status", "container_format", "disk_format", "size"),
            *("created_at", "updated_at"),
        )
    },
    "id": "pk",
}
VISIBILITIES = ("public", "private", "shared", "community")
ALL = "all"
COMPARISONS = {"gt": "gt", "gte": "gte", "lt": "lt", "lte": "lte", "eq": "exact"}
NOT_EQUAL = "neq"
WORDS_OF_FLAGS = {"true": True, "false": False}
CONTROLS = frozenset(
    ("limit", "marker", "sort", "sort_key", "sort_dir", "visibility", "member_status", "tag")
)
"""Parameters that are no filters of a column."""
PAGING = frozenset(("limit", "marker", SORT_KEY, SORT_DIR))
"""The same of the other lists."""
NOTHING = Q(pk__in=())
LAST_MOMENT = dt.datetime.max.replace(tzinfo=dt.UTC)
LAST_SECOND = LAST_MOMENT - dt.timedelta(seconds=2)


def _texts(name: str, value: str) -> Q:
    """``in:a,b`` names several texts; one with a comma is in quotes."""
    return Q(**{f"{name}__in": _split(name, value)})


def _ids(name: str, value: str) -> Q:
    return Q(pk__in=canonical_ids(_split(name, value)))


def _split(name: str, value: str) -> list[str]:
    operator, colon, rest = value.partition(":")
    if not colon or not operator.isalpha() or not operator.islower():
        return [value.strip('"')]
    if operator != "in":
        raise BadRequest(f"The filter {name} knows the operator in, not {operator[:20]}.")
    return [part.strip('"') for part in rest.split(",")]


def _same(name: str, value: str) -> Q:
    return Q(**{name: value})


def _whole(name: str, value: str) -> int:
    if not value.removeprefix("-").isdecimal() or len(value) > 1000:
        raise BadRequest(f"{name} is a whole number, not {shown(value)}.")
    return int(value)


def _number(name: str, value: str) -> Q:
    """A number that is too large, or negative, is that of no image."""
    found = _whole(name, value)
    return Q(**{name: found}) if 0 <= found <= LARGEST_BIG_INT else NOTHING


def _bound(way: str) -> Callable[[str, str], Q]:
    def read(name: str, value: str) -> Q:
        most = max(min(_whole(name, value), LARGEST_BIG_INT), -LARGEST_BIG_INT)
        return Q(**{f"size__{way}": most})

    return read


def _flag(name: str, value: str) -> Q:
    if value not in WORDS_OF_FLAGS:
        raise BadRequest(f"{name} is true or false, not {shown(value)}.")
    return Q(**{name: WORDS_OF_FLAGS[value]})


def _time(name: str, value: str) -> Q:
    """A time in ISO 8601, perhaps with an operator before it: ``gte:2026-01-01T00:00:00Z``."""
    operator, _, rest = value.partition(":")
    if not operator.isalpha():
        operator, rest = "eq", value
    found = _read_time(rest)
    if found is None:
        raise BadRequest(f"{name} is a time such as gte:2026-01-31T12:00:00Z, not {shown(value)}.")
    if operator == NOT_EQUAL:
        return ~_within_second(name, found)
    if operator == "eq":
        return _within_second(name, found)
    if operator not in COMPARISONS:
        raise BadRequest(f"The filter {name} does not know the operator {operator[:20]}.")
    return Q(**{f"{name}__{COMPARISONS[operator]}": found})


def _within_second(name: str, time: dt.datetime) -> Q:
    """Times are shown in whole seconds."""
    end = time + dt.timedelta(seconds=1) if time < LAST_SECOND else LAST_MOMENT
    return Q(**{f"{name}__gte": time, f"{name}__lt": end})


def _read_time(text: str) -> dt.datetime | None:
    try:
        found = parse_datetime(text)
        day = None if found else parse_date(text)
        if day is not None:
            found = dt.datetime.combine(day, dt.time())
        if found is not None and found.tzinfo is None:
            found = found.replace(tzinfo=dt.UTC)
        return found and found.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


def _refused(name: str, _: str) -> Q:
    raise BadRequest(f"{name} is no filter of this version; use updated_at.")


FILTERS: Mapping[str, Callable[[str, str], Q]] = {
    "id": _ids,
    "name": _texts,
    "status": _texts,
    "disk_format": _texts,
    "container_format": _texts,
    "owner": _same,
    "checksum": _same,
    "os_hash_value": _same,
    "os_hash_algo": lambda _, value: (
        Q(os_hash_value__isnull=False) if value == HASH_ALGORITHM else NOTHING
    ),
    "min_ram": _number,
    "min_disk": _number,
    "size": _number,
    "virtual_size": _number,
    "size_min": _bound("gte"),
    "size_max": _bound("lte"),
    "protected": _flag,
    "os_hidden": lambda name, value: _flag(name, value.lower()),  # Glance: True, too
    "created_at": _time,
    "updated_at": _time,
    "changes-since": _refused,
}


def filter_images(caller: Caller, given: QueryDict) -> QuerySet[Image]:
    """The images of the list that the caller asks for.

    Raises:
        BadRequest: a filter has a value that it cannot have.
    """
    rows = _visible(caller, given)
    properties = {}
    for name, value in given.items():
        read = FILTERS.get(name)
        if read is not None:
            rows = rows.filter(read(name, str(value)))
        elif name not in CONTROLS:
            properties[name] = value
    if properties:
        rows = rows.filter(properties__contains=properties)
    if "os_hidden" not in given:
        rows = rows.filter(os_hidden=False)
    tags = given.getlist("tag")
    return rows.filter(tags__contains=tags) if tags else rows


def _visible(caller: Caller, given: QueryDict) -> QuerySet[Image]:
    """Admins list the images of all projects, but for the community ones of others."""
    visibility = given.get("visibility")
    if visibility not in (None, ALL, *VISIBILITIES):
        raise BadRequest(f"There is no visibility {shown(visibility)}.")
    status = given.get("member_status", ACCEPTED)
    if status not in (ALL, *MEMBER_STATUSES):
        raise BadRequest(f"There is no status of members {shown(status)}.")
    rows = Image.objects.visible_to(caller)
    if caller.is_admin:
        if visibility is None and "id" not in given:
            rows = rows.filter(~Q(visibility="community") | Q(owner=caller.project_id))
    elif "id" not in given:
        rows = rows.listed_for(
            caller,
            statuses=MEMBER_STATUSES if status == ALL else (status,),
            community=visibility in (ALL, "community"),
        )
    return rows if visibility in (None, ALL) else rows.filter(visibility=visibility)


def read_order(given: QueryDict) -> list[SortKey]:
    """The columns to sort by; by default, the newest first.

    Raises:
        UnknownOrder: images are not sorted by one of them, or not in this direction.
    """
    pairs = read_sort(given)
    order = as_order(_read_pairs(given) if pairs is None else pairs, SORT_KEYS, "Images are")
    return [*order, ("created_at", True), ("pk", True)]


def _read_pairs(given: QueryDict) -> Sequence[Pair]:
    keys, ways = given.getlist(SORT_KEY) or ["created_at"], given.getlist(SORT_DIR)
    if len(ways) not in (0, 1, len(keys)):
        raise UnknownOrder("Give one sort_dir, or one for each sort_key.")
    ways = ways or [DESCENDING]
    return list(zip(keys, ways * len(keys) if len(ways) == 1 else ways, strict=True))


TASK_SORT_KEYS = {
    **{key: key for key in ("created_at", "updated_at", "type", "status")},
    "id": "pk",
}
TASK_WORDS: Mapping[str, Sequence[str]] = {
    "status": tasks.STATUSES,
    "type": (tasks.IMPORT, tasks.API_IMPORT),
}


def filter_tasks(caller: Caller, given: QueryDict) -> QuerySet[ImageTask]:
    """The tasks of the list that the caller asks for.

    Raises:
        BadRequest: there is no such filter, or it has a value that it cannot have.
    """
    rows = ImageTask.objects.visible_to(caller)
    for name, value in given.items():
        if name in PAGING:
            continue
        if name not in TASK_WORDS:
            raise BadRequest(f"Tasks are filtered by {', '.join(TASK_WORDS)}, not by {name[:60]}.")
        if value not in TASK_WORDS[name]:
            raise BadRequest(f"{name} is one of {', '.join(TASK_WORDS[name])}, not {shown(value)}.")
        rows = rows.filter(**{name: value})
    return rows


def read_task_order(given: QueryDict) -> list[SortKey]:
    """Raises: UnknownOrder: tasks are not sorted by it, or not in this direction."""
    return read_order_by_one(given, TASK_SORT_KEYS, "Tasks are")


def read_order_by_one(given: QueryDict, columns: Mapping[str, str], what: str) -> list[SortKey]:
    """One column to sort by, by default the age, and the age where that is the same.

    Raises:
        UnknownOrder: as ``as_order``.
    """
    pair = (given.get(SORT_KEY, "created_at"), given.get(SORT_DIR, DESCENDING))
    [(column, descends)] = as_order([pair], columns, what)
    return [(column, descends), ("created_at", descends), ("pk", descends)]
