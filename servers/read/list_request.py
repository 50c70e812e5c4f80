"""What a client asked a list of servers for, and what of it the caller may have."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from compute_site.caller import Caller
from servers.errors import BadFilter, BadStatus, DeletedServersHidden
from servers.models.states import STATUS, VmState
from servers.policies import server as rules
from servers.read.listing import EXACT, OTHERS, TEXTS, ServerQuery


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ListRequest:
    """A list that was asked for: free of versions, not yet checked against the caller's rights."""

    filters: Mapping[str, Any]
    """By names as in ``ServerQuery``; an alias stands under the name that it means."""
    open_filters: Mapping[str, Any]
    """Those that need no further right; who lacks it gets only these."""
    inner_names: Sequence[str] = ()
    """Parameters that name inner parts of the database. They are refused even where the caller may
    filter by anything.
    """
    unknown_status_fails: bool = True
    all_projects: bool = False
    sort_keys: Sequence[tuple[str, bool]]
    limit: int
    marker: str | None = None


def plan_query(caller: Caller, order: ListRequest, all_projects_rule: str) -> ServerQuery | None:
    """What to list for this caller; ``None``: nothing can match.

    Raises:
        BadFilter: a filter names what is no attribute of a server.
        BadStatus: there is no such status.
        DeletedServersHidden: only admins see deleted servers.
        PolicyRefused: the servers of all projects were asked for.
    """
    filters = _permitted(caller, order)
    states = _states_of(order, filters.pop("status", None))
    if states is None:
        return None
    filters |= states
    if filters.get("vm_state") == [VmState.DELETED]:
        if not caller.is_admin:
            raise DeletedServersHidden("Only an admin may list servers that are deleted.")
        filters["deleted"] = True
    elif "deleted" not in filters:
        changed = "changes_since" in filters or "changes_before" in filters
        filters["deleted"] = None if changed else False
    if order.all_projects:
        caller.permit(all_projects_rule)
    else:
        filters.pop("project_id", None)
    soft_deleted = filters.pop("soft_deleted", bool(filters["deleted"]))
    patterns = TEXTS | OTHERS
    return ServerQuery(
        all_projects=order.all_projects,
        equal={name: filters.pop(name) for name in EXACT & filters.keys()},
        patterns={name: filters.pop(name) for name in patterns & filters.keys()},
        addresses=tuple(filters.pop(name) for name in ("ip", "ip6") if name in filters),
        soft_deleted=bool(soft_deleted),
        order=order.sort_keys,
        limit=order.limit,
        marker=order.marker,
        **filters,
    )


def _permitted(caller: Caller, order: ListRequest) -> dict[str, Any]:
    if not caller.may(rules.ALL_FILTERS):
        return dict(order.open_filters)
    if order.inner_names:
        raise BadFilter(f"Servers cannot be filtered by {', '.join(order.inner_names)}.")
    return dict(order.filters)


def _states_of(order: ListRequest, statuses: Sequence[str] | None) -> dict[str, Any] | None:
    """Filters on the states that show as one of the statuses; ``None``: no such status."""
    if statuses is None:
        return {}
    wanted = {status.upper() for status in statuses}
    vm_states: list[str] = []
    task_states: set[str | None] = set()
    for vm_state, (usual, special) in STATUS.items():
        tasks: set[str | None] = {task for task, status in special.items() if status in wanted}
        if usual in wanted:
            tasks.add(None)
        if tasks:
            vm_states.append(str(vm_state))
            task_states |= tasks
    if not vm_states:
        if order.unknown_status_fails:
            raise BadStatus(f"There is no status {', '.join(statuses)}.")
        return None
    # Nova: as soon as one status is the usual one of its state, tasks are not looked at
    return {"vm_state": vm_states} | ({} if None in task_states else {"task_state": task_states})
