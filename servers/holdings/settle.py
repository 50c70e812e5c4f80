"""Ends moves: which of the two hosts keeps its claim, and what goes back to the quota.

The caller has locked the server's row, by a step or otherwise. Locks are taken in the order of
deletions: the server, the project's counters, the nodes.
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
"""Statuses of resizes and cold migrations in which the server already lies on the destination."""
COLD = frozenset((MigrationType.RESIZE, MigrationType.MIGRATION))
SIZES = ("vcpus", "memory_mb", "root_gb", "ephemeral_gb")


def set_status(move: Migration, status: str, *, only_from: Iterable[str] = ()) -> bool:
    """Set the move's status; ``False``: it has ended, or was in none of ``only_from``."""
    moves = Migration.objects.open().filter(pk=move.pk)
    if only_from:
        moves = moves.filter(status__in=only_from)
    return moves.update(status=status, updated_at=timezone.now()) == 1


def stay(move: Migration, status: str) -> None:
    """End the move with the server on the host where it began."""
    if set_status(move, status):
        _settle_quota(move, move.old_flavor)
        claims.stay(move)


def leave(move: Migration, status: str) -> None:
    """End the move with the server on the destination."""
    if set_status(move, status):
        _settle_quota(move, move.new_flavor)
        claims.leave(move)


def settle(instance: Instance) -> None:
    """End the move of the server, if one is open, with the server on the host where it lies now.
    For an admin who sets the server's state, and for evacuations.
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
