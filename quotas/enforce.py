"""Reserves quota of a project and gives it back, correctly under concurrency.

Both functions run in the transaction that writes or removes the counted rows, and lock the
project's usage rows until it ends. Rows are always locked in the order of their resources, so that
transactions cannot deadlock. ``reserve`` takes two statements (two more on the first use of a
project, one more where the user has a limit of its own), ``give_back`` one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from compute_site.db.prepared import array, prepared_cursor, send_later
from quotas.fit import Scope, Wanted, how_many_fit
from quotas.limits import DEFAULT_CLASS, DRIVERS, quota_driver
from quotas.resources import RESOURCES

# The usage is read from the locked row, so that a transaction that had to wait sees the values that
# the other one has committed, and not the snapshot of the time when it began to wait.
LOCK = {
    name: f"""
    SELECT counter.resource, counter.in_use, {driver.user_limit}, {driver.project_limit}
    FROM quotas_usage AS counter
    {driver.of_user} {driver.of_project}
    WHERE counter.project_id = %(project)s AND counter.resource = ANY(%(resources)s)
    ORDER BY counter.resource
    FOR NO KEY UPDATE OF counter
"""  # noqa: S608 - only constants
    for name, driver in DRIVERS.items()
}
CREATE = """
    INSERT INTO quotas_usage (project_id, resource, in_use)
    SELECT %s, resource, 0 FROM unnest(%s::text[]) AS resource ORDER BY resource
    ON CONFLICT DO NOTHING
"""
ADD = """
    UPDATE quotas_usage AS counter SET in_use = counter.in_use + taken.amount
    FROM unnest(%s::text[], %s::bigint[]) AS taken (resource, amount)
    WHERE counter.project_id = %s AND counter.resource = taken.resource
"""
# A wrong counter must not prevent a deletion: it stops at zero, and check_quotas reports it.
GIVE_BACK = """
    WITH locked AS (
        SELECT counter.id, given.amount
        FROM quotas_usage AS counter
        JOIN unnest(%s::text[], %s::bigint[]) AS given (resource, amount)
            ON given.resource = counter.resource
        WHERE counter.project_id = %s
        ORDER BY counter.resource
        FOR NO KEY UPDATE OF counter
    )
    UPDATE quotas_usage AS counter SET in_use = GREATEST(counter.in_use - locked.amount, 0)
    FROM locked WHERE counter.id = locked.id
"""


class Counter(NamedTuple):
    """A locked row of usage and the limits on it; ``user_limit`` is null where the user has
    none.
    """

    resource: str
    in_use: int
    user_limit: int | None
    project_limit: int


def reserve(
    project_id: str,
    user_id: str,
    wanted: Wanted,
    *,
    user_usage: Callable[[], Mapping[str, int]],
) -> int:
    """Reserve quota for as many of the wanted items as fit; return their number.

    ``user_usage`` counts the user's usage in this project; it is called only where the user has a
    limit of its own.

    Raises:
        OverQuota: not even the minimum fits; nothing is reserved.
    """
    counters = _lock(project_id, user_id, list(wanted.each))
    scopes = [_project_scope(counters)]
    if any(counter.user_limit is not None for counter in counters):
        scopes.append(_user_scope(counters, user_usage()))
    count = how_many_fit(scopes, wanted)
    amounts = [amount * count for amount in wanted.each.values()]
    send_later(ADD, [array(wanted.each), array(amounts), project_id])
    return count


def give_back(project_id: str, amounts: Mapping[str, int]) -> None:
    """Give back quota of removed items, such as ``{"instances": 1, "cores": 2, "ram": 512}``."""
    send_later(GIVE_BACK, [array(amounts), array(amounts.values()), project_id])


def _lock(project_id: str, user_id: str, resources: list[str]) -> list[Counter]:
    """Lock the usage rows; missing ones are made."""
    parameters: dict[str, Any] = {
        "project": project_id,
        "user": user_id,
        "class": DEFAULT_CLASS,
        "resources": array(resources),
    }
    lock = LOCK[quota_driver()]
    with prepared_cursor() as cursor:
        cursor.execute(lock, parameters)
        rows = cursor.fetchall()
        if len(rows) < len(resources):
            cursor.execute(CREATE, [project_id, array(resources)])
            cursor.execute(lock, parameters)
            rows = cursor.fetchall()
    return [
        Counter(resource, in_use, own, RESOURCES[resource].default if limit is None else limit)
        for resource, in_use, own, limit in rows
    ]


def _project_scope(counters: list[Counter]) -> Scope:
    return Scope(
        limits={counter.resource: counter.project_limit for counter in counters},
        usage={counter.resource: counter.in_use for counter in counters},
    )


def _user_scope(counters: list[Counter], usage: Mapping[str, int]) -> Scope:
    """The scope of the user's own limits, without those of the project."""
    limits = {
        counter.resource: counter.user_limit
        for counter in counters
        if counter.user_limit is not None
    }
    return Scope(limits=limits, usage=usage)
