"""Chooses hosts for servers: which hosts will do, and which of them is best. Pure: reads no
database.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence

from compute_site.faults import Fault
from servers.models.provider import LARGEST
from servers.models.server_group import Policy
from servers.placement.demand import Demand


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """A host as it is now; ``members`` are the servers of the demanded group on it."""

    node_id: int
    provider_id: int
    host: str
    node: str
    cell_id: int
    zone: str
    enabled: bool = True
    cell_enabled: bool = True
    up: bool = True
    free_vcpus: int = 0
    free_memory_mb: int = 0
    free_disk_gb: int = 0
    vcpus: int = LARGEST
    memory_mb: int = LARGEST
    disk_gb: int = LARGEST
    """What the host has: one server gets no more, whatever the allocation ratios."""
    traits: frozenset[str] = frozenset()
    members: int = 0
    servers: frozenset[str] = frozenset()
    """Those of the servers named in hints that lie here."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a server goes, and where it may be tried when that host fails, the best first."""

    host: HostState
    alternates: tuple[HostState, ...] = ()


class NoValidHost(Fault):
    """No host can take the servers; ``details`` names each host and what speaks against it."""

    code = "no_valid_host"

    def __init__(self, detail: str, details: str) -> None:
        super().__init__(detail)
        self.details = details


Check = tuple[str, Callable[[Demand, HostState], bool]]
"""What is said of hosts that fail, and the test that they fail unless it is true."""


def _is_forced(demand: Demand, host: HostState) -> bool:
    by_host = not demand.forced_hosts or host.host in demand.forced_hosts
    return by_host and (not demand.forced_nodes or host.node in demand.forced_nodes)


def _is_wanted(demand: Demand, host: HostState) -> bool:
    by_host = demand.wanted_host in (None, "", host.host)
    return by_host and demand.wanted_node in (None, "", host.node)


ALWAYS: tuple[Check, ...] = (
    ("not the forced host", _is_forced),
    ("in a disabled cell", lambda _, host: host.cell_enabled),
    ("down", lambda _, host: host.up),
)
UNLESS_FORCED: tuple[Check, ...] = (
    ("disabled", lambda _, host: host.enabled),
    ("in another zone", lambda demand, host: demand.zone in (None, host.zone)),
    ("not the requested host", _is_wanted),
    ("to be ignored", lambda demand, host: host.host not in demand.ignored_hosts),
    (
        "without a server named by same_host",
        lambda demand, host: not demand.near_servers or bool(demand.near_servers & host.servers),
    ),
    (
        "with a server named by different_host",
        lambda demand, host: not demand.apart_servers & host.servers,
    ),
)


def choose_hosts(
    demand: Demand, hosts: Iterable[HostState], *, count: int, alternates: int = 0
) -> list[Placement]:
    """A host for each of ``count`` servers of one demand, or none at all.

    Raises:
        NoValidHost: they cannot all be placed; the text counts the hosts by what removed them.
    """
    search = _Search(demand, list(hosts), count)
    placements = []
    for number in range(count):
        fitting = search.fitting(number)
        if not fitting:
            raise search.failure(placed=number)
        chosen = max(fitting, key=search.weight)
        search.take(chosen)
        others = sorted(fitting, key=search.weight, reverse=True)[: alternates + 1]
        spare = [host for host in others if host is not chosen and host.cell_id == chosen.cell_id]
        placements.append(Placement(host=chosen, alternates=tuple(spare[:alternates])))
    return placements


