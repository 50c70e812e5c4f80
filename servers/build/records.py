"""Writes the records that a server gets when it leaves the build request: disks, tags, history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection
from django.utils import timezone

from compute_site.caller import Caller
from servers.drivers.disks import name_devices, root_name
from servers.models import (
    BlockDevice,
    BuildRequest,
    Instance,
    InstanceAction,
    InstanceActionEvent,
    Tag,
)

CREATE = "create"
BUILD_EVENT = "compute__do_build_and_run_instance"
SCHEDULE_EVENT = "conductor_schedule_and_build_instances"
SUCCESS, ERROR = "Success", "Error"

_DEVICE_COLUMNS = frozenset(
    field.name
    for field in BlockDevice._meta.concrete_fields  # noqa: SLF001 - Django's public model API
    if field.name not in ("id", "instance")
)


def write_records(
    requests: Sequence[BuildRequest],
    *,
    events: Mapping[int, Mapping[str, Any]],
    named: bool = False,
) -> None:
    """Disks, tags and the action ``create`` of each server, with one event each.

    ``events`` holds the columns of the event by the server's key. ``named``: give each disk a
    name, as a server that is built needs it.
    """
    BlockDevice.objects.bulk_create(
        device for request in requests for device in _devices(request, named=named)
    )
    Tag.objects.bulk_create(
        (
            Tag(instance_id=request.instance_id, tag=tag)
            for request in requests
            for tag in request.tags
        ),
        ignore_conflicts=True,
    )
    failed = {key for key, event in events.items() if event.get("result") == ERROR}
    actions = InstanceAction.objects.bulk_create(
        InstanceAction(
            instance_id=request.instance_id,
            action=CREATE,
            request_id=request.request_id,
            user_id=request.instance.user_id,
            project_id=request.project_id,
            message=ERROR if request.instance_id in failed else None,
        )
        for request in requests
    )
    InstanceActionEvent.objects.bulk_create(
        InstanceActionEvent(action=action, **events[action.instance_id]) for action in actions
    )


def begin_action(instance: Instance, action: str, event: str, caller: Caller) -> None:
    """An action of the caller on the server begins, with its one event."""
    record = InstanceAction.objects.create(
        instance=instance,
        action=action,
        request_id=caller.request_id,
        user_id=caller.user_id,
        project_id=caller.project_id,
    )
    InstanceActionEvent.objects.create(action=record, event=event, host=instance.host)


def add_event(server: int, action: str, event: str, *, host: str | None) -> None:
    """A further step of the newest action of that name begins, unless it has already."""
    record = InstanceAction.objects.filter(instance=server, action=action).order_by("-pk").first()
    if record is not None:
        InstanceActionEvent.objects.get_or_create(
            action=record, event=event, defaults={"host": host}
        )


FINISH = """
    WITH closed AS (
        UPDATE servers_instanceactionevent AS event
        SET finish_time = %(now)s, result = %(result)s, details = %(details)s,
            traceback = %(traceback)s
        FROM servers_instanceaction AS action
        WHERE action.id = event.action_id AND action.instance_id = %(server)s
          AND event.event = ANY(%(events)s) AND event.finish_time IS NULL
          AND (%(request)s::text IS NULL OR action.request_id = %(request)s)
        RETURNING event.action_id
    )
    UPDATE servers_instanceaction AS action
    SET updated_at = %(now)s, message = COALESCE(%(message)s, action.message)
    FROM closed WHERE action.id = closed.action_id
"""


def finish_event(
    server: int,
    event: str,
    *,
    result: str,
    details: str = "",
    traceback: str = "",
    request_id: str | None = None,
) -> bool:
    """Close the open event of this kind, and bring its action up to date: one statement. With
    ``request_id`` only that of the request, where several may be open at a time. ``False``: none
    was open.
    """
    return finish_events(
        server,
        [event],
        result=result,
        details=details,
        traceback=traceback,
        request_id=request_id,
    )


def finish_events(
    server: int,
    events: Sequence[str],
    *,
    result: str,
    details: str = "",
    traceback: str = "",
    request_id: str | None = None,
) -> bool:
    """``finish_event`` for events of several kinds."""
    values: dict[str, Any] = {
        "now": timezone.now(),
        "server": server,
        "events": list(events),
        "request": request_id,
        "result": result,
        "details": details or None,
        "traceback": traceback or None,
        "message": ERROR if result == ERROR else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(FINISH, values)
        return int(cursor.rowcount) > 0


def _devices(request: BuildRequest, *, named: bool) -> list[BlockDevice]:
    devices = [
        BlockDevice(
            instance_id=request.instance_id,
            **{key: value for key, value in device.items() if key in _DEVICE_COLUMNS},
        )
        for device in request.block_devices
    ]
    if named:
        root = root_name(request.instance.root_device_name, request.block_devices)
        name_devices(root, devices)
    return devices
