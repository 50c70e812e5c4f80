"""Finds the host that a server moves to, claims it, and hands the server over to the hosts."""

from __future__ import annotations

import dataclasses
import functools
import logging
from typing import Any

from django.conf import settings

from servers.drivers.choose import driver_at
from servers.lifecycle.history import SUCCESS, add_event, finish_events, note_step
from servers.lifecycle.jobs import Evacuate, MigrateLive, MoveJob, MoveServer, PlaceMove
from servers.models import (
    BlockDevice,
    Instance,
    InstanceMapping,
    Migration,
    MigrationStatus,
    MigrationType,
    Service,
    TaskState,
)
from servers.models.server_step import QUEUED
from servers.moves.cold import COLD_EVENT, MIGRATE, PLACE_EVENT, RESIZE
from servers.moves.failure import GiveUp, fail_evacuation, give_up_live_move, give_up_move
from servers.placement import claims
from servers.placement.choose import Placement
from servers.placement.find import Try, find_hosts, until_claimed
from servers.placement.report import NoValidHost, keep_reports

logger = logging.getLogger(__name__)

PREPARE_EVENT = "compute_prep_resize"
LIVE_EVENT = "compute_live_migration"
EVACUATE_EVENT = "compute_rebuild_instance"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How a move of one type goes on once it has a destination. ``action`` and the events are names
    in the history; ``task`` is the server's task_state meanwhile.
    """

    action: str
    task: str
    placing: str
    going: str
    job: type[MoveJob]
    give_up: GiveUp
    status: str


COLD: dict[str, Any] = {
    "task": TaskState.RESIZE_PREP,
    "placing": PLACE_EVENT,
    "going": PREPARE_EVENT,
    "job": MoveServer,
    "give_up": give_up_move,
    "status": MigrationStatus.PRE_MIGRATING,
}
KINDS: dict[str, Kind] = {
    MigrationType.RESIZE: Kind(action=RESIZE.name, **COLD),
    MigrationType.MIGRATION: Kind(action=MIGRATE.name, **COLD),
    MigrationType.LIVE: Kind(
        action="live-migration",
        task=TaskState.MIGRATING,
        placing="conductor_live_migrate_instance",
        going=LIVE_EVENT,
        job=MigrateLive,
        give_up=give_up_live_move,
        status=MigrationStatus.QUEUED,
    ),
    MigrationType.EVACUATION: Kind(
        action="evacuate",
        task=TaskState.REBUILDING,
        placing="rebuild_server",
        going=EVACUATE_EVENT,
        job=Evacuate,
        give_up=fail_evacuation,
        status=MigrationStatus.PRE_MIGRATING,
    ),
}


def place_move(job: PlaceMove) -> NoValidHost | None:
    """Find a host for the move, and hand the server over. Where there is none, the server is what
    it was before, and the reason is returned.

    Doing it twice is harmless: the second time the move has a destination.
    """
    move = Migration.objects.open().filter(pk=job.move, dest_compute__isnull=True).first()
    if move is None:
        return None
    kind = KINDS[move.migration_type]
    try:
        until_claimed(functools.partial(_place, job, move, kind))
    except NoValidHost as fault:
        logger.info("server %s stays where it is: %s", job.server_id, fault.detail)
        kind.give_up(job.move, fault.detail, fault.details)
        keep_reports({move.instance_id: fault.report})
        return fault
    return None


def _place(job: PlaceMove, move: Migration, kind: Kind, attempt: Try) -> None:
    instance = (
        Instance.objects.alive()
        .select_for_update(of=("self",), no_key=True)
        .filter(uuid=job.server_id, task_state=kind.task)
        .select_related("request_spec__instance_group")
        .first()
    )
    waiting = Migration.objects.open().filter(pk=move.pk, dest_compute__isnull=True)
    if instance is None or not waiting.exists():
        return
    if move.migration_type == MigrationType.LIVE:
        _check_live(instance)
        if job.copies is not None:
            _check_disks(instance, copies=job.copies)
    placement = _find_destination(instance, move, job, attempt)
    chosen = placement.host
    claims.claim_move(placement, move)
    keep_reports({instance.pk: placement.report})
    Migration.objects.filter(pk=move.pk).update(
        dest_compute=chosen.host, dest_node=chosen.node, status=kind.status
    )
    finish_events(instance.pk, [kind.placing, PLACE_EVENT, COLD_EVENT], result=SUCCESS)
    add_event(instance.pk, kind.action, kind.going, host=chosen.host)
    note_step(job.server_id, QUEUED)
    then = dataclasses.asdict(job.then) if job.then is not None else {}
    kind.job(server_id=job.server_id, move=move.pk, **then).defer()


def _check_live(instance: Instance) -> None:
    """Check what keeps the server from a live migration to any destination."""
    if not Service.objects.is_up(instance.host):
        raise NoValidHost(f"The host {instance.host} does not answer.")
    if any(request.get("alias") for request in instance.pci_requests):
        raise NoValidHost("PCI devices cannot move with a server that runs.")


def _check_disks(instance: Instance, *, copies: bool) -> None:
    """Nova: who says whether disks are copied must say what is so; with ``auto`` nobody need know.
    Simulated hosts have nothing on disks.
    """
    if driver_at(instance.node).saves_disks():
        return
    disks = BlockDevice.objects.filter(instance=instance, destination_type="local")
    has_own = disks.exclude(no_device=True).exists()
    if copies and not has_own:
        raise NoValidHost("All disks of the server are shared by its hosts: none can be copied.")
    if has_own and not copies:
        raise NoValidHost("The server has disks that only its host sees: they have to be copied.")


def _find_destination(
    instance: Instance, move: Migration, job: PlaceMove, attempt: Try
) -> Placement:
    """The best host of the server's cell for what the server will be.

    Raises:
        NoValidHost: there is none.
    """
    spec, host = instance.request_spec, job.host
    ignored = _ignored(move)
    if job.forced and host in ignored:
        raise NoValidHost(f"The server {instance.uuid} lies on {host} already.")
    # hosts that were forced when the server was made count for that time only
    spec.force_hosts, spec.force_nodes = [host] if job.forced else [], []
    spec.requested_destination = {"host": host} if host else None
    spec.ignore_hosts = ignored
    spec.flavor = move.new_flavor
    for name, value in move.new_hardware.items():
        setattr(spec, name, value)
    mapping = InstanceMapping.objects.filter(instance=instance)
    cell = mapping.values_list("cell", flat=True).first()
    [placement] = find_hosts(spec, cell_id=cell, moving=instance, attempt=attempt)
    return placement


def _ignored(move: Migration) -> list[str]:
    stays_possible = settings.OPTIONS.allow_resize_to_same_host
    if move.migration_type == MigrationType.RESIZE and stays_possible:
        return []
    return [move.source_compute] if move.source_compute else []
