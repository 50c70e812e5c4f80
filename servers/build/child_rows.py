"""Writes the rows that a server gets when its build request ends: disks, tags, history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from servers.drivers.disks import name_devices, root_name
from servers.lifecycle.history import ERROR
from servers.models import (
    BlockDevice,
    BuildRequest,
    InstanceAction,
    InstanceActionEvent,
    Tag,
)

CREATE = "create"
BUILD_EVENT = "compute__do_build_and_run_instance"
SCHEDULE_EVENT = "conductor_schedule_and_build_instances"

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
    """Write disks, tags and the action ``create`` with one event of each server.

    ``events`` has the columns of the event by the server's key. ``named``: give each disk the
    device name that the build needs.
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
