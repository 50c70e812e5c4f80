"""How subnets are cut from pools, which are locked meanwhile."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import QuerySet

from compute_site.caller import Caller
from compute_site.faults import BadRequest, Conflict
from compute_site.neighbours.network.local.limits import OverQuota
from compute_site.neighbours.network.local.missing import SubnetPoolNotFound
from compute_site.neighbours.network.local.pools import PoolMismatch, cut_from
from compute_site.neighbours.network.local.prefixes import covers, cut_range, without_ranges
from compute_site.neighbours.network.models import Subnet, SubnetPool

UNIT = {4: 32, 6: 64}
"""The prefix of what the quota of a pool counts."""


class UnusableCut(BadRequest):
    """What a request says of the range of a new subnet contradicts itself, or its pool."""

    code = "unusable_cut"


class NoRangeLeft(Conflict):
    """The pool has no such range left."""

    code = "no_range_left"


class PoolQuotaReached(OverQuota):
    """The project has what the pool gives to each."""

    code = "pool_quota_reached"


def choose_range(
    caller: Caller, values: Mapping[str, Any], others: QuerySet[Subnet], project_id: str
) -> tuple[str, SubnetPool | None]:
    """The range of a new subnet, and the pool that it is cut from. ``others`` are those of its
    network, which is locked, with their ``pool``.

    Raises:
        UnusableCut: the request says too little, too much, or what the pool does not allow; or
            there is no default pool.
        SubnetPoolNotFound: the caller sees no such pool.
        PoolMismatch: the network has subnets of another pool.
        PoolQuotaReached, NoRangeLeft: the pool gives no more.
    """
    cidr, length = values["cidr"], values["prefixlen"]
    if cidr is not None and length is not None:
        raise UnusableCut("Give cidr or prefixlen, not both.", field="prefixlen")
    version = ipaddress.ip_network(cidr).version if cidr else values["ip_version"]
    pool = _chosen(caller, values, version)
    _check_one_pool(pool, [one for one in others if one.ip_version == version])
    if pool is None:
        if cidr is None:
            raise UnusableCut("Give a cidr, or a pool to cut it from.", field="cidr")
        return cidr, None
    if pool.ip_version != version:
        raise UnusableCut(f"The pool {pool.pk} is IPv{pool.ip_version}.", field="ip_version")
    if cidr is None and values["allocation_pools"]:
        raise UnusableCut("Allocation pools need a cidr.", field="allocation_pools")
    if cidr is not None:
        length = ipaddress.ip_network(cidr).prefixlen
    return _cut(pool, cidr, length or pool.default_prefixlen, project_id), pool


def _chosen(caller: Caller, values: Mapping[str, Any], version: int) -> SubnetPool | None:
    """The pool that a request for a subnet names, locked; ``None``: it names none."""
    named, by_default = values["subnetpool_id"], values["use_default_subnetpool"]
    if named is not None and by_default:
        raise UnusableCut(
            "Give subnetpool_id or use_default_subnetpool, not both.", field="subnetpool_id"
        )
    if named is None and not by_default:
        return None
    seen = SubnetPool.objects.visible_to(caller).select_for_update(no_key=True)
    if by_default:
        pool = seen.filter(is_default=True, ip_version=version).first()
        if pool is None:
            raise UnusableCut(
                f"There is no default pool of IPv{version}.", field="use_default_subnetpool"
            )
        return pool
    pool = seen.filter(pk=named).first()
    if pool is None:
        raise SubnetPoolNotFound(f"There is no subnet pool {named}.", field="subnetpool_id")
    return pool


def _cut(pool: SubnetPool, cidr: str | None, length: int, project_id: str) -> str:
    """The range out of the pool, which is locked."""
    if not pool.min_prefixlen <= length <= pool.max_prefixlen:
        raise UnusableCut(
            f"The pool {pool.pk} gives ranges from /{pool.min_prefixlen} to "
            f"/{pool.max_prefixlen}, not /{length}.",
            field="prefixlen" if cidr is None else "cidr",
        )
    _check_quota(pool, length, project_id)
    taken = cut_from(pool)
    if cidr is None:
        found = cut_range(pool.prefixes, taken, length)
    else:
        found = cidr if covers(without_ranges(pool.prefixes, taken), [cidr]) else None
    if found is None:
        told = cidr or f"range of /{length}"
        raise NoRangeLeft(f"The pool {pool.pk} has no free {told}.", field="subnetpool_id")
    return found


def _check_quota(pool: SubnetPool, length: int, project_id: str) -> None:
    if not pool.default_quota:
        return
    unit = UNIT[pool.ip_version]
    lengths = [
        ipaddress.ip_network(one).prefixlen
        for one in pool.subnets.filter(project=project_id).values_list("cidr", flat=True)
    ]
    if sum(2.0 ** (unit - one) for one in (*lengths, length)) > pool.default_quota:
        raise PoolQuotaReached(
            f"The project may have {pool.default_quota} times /{unit} of the pool {pool.pk}."
        )


def _check_one_pool(pool: SubnetPool | None, others: Iterable[Subnet]) -> None:
    for other in others:
        if not _go_together(pool, other.pool):
            raise PoolMismatch(
                f"The network has a subnet {other.cidr} that is of another pool, or of none.",
                field="subnetpool_id",
            )


def _go_together(one: SubnetPool | None, other: SubnetPool | None) -> bool:
    """Are they the same, or in one address scope?"""
    if one is None or other is None:
        return one is other
    return one == other or (one.scope_id is not None and one.scope_id == other.scope_id)
