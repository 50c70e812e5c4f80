"""The hosts' part of resizes and cold migrations, step by step; each step is one worker's.

The job may run again from the start at any point, after a worker was lost: the server's task_state
tells how far it had come.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from typing import Any

from django.db import Error as DatabaseError
from django.db import transaction
from django.utils import timezone

from servers.build.failure import describe
from servers.drivers.choose import driver_at
from servers.drivers.guest import describe_anew
from servers.drivers.protocol import DriverFailed, Guest
from servers.holdings import settle
from servers.hosts.zones import zone_of_hosts
from servers.lifecycle.exclusive import exclusive
from servers.lifecycle.history import SUCCESS, add_event, finish_event, finish_events
from servers.lifecycle.jobs import ConfirmResize, MoveServer, RevertResize
from servers.lifecycle.transitions import (
    ARRIVE,
    AT_DESTINATION,
    AT_SOURCE,
    CONFIRM,
    END_MOVE,
    RECEIVE,
    REVERT,
    SEND,
    Transition,
    take_step,
)
from servers.models import Instance, Migration, MigrationStatus, VmState
from servers.moves.confirm_or_revert import CONFIRM_EVENT, FINISH_REVERT_EVENT, REVERT_EVENT
from servers.moves.failure import (
    GiveUp,
    bind_ports,
    fail_move,
    fail_revert,
    give_up_move,
    keep_resized,
)
from servers.moves.place import KINDS, PREPARE_EVENT
from servers.placement.port_bindings import rebind

SEND_EVENT = "compute_resize_instance"
RECEIVE_EVENT = "compute_finish_resize"


class Interrupted(Exception):
    """The move must stop: the server is being deleted, or an admin has reset its state."""


@dataclasses.dataclass(frozen=True, slots=True)
class Move:
    """A move and its server; both are read again for each step."""

    record: Migration
    instance: Instance

    def step(self, transition: Transition, **values: Any) -> None:
        if not take_step(self.instance.pk, transition, **values):
            raise Interrupted

    def guest(self, node: str) -> Guest:
        return describe_anew(self.instance, node=node)

    @property
    def server_id(self) -> str:
        return str(self.instance.uuid)

    @property
    def was_running(self) -> bool:
        return self.record.old_vm_state != VmState.STOPPED

    @property
    def action(self) -> str:
        return KINDS[self.record.migration_type].action


def move_server(job: MoveServer) -> None:
    """Bring the server to its destination; it waits there to be confirmed or reverted."""
    with exclusive(job.server_id):
        _attempt(job.move, AT_SOURCE, _send, give_up_move)
        _attempt(job.move, AT_DESTINATION, _receive, fail_move)


def confirm_resize(job: ConfirmResize) -> None:
    """Release what the server still has on its old host."""
    with exclusive(job.server_id):
        _attempt(job.move, CONFIRM.from_task, _confirm, keep_resized)


def revert_resize(job: RevertResize) -> None:
    """Bring the server back."""
    with exclusive(job.server_id):
        _attempt(job.move, REVERT.from_task, _leave_destination, keep_resized)
        _attempt(job.move, REVERT.from_task, _revert, fail_revert)


def _attempt(
    move_id: int, tasks: frozenset[str | None], do: Callable[[Move], None], fail: GiveUp
) -> None:
    """Do this part of the move, if the server's task_state is one of ``tasks``."""
    record = Migration.objects.open().filter(pk=move_id).select_related("instance").first()
    if record is None:
        return
    instance = Instance.objects.alive().filter(pk=record.instance_id).first()
    if instance is None or instance.task_state not in tasks:
        return
    try:
        do(Move(record, instance))
    except Interrupted:
        clean_up(record)  # otherwise whoever deletes the server or resets its state does the rest
    except DatabaseError:
        raise  # says nothing about the hosts: the queue tries again
    except Exception as error:  # noqa: BLE001 - the server must not be left in between
        fail(move_id, *describe(error))