class _Search:
    """The hosts that passed, and what was taken of them so far."""

    def __init__(self, demand: Demand, hosts: list[HostState], count: int) -> None:
        self.demand = demand
        self.count = count
        self.removed: dict[str, list[HostState]] = {}
        self.total = hosts
        self.taken: dict[int, int] = {}
        self.candidates = self._pass(hosts, (*ALWAYS, *self._bendable(), *self._trait_checks()))
        self.candidates = self._pass(self.candidates, self._group_checks(self.candidates))

    def _bendable(self) -> tuple[Check, ...]:
        return () if self.demand.is_forced else UNLESS_FORCED

    def _trait_checks(self) -> tuple[Check, ...]:
        if self.demand.is_forced:
            return ()
        return (
            (
                "without a required trait",
                lambda demand, host: demand.required_traits <= host.traits,
            ),
            (
                "with a forbidden trait",
                lambda demand, host: not demand.forbidden_traits & host.traits,
            ),
        )

    def _group_checks(self, hosts: Sequence[HostState]) -> tuple[Check, ...]:
        """Hard affinity: where members are, or a host that has room for all of them."""
        group = self.demand.group
        if group is None or group.policy != Policy.AFFINITY:
            return ()
        if any(host.members for host in self.total):
            return (("away from the server group", lambda _, host: host.members > 0),)
        return (
            (
                "too small for the whole server group",
                lambda _, host: self._room(host) >= self.count,
            ),
        )

    def _pass(self, hosts: Sequence[HostState], checks: Iterable[Check]) -> list[HostState]:
        left = list(hosts)
        for reason, holds in checks:
            failed = [host for host in left if not holds(self.demand, host)]
            if failed:
                self.removed[reason] = failed
                left = [host for host in left if holds(self.demand, host)]
        return left

    def fitting(self, number: int) -> list[HostState]:
        """The candidates that can take one more server, the ``number``-th."""
        group = self.demand.group
        hosts = self.candidates
        if group is not None and group.policy == Policy.AFFINITY and number:
            hosts = [host for host in hosts if host.node_id in self.taken]
        if group is not None and group.policy == Policy.ANTI_AFFINITY:
            hosts = [host for host in hosts if self._members(host) < group.max_per_host]
        return [host for host in hosts if self._room(host) > self.taken.get(host.node_id, 0)]

    def weight(self, host: HostState) -> tuple[int, int, int]:
        """The greatest is the best: a preference of the group first, then the most free memory."""
        group = self.demand.group
        preference = 0
        if group is not None and group.policy == Policy.SOFT_AFFINITY:
            preference = self._members(host)
        if group is not None and group.policy == Policy.SOFT_ANTI_AFFINITY:
            preference = -self._members(host)
        used = self.taken.get(host.node_id, 0) * self.demand.memory_mb
        return preference, host.free_memory_mb - used, -host.node_id

    def take(self, host: HostState) -> None:
        self.taken[host.node_id] = self.taken.get(host.node_id, 0) + 1

    def _members(self, host: HostState) -> int:
        return host.members + self.taken.get(host.node_id, 0)

    def _room(self, host: HostState) -> int:
        """How many servers of the demand fit on the host as it was found."""
        demand = self.demand
        sizes = (
            (host.free_vcpus, host.vcpus, demand.vcpus),
            (host.free_memory_mb, host.memory_mb, demand.memory_mb),
            (host.free_disk_gb, host.disk_gb, demand.disk_gb),
        )
        return min(
            (free // need if need <= most else 0 for free, most, need in sizes if need),
            default=self.count,
        )

    def failure(self, *, placed: int) -> NoValidHost:
        """Why there is no host for one more server, in counts and host by host."""
        removed = dict(self.removed)
        for host in self.candidates:
            removed.setdefault(self._shortage(host), []).append(host)
        counts = [f"{len(hosts)} {reason}" for reason, hosts in removed.items()]
        found = f"of {len(self.total)} hosts: {', '.join(counts)}" if counts else "there is no host"
        wanted = (
            "the server" if self.count == 1 else f"{self.count - placed} of {self.count} servers"
        )
        lines = [
            f"{host.host} ({host.node}): {reason}"
            for reason, hosts in removed.items()
            for host in hosts
        ]
        return NoValidHost(f"No host can take {wanted}; {found}.", "\n".join(sorted(lines)))

    def _shortage(self, host: HostState) -> str:
        demand = self.demand
        taken = self.taken.get(host.node_id, 0)
        for name, free, most, need in (
            ("vCPUs", host.free_vcpus, host.vcpus, demand.vcpus),
            ("memory", host.free_memory_mb, host.memory_mb, demand.memory_mb),
            ("disk", host.free_disk_gb, host.disk_gb, demand.disk_gb),
        ):
            if need and (free - taken * need < need or most < need):
                return f"with too little free {name}"
        return "closed by the rule of the server group"
