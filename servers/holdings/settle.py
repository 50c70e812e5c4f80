"""Ends moves: who keeps which claim, and what goes back to the quota.

Whoever calls these has locked the server's row, by a step or otherwise. The order of locks is that
of deletions: the server, the project's counters, the nodes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from quotas.enforce import give_back
from servers.models import Instance, Migration, MigrationStatus, MigrationType, RequestSpec
from servers.placement import claims

ARRIVED = frozenset(
    (
        MigrationStatus.POST_MIGRATING,
        MigrationStatus.FINISHED,
        MigrationStatus.CONFIRMING,
        MigrationStatus.REVERTING,
    )
)
"""A server that is resized or migrated cold lies on the host it was to go to."""
COLD = frozenset((MigrationType.RESIZE, MigrationType.MIGRATION))
SIZES = ("vcpus", "memory_mb", "root_gb", "ephemeral_gb")


def set_status(move: Migration, status: str, *, only_from: Iterable[str] = ()) -> bool:
    """Note how far the move has come; ``False``: it has ended, or was not where it should be."""
    moves = Migration.objects.open().filter(pk=move.pk)
    if only_from:
        moves = moves.filter(status__in=only_from)
    return moves.update(status=status, updated_at=timezone.now()) == 1


def stay(move: Migration, status: str) -> None:
    """The move ends where it began."""
    if set_status(move, status):
        _settle_quota(move, move.old_flavor)
        claims.stay(move)


def leave(move: Migration, status: str) -> None:
    """The move ends where it went."""
    if set_status(move, status):
        _settle_quota(move, move.new_flavor)
        claims.leave(move)


def settle(instance: Instance) -> None:
    """End a move, if one has not ended, wherever the server lies now: somebody has said what the
    server is, and asks for nothing more.
    """
    move = find_open(instance)
    if move is not None:
        arrived = move.migration_type in COLD and move.status in ARRIVED
        end = leave if arrived else stay
        end(move, MigrationStatus.ERROR)


def find_open(instance: Instance) -> Migration | None:
    """The move of the server that has not ended."""
    return Migration.objects.open().filter(instance=instance).select_related("instance").first()


def end_with_server(instance: Instance) -> dict[str, int]:
    """The server is deleted: end its move, and say what the quota held for it."""
    move = find_open(instance)
    if move is None:
        return {"instances": 1, "cores": instance.vcpus, "ram": instance.memory_mb}
    settled = move.status in (MigrationStatus.FINISHED, MigrationStatus.CONFIRMING)
    set_status(move, MigrationStatus.CONFIRMED if settled else MigrationStatus.ERROR)
    return {"instances": 1, **move.amounts()}


def new_columns(move: Migration) -> dict[str, Any]:
    """Columns of a server that has the new flavor."""
    return _columns(move.new_flavor, move.new_flavor_record_id, move.new_hardware)


def old_columns(move: Migration) -> dict[str, Any]:
    """Columns of a server that has the old flavor again."""
    return _columns(move.old_flavor, move.old_flavor_record_id, move.old_hardware)


def update_spec(move: Migration, columns: dict[str, Any]) -> None:
    """Later moves ask for what the server is now."""
    kept = {name: columns[name] for name in ("flavor", "numa_topology", "pci_requests")}
    RequestSpec.objects.filter(instance=move.instance_id).update(**kept)


def _columns(
    flavor: dict[str, Any], record: int | None, hardware: dict[str, Any]
) -> dict[str, Any]:
    sizes = {name: flavor[name] for name in SIZES}
    return {"flavor": flavor, "flavor_record": record, **sizes, **hardware}


def _settle_quota(move: Migration, kept: dict[str, Any]) -> None:
    held = move.amounts()
    spare = {
        "cores": held["cores"] - kept["vcpus"],
        "ram": held["ram"] - kept["memory_mb"],
    }
    amounts = {resource: amount for resource, amount in spare.items() if amount}
    if amounts:
        give_back(move.instance.project_id, amounts)
