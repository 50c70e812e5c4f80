"""Finds the host that a server moves to, claims it, and hands the server over to the hosts."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.conf import settings
from django.db import transaction

from servers.conductor import claims, queue
from servers.conductor.demand import Demand, read_demand
from servers.conductor.hosts import lock_group, read_hosts
from servers.conductor.records import SUCCESS, add_event, finish_event
from servers.conductor.schedule import HostState, NoValidHost, choose_hosts
from servers.models import Instance, InstanceMapping, Migration, MigrationType, TaskState
from servers.moves.begin import MIGRATE, PLACE_EVENT, RESIZE
from servers.moves.failure import give_up_move

logger = logging.getLogger(__name__)

PREPARE_EVENT = "compute_prep_resize"
ACTIONS: dict[str, str] = {MigrationType.RESIZE: RESIZE, MigrationType.MIGRATION: MIGRATE}


def place_move(server_id: str, move_id: int, *, host: str | None = None) -> None:
    """``host``: only this one will do. Where there is none, the server is what it was before.

    Doing it twice is harmless: the second time the move has a destination.
    """
    try:
        with transaction.atomic():
            _place(server_id, move_id, host)
    except NoValidHost as fault:
        logger.info("server %s stays where it is: %s", server_id, fault.detail)
        give_up_move(move_id, fault.detail, fault.details)


def _place(server_id: str, move_id: int, host: str | None) -> None:
    instance = (
        Instance.objects.alive()
        .select_for_update(of=("self",), no_key=True)
        .filter(uuid=server_id, task_state=TaskState.RESIZE_PREP)
        .select_related("request_spec__instance_group")
        .first()
    )
    move = Migration.objects.open().filter(pk=move_id, dest_compute__isnull=True).first()
    if instance is None or move is None:
        return
    demand, chosen = choose_destination(instance, move, host, ignored=_ignored(move))
    claims.claim_move(demand, instance.pk, chosen.node_id)
    Migration.objects.filter(pk=move.pk).update(dest_compute=chosen.host, dest_node=chosen.node)
    finish_event(instance.pk, PLACE_EVENT, result=SUCCESS)
    add_event(instance.pk, ACTIONS[move.migration_type], PREPARE_EVENT, host=chosen.host)
    job = {"server_id": server_id, "move": move.pk}
    queue.defer(queue.MOVE_SERVER, queue=queue.COMPUTE, jobs=[job])


def choose_destination(
    instance: Instance, move: Migration, host: str | None, *, ignored: Sequence[str | None]
) -> tuple[Demand, HostState]:
    """The best host of the server's cell for its new flavor. The hosts are locked, so that nobody
    else takes the room meanwhile.

    Raises:
        NoValidHost: there is none.
    """
    spec = instance.request_spec
    spec.force_hosts, spec.force_nodes = [], []  # they were for the first time only
    spec.requested_destination = {"host": host} if host else None
    spec.ignore_hosts = [name for name in ignored if name]
    spec.flavor = move.new_flavor
    lock_group(spec.instance_group)
    demand = read_demand(spec)
    hosts = read_hosts(demand, spec.instance_group, lock=True, moving=instance)
    cell = InstanceMapping.objects.filter(instance=instance).values_list("cell", flat=True).first()
    near = [state for state in hosts if cell in (None, state.cell_id)]
    [placement] = choose_hosts(demand, near, count=1)
    return demand, placement.host


def _ignored(move: Migration) -> list[str | None]:
    stays_possible = settings.OPTIONS.allow_resize_to_same_host
    if move.migration_type == MigrationType.RESIZE and stays_possible:
        return []
    return [move.source_compute]
