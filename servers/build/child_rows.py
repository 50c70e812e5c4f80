"""Writes the rows that a server gets when its build request ends: disks, tags, history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.utils import timezone

from compute_site.db.prepared import send_later
from servers.build.waiting import WaitingBuild
from servers.drivers.disks import name_devices, root_name
from servers.lifecycle.history import ERROR
from servers.models import BlockDevice, Tag

CREATE = "create"
BUILD_EVENT = "compute__do_build_and_run_instance"
SCHEDULE_EVENT = "conductor_schedule_and_build_instances"

_FIELDS = [
    field
    for field in BlockDevice._meta.concrete_fields  # noqa: SLF001 - Django's public model API
    if field.name not in ("id", "uuid", "instance")
]
_DEVICE_COLUMNS = frozenset(field.name for field in _FIELDS)

# All rows travel as one JSON value: to write a hundred of them value by value takes longer than
# all the rest of placing. Servers of one request have the same disks, which travel once.
_COLUMNS = ", ".join(str(field.column) for field in _FIELDS)
INSERT_DEVICES = f"""
    INSERT INTO servers_blockdevice (uuid, instance_id, {_COLUMNS})
    SELECT gen_random_uuid(), server::bigint, {_COLUMNS}
    FROM jsonb_array_elements(%s::jsonb) AS alike,
         jsonb_array_elements(alike -> 'devices') WITH ORDINALITY AS given (device, place),
         jsonb_populate_record(NULL::servers_blockdevice, given.device),
         jsonb_array_elements_text(alike -> 'servers') AS server
    ORDER BY server::bigint, given.place
"""  # noqa: S608 - names of our own columns
INSERT_HISTORY = """
    WITH given AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(%s::jsonb) AS given (
            instance_id bigint, request_id text, user_id text, project_id text, message text,
            event text, start_time timestamptz, finish_time timestamptz, result text,
            traceback text, host text, details text, searched_at timestamptz)
    ), actions AS (
        INSERT INTO servers_instanceaction (instance_id, action, request_id, user_id, project_id,
                                            start_time, updated_at, message)
        SELECT instance_id, %s, request_id, user_id, project_id, %s, %s, message FROM given
        ORDER BY instance_id
        RETURNING id, instance_id
    ), steps AS (
        INSERT INTO servers_serverstep (instance_id, step, host, started_at)
        SELECT instance_id, step, step_host, started_at
        FROM given CROSS JOIN LATERAL (
            VALUES ('scheduling', NULL, searched_at), ('queued', host, start_time)
        ) AS begun (step, step_host, started_at)
        WHERE searched_at IS NOT NULL AND (step = 'scheduling' OR finish_time IS NULL)
        ORDER BY instance_id, started_at
    )
    INSERT INTO servers_instanceactionevent (action_id, event, start_time, finish_time, result,
                                             traceback, host, details)
    SELECT actions.id, event, start_time, finish_time, result, traceback, host, details
    FROM actions JOIN given USING (instance_id) ORDER BY instance_id
"""


def write_records(
    requests: Sequence[WaitingBuild],
    *,
    events: Mapping[int, Mapping[str, Any]],
    named: bool = False,
) -> None:
    """Write disks, tags and the action ``create`` with one event of each server.

    ``events`` has the columns of the event by the server's key, and in ``searched_at`` when
    somebody began to look for a host, after which the server waits for it. ``named``: give each
    disk the device name that the build needs.
    """
    _write_devices(requests, named=named)
    tags = [
        Tag(instance_id=request.instance_id, tag=tag)
        for request in requests
        for tag in request.tags
    ]
    if tags:
        Tag.objects.bulk_create(tags, ignore_conflicts=True)
    _write_history(requests, events)


def _write_history(
    requests: Sequence[WaitingBuild], events: Mapping[int, Mapping[str, Any]]
) -> None:
    rows = [
        {
            "instance_id": request.instance_id,
            "request_id": request.request_id,
            "user_id": request.user_id,
            "project_id": request.project_id,
            "message": ERROR if events[request.instance_id].get("result") == ERROR else None,
            **events[request.instance_id],
        }
        for request in requests
    ]
    now = timezone.now()
    send_later(INSERT_HISTORY, [orjson.dumps(rows).decode(), CREATE, now, now])


def _write_devices(requests: Sequence[WaitingBuild], *, named: bool) -> None:
    alike: dict[tuple[bytes, str | None], list[WaitingBuild]] = {}
    for request in requests:
        if request.block_devices:
            key = orjson.dumps(request.block_devices), request.root_device_name
            alike.setdefault(key, []).append(request)
    if not alike:
        return
    given = [
        {
            "devices": _devices(same[0], named=named),
            "servers": [request.instance_id for request in same],
        }
        for same in alike.values()
    ]
    send_later(INSERT_DEVICES, [orjson.dumps(given).decode()])


def _devices(request: WaitingBuild, *, named: bool) -> list[dict[str, Any]]:
    """The columns of each disk."""
    devices = [
        BlockDevice(**{key: value for key, value in device.items() if key in _DEVICE_COLUMNS})
        for device in request.block_devices
    ]
    if named:
        root = root_name(request.root_device_name, request.block_devices)
        name_devices(root, devices)
    return [
        {str(field.column): getattr(device, field.attname) for field in _FIELDS}
        for device in devices
    ]
