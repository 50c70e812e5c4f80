"""Ends failed moves: the server gets its old state again, or is in ``error`` where it is."""

from __future__ import annotations

import logging
from typing import Protocol

from django.db import transaction

from servers import models
from servers.holdings import settle
from servers.hosts.zones import zone_of_hosts
from servers.lifecycle.history import ERROR, finish_events
from servers.lifecycle.jobs import BindPorts
from servers.lifecycle.transitions import (
    AT_DESTINATION,
    AT_SOURCE,
    END_LIVE_MOVE,
    FAIL_EVACUATION,
    FAIL_MOVE,
    GIVE_UP_MOVE,
    GIVE_UP_REVERT,
    REVERT,
    Transition,
    take_step,
)
from servers.models import Instance, Migration, MigrationStatus, MigrationType, VmState

logger = logging.getLogger(__name__)

EVENTS = (
    "conductor_migrate_server",
    "cold_migrate",
    "compute_prep_resize",
    "compute_resize_instance",
    "compute_finish_resize",
    "compute_confirm_resize",
    "compute_revert_resize",
    "compute_finish_revert_resize",
    "conductor_live_migrate_instance",
    "compute_live_migration",
    "rebuild_server",
    "compute_rebuild_instance",
)


class GiveUp(Protocol):
    """What ends a move that failed."""

    def __call__(self, move_id: int, reason: str, details: str = "", /) -> None: ...


def give_up_move(move_id: int, reason: str, details: str = "") -> None:
    """End a move before the server has left its host: it gets its old state again."""
    _stay(move_id, GIVE_UP_MOVE, reason, details)


def fail_move(move_id: int, reason: str, details: str = "") -> None:
    """End a move after the server left and did not start: it is in ``error`` on the new host."""
    record = _find(move_id)
    if record is None:
        return
    with transaction.atomic():
        if take_step(record.instance_id, FAIL_MOVE):
            settle.leave(record, MigrationStatus.ERROR)
            settle.update_spec(record, settle.new_columns(record))
            bind_ports(record, left=record.source_compute)
            _tell(record.instance, reason, details)


def keep_resized(move_id: int, reason: str, details: str = "") -> None:
    """End a failed confirm or revert: the server stays resized, so that it can be tried again."""
    record = _find(move_id)
    if record is None:
        return
    host = str(record.dest_compute)
    with transaction.atomic():
        take_step(
            record.instance_id, GIVE_UP_REVERT, availability_zone=zone_of_hosts([host]).get(host)
        )
        settle.set_status(record, MigrationStatus.FINISHED)
        _tell(record.instance, reason, details)


def fail_revert(move_id: int, reason: str, details: str = "") -> None:
    """The server is gone from the one host and did not come up on the other: it is in ``error``
    there, with its old flavor.
    """
    record = _find(move_id)
    if record is None:
        return
    columns = settle.old_columns(record)
    step = Transition(from_vm=REVERT.from_vm, from_task=REVERT.from_task, to_vm=VmState.ERROR)
    with transaction.atomic():
        where = {"host": record.source_compute, "node": record.source_node}
        if take_step(record.instance_id, step, **where, **columns):
            settle.stay(record, MigrationStatus.ERROR)
            settle.update_spec(record, columns)
            bind_ports(record, left=record.dest_compute)
            _tell(record.instance, reason, details)


def give_up_live_move(
    move_id: int, reason: str, details: str = "", *, status: str = MigrationStatus.ERROR
) -> None:
    """End a live migration: the server keeps running on its host."""
    _stay(move_id, END_LIVE_MOVE, reason, details, status=status)


def fail_evacuation(move_id: int, reason: str, details: str = "") -> None:
    """End an evacuation: the server is in ``error`` on its failed host; it can be tried again."""
    _stay(move_id, FAIL_EVACUATION, reason, details)


def _stay(
    move_id: int,
    step: Transition,
    reason: str,
    details: str,
    *,
    status: str = MigrationStatus.ERROR,
) -> None:
    """Let the server take the step on the host where it lies, and release what the destination
    held.
    """
    record = _find(move_id)
    if record is None:
        return
    with transaction.atomic():
        if take_step(record.instance_id, step):
            settle.stay(record, status)
            bind_ports(record, left=record.dest_compute)
            _tell(record.instance, reason, details)


def bind_ports(record: Migration, *, left: str | None) -> None:
    """Once the transaction has ended: on the host where the server is now."""
    BindPorts(server_id=str(record.instance.uuid), left=left).defer()


def end_lost_move(record: Migration) -> None:
    """End a move that no job is at work on, according to its progress."""
    reason = "Nobody works on it any more."
    task = record.instance.task_state
    if task in AT_SOURCE:
        give_up_move(record.pk, reason)
    elif task in AT_DESTINATION:
        fail_move(record.pk, reason)
    elif task in REVERT.from_task:
        fail_revert(record.pk, reason)
    elif task in END_LIVE_MOVE.from_task:
        give_up_live_move(record.pk, reason)
    elif record.migration_type == MigrationType.EVACUATION:
        fail_evacuation(record.pk, reason)
    elif record.instance.vm_state == VmState.RESIZED and task is None:
        keep_resized(record.pk, reason)


def _find(move_id: int) -> Migration | None:
    return Migration.objects.open().filter(pk=move_id).select_related("instance").first()


def _tell(instance: Instance, reason: str, details: str) -> None:
    logger.warning("server %s: a move failed: %s", instance.uuid, reason)
    models.ServerFault.objects.create(
        instance=instance, message=reason[:255], details=details, host=instance.host
    )
    finish_events(instance.pk, EVENTS, result=ERROR, details=reason, traceback=details)
