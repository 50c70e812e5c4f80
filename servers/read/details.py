"""Reads what answers show of servers: a few statements, however many servers there are.

Rows come as plain tuples and JSON columns as text, so that a page of a thousand servers costs
little more than the statements themselves.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Func, OuterRef, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Cast

from compute_site.caller import Caller
from compute_site.db.compiled import CompiledQuery
from servers.models import BlockDevice, Instance, ServerFault, Service, Tag
from servers.models.states import status_of

FAULT_STATUSES = frozenset(("ERROR", "DELETED"))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What is wanted beyond the server's own row; the rest is not read."""

    tags: bool = False
    user_data: bool = False
    host_status: bool = False
    groups: bool = False
    pinned_zone: bool = False
    image_properties: bool = False
    hints: bool = False


class ServerRow(NamedTuple):
    """The row of a server with its build request. JSON columns and times are texts."""

    pk: int
    uuid: str
    display_name: str
    display_description: str | None
    hostname: str
    project_id: str
    user_id: str
    reservation_id: str
    launch_index: int
    vm_state: str
    task_state: str | None
    power_state: int
    progress: int
    image_ref: str
    kernel_id: str
    ramdisk_id: str
    flavor: str
    config_drive: str
    key_name: str | None
    metadata: str
    access_ip_v4: str | None
    access_ip_v6: str | None
    availability_zone: str | None
    root_device_name: str | None
    auto_disk_config: bool
    trusted_certs: str | None
    locked: bool
    locked_reason: str | None
    host: str | None
    node: str | None
    network_info: str
    created_at: str
    updated_at: str
    launched_at: str | None
    terminated_at: str | None
    deleted_at: datetime | None
    build_request_id: int | None
    """Set while nobody has begun to build."""
    build_tags: str | None
    tags: str | None
    volumes: str | None
    """A JSON list of pairs: the id of a volume, and whether it is deleted with the server."""
    group: UUID | None
    user_data: str | None
    system_metadata: str | None
    pinned_zone: str | None
    hints: str | None

    @property
    def status(self) -> str:
        """The word that clients see."""
        return "DELETED" if self.deleted_at else status_of(self.vm_state, self.task_state)


@dataclasses.dataclass(frozen=True, slots=True)
class FaultRow:
    """The newest fault of a server."""

    code: int
    message: str
    details: str
    created_at: datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """Servers in order, and what only some of them have."""

    rows: Sequence[ServerRow]
    faults: Mapping[int, FaultRow]
    """By the servers' primary keys."""
    host_statuses: Mapping[str, str]
    """``UP``, ``DOWN``, ``MAINTENANCE`` or ``UNKNOWN`` by host."""


class _JsonList(Func):
    """All rows of a query, in order, as the text of a JSON list of lists or values."""

    function = "jsonb_agg"
    output_field = TextField()

    def __init__(self, *expressions: Any, order: str) -> None:
        super().__init__(*expressions)
        self.template = f"(jsonb_agg(%(expressions)s ORDER BY {order})::text)"


class _Pair(Func):
    function = "jsonb_build_array"
    output_field = TextField()


class _Time(Func):
    """A time in UTC to the microsecond, as text: cheaper than a ``datetime`` that is written out
    again.
    """

    template = "to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')"
    output_field = TextField()


def _all_tags() -> Subquery:
    tags = Tag.objects.filter(instance=OuterRef("pk")).order_by()
    return Subquery(tags.annotate(all=_JsonList("tag", order="tag")).values("all"))


def _all_volumes() -> Subquery:
    disks = BlockDevice.objects.filter(instance=OuterRef("pk"), volume_id__isnull=False)
    pairs = _JsonList(_Pair("volume_id", "delete_on_termination"), order="id")
    return Subquery(disks.order_by().annotate(all=pairs).values("all"))


