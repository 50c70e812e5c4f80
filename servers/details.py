"""Reads what answers show of servers: a few statements, however many servers there are.

Rows come as plain tuples and JSON columns as text, so that a page of a thousand servers costs
little more than the statements themselves.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import QuerySet, TextField, Value
from django.db.models.functions import Cast

from servers.models import BlockDevice, Fault, Instance, ServerGroupMember, Service, Tag
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
    """The row of a server with its open order. JSON columns are texts."""

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
    created_at: datetime
    updated_at: datetime
    launched_at: datetime | None
    terminated_at: datetime | None
    deleted_at: datetime | None
    build_request_id: int | None
    """Set while nobody has begun to build."""
    build_tags: str | None
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
    """Servers in order, and what belongs to them, by the servers' primary keys."""

    rows: Sequence[ServerRow]
    faults: Mapping[int, FaultRow]
    volumes: Mapping[int, Sequence[tuple[str, bool]]]
    """Volume ids, and whether each volume is deleted with the server."""
    tags: Mapping[int, Sequence[str]]
    groups: Mapping[int, str]
    host_statuses: Mapping[str, str]
    """``UP``, ``DOWN``, ``MAINTENANCE`` or ``UNKNOWN`` by host."""


_TEXT = TextField()
_NOTHING = Value(None, output_field=_TEXT)
_EXPRESSIONS: dict[str, Any] = {
    **{
        name: Cast(name, _TEXT)
        for name in ("uuid", "flavor", "metadata", "trusted_certs", "network_info")
    },
    "build_request_id": "build_request__id",
    "build_tags": Cast("build_request__tags", _TEXT),
    "system_metadata": Cast("system_metadata", _TEXT),
    "pinned_zone": "request_spec__availability_zone",
    "hints": Cast("request_spec__scheduler_hints", _TEXT),
}


def read_details(servers: QuerySet[Instance], parts: Parts) -> Details:
    """Read the servers of a query, in its order, with the wanted parts."""
    rows = _read_rows(servers, parts)
    keys = [row.pk for row in rows]
    placed = [row.pk for row in rows if row.build_request_id is None]
    return Details(
        rows=rows,
        faults=_read_faults([row.pk for row in rows if row.status in FAULT_STATUSES]),
        volumes=_read_volumes(placed),
        tags=_read_tags(placed) if parts.tags else {},
        groups=_read_groups(keys) if parts.groups else {},
        host_statuses=_read_host_statuses({row.host for row in rows if row.host})
        if parts.host_status
        else {},
    )


def _read_rows(servers: QuerySet[Instance], parts: Parts) -> list[ServerRow]:
    wanted = {
        "build_tags": parts.tags,
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
    found = servers.annotate(**named).values_list(*columns)
    return [ServerRow._make(row) for row in found]


def _read_faults(keys: Sequence[int]) -> dict[int, FaultRow]:
    if not keys:
        return {}
    newest = (
        Fault.objects.filter(instance__in=keys)
        .order_by("instance", "-created_at", "-id")
        .distinct("instance")
        .values_list("instance", "code", "message", "details", "created_at")
    )
    return {row[0]: FaultRow(*row[1:]) for row in newest}


def _read_volumes(keys: Sequence[int]) -> dict[int, list[tuple[str, bool]]]:
    if not keys:
        return {}
    return _grouped(
        (key, (volume, deleted))
        for key, volume, deleted in BlockDevice.objects.filter(
            instance__in=keys, volume_id__isnull=False
        )
        .order_by("id")
        .values_list("instance", "volume_id", "delete_on_termination")
    )


def _read_tags(keys: Sequence[int]) -> dict[int, list[str]]:
    if not keys:
        return {}
    return _grouped(
        Tag.objects.filter(instance__in=keys).order_by("tag").values_list("instance", "tag")
    )


def _read_groups(keys: Sequence[int]) -> dict[int, str]:
    if not keys:
        return {}
    members = ServerGroupMember.objects.filter(instance__in=keys)
    return {key: str(uuid) for key, uuid in members.values_list("instance", "group__uuid")}


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


def _grouped(pairs: Iterable[tuple[int, Any]]) -> dict[int, list[Any]]:
    groups: dict[int, list[Any]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups
