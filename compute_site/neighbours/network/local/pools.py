"""Subnet pools: how they are made, changed and deleted.

Networks are locked before pools, and pools before scopes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction

from compute_site.caller import Caller
from compute_site.faults import BadRequest, Conflict
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.local.limits import QUOTAS
from compute_site.neighbours.network.local.missing import AddressScopeNotFound, SubnetPoolNotFound
from compute_site.neighbours.network.local.prefixes import (
    compacted,
    covers,
    have_common,
    versions_of,
    without_ranges,
)
from compute_site.neighbours.network.local.rights import (
    choose_project,
    permit,
    permit_create,
    permit_update,
)
from compute_site.neighbours.network.models import AddressScope, Subnet, SubnetPool

BITS = {4: 32, 6: 128}
SHORTEST = {4: 8, 6: 64}
"""The prefix of the largest range that is cut, where nobody says another one."""
POOL_COLUMNS = {
    **{key: key for key in ("name", "description", "is_default", "default_quota")},
    **{key: key for key in ("min_prefixlen", "max_prefixlen", "default_prefixlen")},
    "scope_id": "address_scope_id",
}
"""What can be changed, beside the ranges."""


class UnusablePool(BadRequest):
    """The parts of a subnet pool contradict each other; ``field`` names the wrong one."""

    code = "unusable_pool"


class DefaultPoolExists(BadRequest):
    """Another pool is the default one of this IP version."""

    code = "default_pool_exists"


class PoolInUse(BadRequest):
    """Subnets were cut from the pool; 400 as in Neutron."""

    code = "pool_in_use"


class PoolMismatch(BadRequest):
    """The subnets of one IP version of a network are of one pool, or of pools of one scope."""

    code = "pool_mismatch"


class ScopeConflict(Conflict):
    """Two pools of an address scope would have an address in common."""

    code = "scope_conflict"


@transaction.atomic
def create_pool(caller: Caller, values: Mapping[str, Any], given: Collection[str]) -> SubnetPool:
    project_id = choose_project(caller, policies.OWN["subnetpool", "create"], values)
    permit_create(caller, policies.OWN["subnetpool", "create"], project_id, values, given)
    version = _version_of(values["prefixes"])
    shortest = values["min_prefixlen"] or SHORTEST[version]
    pool = SubnetPool(
        project_id=project_id,
        ip_version=version,
        prefixes=compacted(values["prefixes"]),
        shared=values["shared"],
        **{column: values[key] for column, key in POOL_COLUMNS.items()},
    )
    pool.min_prefixlen = shortest
    pool.max_prefixlen = values["max_prefixlen"] or BITS[version]
    pool.default_prefixlen = values["default_prefixlen"] or shortest
    _check_lengths(pool)
    _check_scope(caller, pool)
    QUOTAS.check(project_id, subnetpool=1)
    _save(pool, force_insert=True)
    return pool


@transaction.atomic
def change_pool(
    caller: Caller, row: SubnetPool, values: Mapping[str, Any], given: Collection[str]
) -> None:
    permit_update(caller, policies.OWN["subnetpool", "update"], row, values, given)
    pool = _locked(row)
    _check_own_scope(caller, pool)
    changed = [column for column, key in POOL_COLUMNS.items() if key in given]
    moved = "scope_id" in changed and values["address_scope_id"] != pool.scope_id
    for column in changed:
        setattr(pool, column, values[POOL_COLUMNS[column]])
    if "prefixes" in given:
        _check_version(pool, values["prefixes"])
        if not covers(values["prefixes"], pool.prefixes):
            raise UnusablePool("The ranges that the pool has must stay in it.", field="prefixes")
        pool.prefixes = compacted(values["prefixes"])
        changed.append("prefixes")
    _check_lengths(pool)
    if moved:
        _check_alone(pool)
    if moved or "prefixes" in changed:
        _check_scope(caller, pool)
    if changed:
        _save(pool, update_fields=changed)
    pool.note_change()


@transaction.atomic
def delete_pool(caller: Caller, row: SubnetPool) -> None:
    permit(caller, policies.OWN["subnetpool", "delete"], row.project_id)
    pool = _locked(row, for_good=True)
    if pool.subnets.exists():
        raise PoolInUse(f"Subnets were cut from the pool {row.pk}.")
    pool.delete()


@transaction.atomic
def add_prefixes(caller: Caller, row: SubnetPool, prefixes: Sequence[str]) -> SubnetPool:
    permit(caller, policies.ADD_PREFIXES, row.project_id)
    pool = _locked(row)
    _check_own_scope(caller, pool)
    _check_version(pool, prefixes)
    pool.prefixes = compacted([*pool.prefixes, *prefixes])
    _check_scope(caller, pool)
    pool.save(update_fields=["prefixes"])
    pool.note_change()
    return pool


@transaction.atomic
def remove_prefixes(caller: Caller, row: SubnetPool, prefixes: Sequence[str]) -> SubnetPool:
    """Take these addresses out of the pool, as far as they are in it; no subnet may have one."""
    permit(caller, policies.REMOVE_PREFIXES, row.project_id)
    pool = _locked(row)
    _check_own_scope(caller, pool)
    _check_version(pool, prefixes)
    if have_common(prefixes, cut_from(pool)):
        raise UnusablePool("Subnets were cut from these ranges.", field="prefixes")
    left = without_ranges(pool.prefixes, prefixes)
    if not left:
        raise UnusablePool("A pool keeps at least one range.", field="prefixes")
    pool.prefixes = compacted(left)
    pool.save(update_fields=["prefixes"])
    pool.note_change()
    return pool


def cut_from(pool: SubnetPool) -> list[str]:
    """The ranges of the pool's subnets."""
    return list(pool.subnets.values_list("cidr", flat=True))


def _check_alone(pool: SubnetPool) -> None:
    """Check that a pool that changes its scope leaves no network with subnets of two.

    Raises:
        PoolMismatch: it would.
    """
    networks = pool.subnets.values("network")
    others = Subnet.objects.filter(network__in=networks, ip_version=pool.ip_version)
    if others.exclude(pool=pool).exists():
        raise PoolMismatch(
            "Networks have subnets of this pool beside those of another one of its scope.",
            field="address_scope_id",
        )


def _check_scope(caller: Caller, pool: SubnetPool) -> None:
    """Check that the pool may be in its address scope, which is locked.

    Raises:
        AddressScopeNotFound: the caller sees no such scope.
        UnusablePool: it is of the other IP version.
        ScopeConflict: another pool of it has some of the addresses.
    """
    if pool.scope_id is None:
        return
    seen = AddressScope.objects.visible_to(caller).select_for_update(no_key=True)
    scope = seen.filter(pk=pool.scope_id).first()
    if scope is None:
        raise AddressScopeNotFound(
            f"There is no address scope {pool.scope_id}.", field="address_scope_id"
        )
    if scope.ip_version != pool.ip_version:
        raise UnusablePool(
            f"The address scope {scope.pk} is IPv{scope.ip_version}.", field="address_scope_id"
        )
    others = scope.pools.exclude(pk=pool.pk).values_list("prefixes", flat=True)
    if have_common(pool.prefixes, [one for prefixes in others for one in prefixes]):
        raise ScopeConflict(
            f"Another pool of the address scope {scope.pk} has some of these addresses.",
            field="prefixes",
        )


def _check_own_scope(caller: Caller, pool: SubnetPool) -> None:
    """Raises ``UnusablePool`` where the scope of the pool is that of another project, which counts
    on what the pool has."""
    if pool.scope is None or caller.is_admin or pool.scope.project_id == caller.project_id:
        return
    raise UnusablePool(f"The address scope {pool.scope_id} is another project's.")


def _check_lengths(pool: SubnetPool) -> None:
    """Raises ``UnusablePool`` where the lengths of prefixes are not in their order."""
    shortest, longest, usual = "min_prefixlen", "max_prefixlen", "default_prefixlen"
    for low, high in ((shortest, longest), (shortest, usual), (usual, longest)):
        if getattr(pool, low) > getattr(pool, high):
            raise UnusablePool(
                f"{low} {getattr(pool, low)} is more than {high} {getattr(pool, high)}.", field=low
            )
    if pool.max_prefixlen > BITS[pool.ip_version]:
        raise UnusablePool(
            f"max_prefixlen is at most {BITS[pool.ip_version]} in IPv{pool.ip_version}.",
            field="max_prefixlen",
        )


def _version_of(prefixes: Sequence[str]) -> int:
    found = versions_of(prefixes)
    if len(found) != 1:
        problem = "Give ranges of one IP version." if found else "Give at least one range."
        raise UnusablePool(problem, field="prefixes")
    return found.pop()


def _check_version(pool: SubnetPool, prefixes: Sequence[str]) -> None:
    if _version_of(prefixes) != pool.ip_version:
        raise UnusablePool(f"The pool {pool.pk} is IPv{pool.ip_version}.", field="prefixes")


def _save(pool: SubnetPool, **how: Any) -> None:
    try:
        with transaction.atomic():
            pool.save(**how)
    except IntegrityError:
        raise DefaultPoolExists(
            f"Another pool is the default one of IPv{pool.ip_version}.", field="is_default"
        ) from None


def _locked(row: SubnetPool, *, for_good: bool = False) -> SubnetPool:
    """The pool as it is now; nobody cuts from it meanwhile."""
    rows = SubnetPool.objects.select_for_update(no_key=not for_good, of=("self",))
    found = rows.select_related("scope").filter(pk=row.pk).first()
    if found is None:
        raise SubnetPoolNotFound(f"There is no subnet pool {row.pk}.")
    return found