_TEXT = TextField()
_NOTHING = Value(None, output_field=_TEXT)
_EXPRESSIONS: dict[str, Any] = {
    **{
        name: Cast(name, _TEXT)
        for name in ("uuid", "flavor", "metadata", "trusted_certs", "network_info")
    },
    **{name: _Time(name) for name in ("created_at", "updated_at", "launched_at", "terminated_at")},
    "build_request_id": "build_request__id",
    "tags": _all_tags(),
    "volumes": _all_volumes(),
    "group": "group_membership__group__uuid",
    "build_tags": Cast("build_request__tags", _TEXT),
    "system_metadata": Cast("system_metadata", _TEXT),
    "pinned_zone": "request_spec__availability_zone",
    "hints": Cast("request_spec__scheduler_hints", _TEXT),
}


def read_details(servers: QuerySet[Instance], parts: Parts) -> Details:
    """Read the servers of a query, in its order, with the wanted parts."""
    return _complete([ServerRow._make(row) for row in _select(servers, parts)], parts)


def read_one(caller: Caller, server_id: str, parts: Parts) -> Details:
    """The same of the one server with that id, if it lives: clients ask again and again while
    they wait, so the SQL of this is made once.
    """
    rows = _find_one(parts).rows(caller, UUID(server_id))
    return _complete([ServerRow._make(row) for row in rows], parts)


def compile_details(build: Callable[[Caller], QuerySet[Instance]], parts: Parts) -> CompiledQuery:
    """The statement of ``read_details`` for the servers that ``build`` gives for a caller. A plan
    that suits one project may not suit another one.
    """
    return CompiledQuery(lambda caller: _select(build(caller), parts), keeps_plan=False)


def read_compiled(caller: Caller, query: CompiledQuery, parts: Parts) -> Details:
    """The same as ``read_details``, of a query that ``compile_details`` has made."""
    return _complete([ServerRow._make(row) for row in query.rows(caller)], parts)


@functools.cache
def _find_one(parts: Parts) -> CompiledQuery:
    return CompiledQuery(
        lambda _caller, server_id: _select(
            Instance.objects.alive().filter(uuid=server_id).order_by(), parts
        )
    )


def _complete(rows: Sequence[ServerRow], parts: Parts) -> Details:
    hosts = {row.host for row in rows if row.host} if parts.host_status else set()
    return Details(
        rows=rows,
        faults=_read_faults([row.pk for row in rows if row.status in FAULT_STATUSES]),
        host_statuses=_read_host_statuses(hosts),
    )


def _select(servers: QuerySet[Instance], parts: Parts) -> QuerySet[Instance, Any]:
    """The columns of ``ServerRow``; what is not wanted is null."""
    wanted = {
        "build_tags": parts.tags,
        "tags": parts.tags,
        "group": parts.groups,
        "user_data": parts.user_data,
        "system_metadata": parts.image_properties,
        "pinned_zone": parts.pinned_zone,
        "hints": parts.hints,
    }
    columns: list[Any] = []
    named: dict[str, Any] = {}
    for name in ServerRow._fields:
        column = _EXPRESSIONS.get(name, name) if wanted.get(name, True) else _NOTHING
        if isinstance(column, str):
            columns.append(column)
        else:
            named[f"shown_{name}"] = column
            columns.append(f"shown_{name}")
    return servers.annotate(**named).values_list(*columns)


def _read_faults(keys: Sequence[int]) -> dict[int, FaultRow]:
    if not keys:
        return {}
    newest = (
        ServerFault.objects.filter(instance__in=keys)
        .order_by("instance", "-created_at", "-id")
        .distinct("instance")
        .values_list("instance", "code", "message", "details", "created_at")
    )
    return {row[0]: FaultRow(*row[1:]) for row in newest}


def _read_host_statuses(hosts: Collection[str]) -> dict[str, str]:
    if not hosts:
        return {}
    services = Service.objects.computes().filter(host__in=hosts).select_related("node")
    return {service.host: _status_of_host(service) for service in services}


def _status_of_host(service: Service) -> str:
    if service.forced_down:
        return "DOWN"
    if service.disabled:
        return "MAINTENANCE"
    return "UP" if service.is_up else "UNKNOWN"
