"""Live migration: a server goes to another host while it runs."""

from __future__ import annotations

import dataclasses

from django.db import Error as DatabaseError
from django.db import transaction

from compute_site.caller import Caller
from servers.build.failure import describe
from servers.drivers.choose import driver_at
from servers.drivers.protocol import LiveAborted
from servers.errors import WrongState
from servers.holdings import settle
from servers.hosts.zones import zone_of_hosts
from servers.lifecycle.begin import Change, begin
from servers.lifecycle.exclusive import exclusive
from servers.lifecycle.guard import check_state, check_unlocked, lock_row
from servers.lifecycle.history import (
    ERROR,
    SUCCESS,
    finish_event,
    finish_events,
    log_action,
)
from servers.lifecycle.jobs import BindPorts, MigrateLive, PlaceMove
from servers.lifecycle.transitions import BEGIN_LIVE_MOVE, END_LIVE_MOVE, GO_ON_LIVE, take_step
from servers.machine.bound import LIVE_MIGRATION, check_unbound
from servers.models import Instance, Migration, MigrationStatus, MigrationType, Service, VmState
from servers.moves.cold import PLACE_EVENT, record_move
from servers.moves.errors import DestinationNotFound, NoDestination, WrongMoveStatus
from servers.moves.failure import EVENTS, give_up_live_move
from servers.moves.perform import Interrupted
from servers.moves.place import KINDS, LIVE_EVENT, place_move
from servers.placement.port_bindings import rebind
from servers.read.moves import find_move

KIND = KINDS[MigrationType.LIVE]
DOING = "move it live"
LEFT_ALONE = Change(name=KIND.action, event=KIND.placing, doing=DOING, step=BEGIN_LIVE_MOVE)
WAITED_FOR = dataclasses.replace(LEFT_ALONE, event=PLACE_EVENT)
"""The beginning of a live migration for which the request itself looks for a host."""
ABORT_EVENT = "compute_live_migration_abort"
RUNNING = (MigrationStatus.RUNNING,)
WAITING = (MigrationStatus.QUEUED, MigrationStatus.PREPARING)


def migrate_live(
    caller: Caller,
    instance: Instance,
    *,
    host: str | None,
    forced: bool,
    waits: bool,
    copies: bool | None = None,
) -> None:
    """Begin a live migration. ``forced``: to ``host``, whatever speaks against it but lack of
    room. ``waits``: until there is a destination. ``copies``: are disks to be copied? ``None``: if
    there are any that only one host sees.

    Raises:
        HardwareBound: its TPM or encrypted memory stays on its host.
        ServerLocked, WrongState: 409.
        DestinationNotFound: there is no such host.
        NoDestination: it ``waits``, and cannot go anywhere.
    """
    check_unbound(instance, LIVE_MIGRATION)
    check_unlocked(caller, instance)
    check_state(instance, BEGIN_LIVE_MOVE.from_vm, DOING, idle=True)
    if host and not Service.objects.can_take_servers(host):
        raise DestinationNotFound(f"There is no host {host}.", field="os-migrateLive.host")
    with transaction.atomic():
        server = lock_row(instance)
        check_state(server, BEGIN_LIVE_MOVE.from_vm, DOING, idle=True)
        status = MigrationStatus.ACCEPTED
        record = record_move(caller, server, migration_type=MigrationType.LIVE, status=status)
        job = PlaceMove(
            server_id=str(server.uuid), move=record.pk, host=host, forced=forced, copies=copies
        )
        begin(caller, server, WAITED_FOR if waits else LEFT_ALONE, None if waits else job)
    if waits:
        fault = place_move(job)
        if fault is not None:
            raise NoDestination(fault.detail)


def abort_live_migration(caller: Caller, instance: Instance, move_id: str, *, early: bool) -> None:
    """Abort the live migration: the server stays where it runs. ``early``: also one that has not
    begun to copy.

    Raises:
        ServerLocked, WrongState: 409.
        NoSuchItem: the server has no such move.
        WrongMoveStatus: it has come too far, or not far enough.
    """
    record = _check_going_on(caller, instance, move_id, vm_state=None)
    allowed = (*RUNNING, *WAITING) if early else RUNNING
    if record.status in RUNNING and not _abort_on_host(record):
        log_action(caller, instance, "live_migration_cancel", ABORT_EVENT)
        return
    with transaction.atomic():
        if not take_step(instance.pk, END_LIVE_MOVE):
            raise WrongState(f"The server {instance.uuid} does not migrate any more.")
        record.refresh_from_db(fields=["status"])
        _check_status(record, allowed)
        settle.stay(record, MigrationStatus.CANCELLED)
        finish_events(instance.pk, EVENTS, result=ERROR, details="It was aborted.")
        log_action(caller, instance, "live_migration_cancel", ABORT_EVENT)