def _send(move: Move) -> None:
    record = move.record
    if record.dest_compute is None:
        return  # no host was found yet
    with transaction.atomic():
        move.step(SEND)
        settle.set_status(record, MigrationStatus.MIGRATING)
        finish_event(move.instance.pk, PREPARE_EVENT, result=SUCCESS)
        add_event(move.instance.pk, move.action, SEND_EVENT, host=record.source_compute)
    driver = driver_at(record.source_node)
    nodes = str(record.source_node), str(record.dest_node)
    driver.send(move.server_id, *nodes, running=move.was_running)
    with transaction.atomic():
        zone = zone_of_hosts([record.dest_compute]).get(record.dest_compute)
        where = {
            "host": record.dest_compute,
            "node": record.dest_node,
            "availability_zone": zone,
        }
        move.step(ARRIVE, **where, **settle.new_columns(record))
        settle.set_status(record, MigrationStatus.POST_MIGRATING)


def _receive(move: Move) -> None:
    record = move.record
    with transaction.atomic():
        move.step(RECEIVE)
        finish_event(move.instance.pk, SEND_EVENT, result=SUCCESS)
        add_event(move.instance.pk, move.action, RECEIVE_EVENT, host=record.dest_compute)
    rebind(move.server_id, str(record.dest_compute), record.dest_node)
    driver = driver_at(record.dest_node)
    power_state = driver.receive(move.guest(str(record.dest_node)), running=move.was_running)
    with transaction.atomic():
        move.step(END_MOVE, power_state=power_state, launched_at=timezone.now())
        settle.set_status(record, MigrationStatus.FINISHED)
        settle.update_spec(record, settle.new_columns(record))
        finish_event(move.instance.pk, RECEIVE_EVENT, result=SUCCESS)


def _confirm(move: Move) -> None:
    record = move.record
    if record.status != MigrationStatus.CONFIRMING:
        return
    driver_at(record.source_node).drop(move.server_id, str(record.source_node))
    with transaction.atomic():
        move.step(dataclasses.replace(CONFIRM, to_vm=record.old_vm_state))
        settle.leave(record, MigrationStatus.CONFIRMED)
        finish_event(move.instance.pk, CONFIRM_EVENT, result=SUCCESS)


def _leave_destination(move: Move) -> None:
    record = move.record
    if record.changes_host:
        driver_at(record.dest_node).destroy(move.server_id, str(record.dest_node))


def _revert(move: Move) -> None:
    record, columns = move.record, settle.old_columns(move.record)
    with transaction.atomic():
        finish_event(move.instance.pk, REVERT_EVENT, result=SUCCESS)
        add_event(move.instance.pk, "revertResize", FINISH_REVERT_EVENT, host=record.source_compute)
    rebind(move.server_id, str(record.source_compute), record.source_node)
    for name, value in columns.items():
        setattr(move.instance, "flavor_record_id" if name == "flavor_record" else name, value)
    guest = move.guest(str(record.source_node))
    power_state = driver_at(record.source_node).take_back(guest, running=move.was_running)
    with transaction.atomic():
        move.step(
            dataclasses.replace(REVERT, to_vm=record.old_vm_state),
            host=record.source_compute,
            node=record.source_node,
            power_state=power_state,
            launched_at=timezone.now(),
            **columns,
        )
        settle.stay(record, MigrationStatus.REVERTED)
        settle.update_spec(record, columns)
        finish_events(move.instance.pk, [FINISH_REVERT_EVENT], result=SUCCESS)


def clean_up(record: Migration) -> None:
    """Remove a server that was deleted meanwhile from both hosts: if its own host is down, the
    deletion does not do that. Nobody waits for that. Of one that lives on, the ports follow it.
    """
    if Instance.objects.alive().filter(pk=record.instance_id).exists():
        bind_ports(record, left=record.dest_compute)
        return
    for node in {record.source_node, record.dest_node} - {None}:
        with contextlib.suppress(DriverFailed):
            driver_at(node).destroy_later(str(record.instance.uuid), str(node))