def _abort_on_host(record: Migration) -> bool:
    """``False``: the job that waits for the host hears of it, and ends the migration."""
    driver = driver_at(record.source_node)
    return driver.abort_live(str(record.instance.uuid), str(record.source_node))


def force_live_migration(caller: Caller, instance: Instance, move_id: str) -> None:
    """Force the live migration to complete; raises as ``abort_live_migration``."""
    event = "compute_live_migration_force_complete"
    with transaction.atomic():
        server = lock_row(instance)
        record = _check_going_on(caller, server, move_id, vm_state=VmState.ACTIVE)
        _check_status(record, RUNNING)
        driver = driver_at(record.source_node)
        driver.force_live(str(server.uuid), str(record.source_node))
        log_action(caller, server, "live_migration_force_complete", event)


def perform_live(job: MigrateLive) -> None:
    """The hosts' part. It may run again from the start after a worker was lost."""
    with exclusive(job.server_id):
        record = Migration.objects.open().filter(pk=job.move).select_related("instance").first()
        if record is None or record.dest_compute is None:
            return
        try:
            _copy(record)
            _switch(record)
        except Interrupted:
            nodes = str(record.source_node), str(record.dest_node)
            driver_at(record.source_node).undo_live(job.server_id, *nodes)
            BindPorts(server_id=job.server_id, left=record.dest_compute).defer()
        except LiveAborted as error:
            status = MigrationStatus.CANCELLED
            give_up_live_move(job.move, error.detail, "", status=status)
        except DatabaseError:
            raise  # says nothing about the hosts: the queue tries again
        except Exception as error:  # noqa: BLE001 - the server must not be left in between
            give_up_live_move(job.move, *describe(error))


def _copy(record: Migration) -> None:
    if record.instance.task_state not in END_LIVE_MOVE.from_task:
        raise Interrupted  # nothing keeps a server from being deleted while its hosts work
    if record.status == MigrationStatus.POST_MIGRATING:
        return
    if not settle.set_status(record, MigrationStatus.RUNNING, only_from=(*RUNNING, *WAITING)):
        raise Interrupted
    driver = driver_at(record.source_node)
    driver.copy_live(str(record.instance.uuid), str(record.source_node), str(record.dest_node))
    with transaction.atomic():  # from here on nobody can abort it
        if not take_step(record.instance_id, GO_ON_LIVE):
            raise Interrupted
        if not settle.set_status(record, MigrationStatus.POST_MIGRATING, only_from=RUNNING):
            raise Interrupted


def _switch(record: Migration) -> None:
    server_id, host = str(record.instance.uuid), str(record.dest_compute)
    driver = driver_at(record.source_node)
    rebind(server_id, host, record.dest_node)  # first, as the driver tells hosts where it is
    driver.switch_live(server_id, str(record.source_node), str(record.dest_node))
    zone = zone_of_hosts([host]).get(host)
    where = {"host": host, "node": record.dest_node, "availability_zone": zone}
    with transaction.atomic():
        if not take_step(record.instance_id, END_LIVE_MOVE, **where):
            raise Interrupted
        settle.leave(record, MigrationStatus.COMPLETED)
        finish_event(record.instance_id, LIVE_EVENT, result=SUCCESS)


def _check_going_on(
    caller: Caller, instance: Instance, move_id: str, *, vm_state: str | None
) -> Migration:
    check_unlocked(caller, instance)
    wrong_state = vm_state is not None and instance.vm_state != vm_state
    if wrong_state or instance.task_state not in END_LIVE_MOVE.from_task:
        raise WrongState(f"The server {instance.uuid} does not migrate now.")
    return find_move(instance, move_id)


def _check_status(record: Migration, allowed: tuple[str, ...]) -> None:
    if record.status not in allowed:
        raise WrongMoveStatus(
            f"The move {record.pk} is {record.status}; this needs one that is "
            f"{' or '.join(allowed)}."
        )
