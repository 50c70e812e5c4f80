"""Chooses hosts for servers among candidates, by rules and weights; counts what is taken.
Pure: reads no database but by the function that it is given.
"""

from __future__ import annotations

import dataclasses
import heapq
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings

from servers.models.provider import DISK_GB, MEMORY_MB, VCPU
from servers.models.server_group import Policy
from servers.placement.demand import Demand, ResourceDemand
from servers.placement.fit import (
    GuestPlacement,
    HostTopology,
    Misfit,
    claim,
    fit_on_host,
)
from servers.placement.rules import enabled_rules
from servers.placement.state import HostState
from servers.placement.trees import Need, Tree
from servers.placement.weighers import Scale


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a server goes, what it takes there, and where it may be tried when that host fails,
    the best first.
    """

    host: HostState
    needs: tuple[Need, ...]
    guest: GuestPlacement | None = None
    generation: int = 0
    """Of the host's root provider, when its cells and devices were read."""
    alternates: tuple[HostState, ...] = ()
    report: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """How it was chosen (``servers.placement.report``)."""


ReadTopologies = Callable[[Sequence[int]], Mapping[int, tuple[HostTopology, int]]]
"""The cells and devices of nodes (by key) with what guests use of them, and the generation of the
root provider at that time.
"""
MOST_WEIGHTS = 5
TOPOLOGIES_AT_ONCE = 8
"""Only the best hosts are read in such depth, some more when those do not fit."""


@dataclasses.dataclass(slots=True, kw_only=True, eq=False)
class Site:
    """A candidate, and what a search has given away of it."""

    host: HostState
    tree: Tree | None = None
    topology: HostTopology | None = None
    generation: int = 0
    taken: int = 0


class Search:
    """Looks for hosts for ``count`` servers of one demand. Candidates are added page by page until
    they suffice. ``spread``: so many of the best are as good as the best.
    """

    def __init__(
        self,
        demand: Demand,
        resources: ResourceDemand,
        *,
        count: int,
        read_topologies: ReadTopologies,
        spread: int = 1,
    ) -> None:
        self.demand = demand
        self.resources = resources
        self.count = count
        self.read_topologies = read_topologies
        self.subset = max(spread, settings.OPTIONS.host_subset_size)
        self.rules = enabled_rules(demand)
        self.left: list[tuple[HostState, Tree | None]] = []
        self.removed: dict[int, tuple[HostState, str]] = {}
        self.looked_at = 0
        self.placed = 0
        self.weights: dict[str, float] = {}
        self.spare: Mapping[int, tuple[HostState, ...]] = {}
        """By cell, the best hosts that no server was placed on."""

    def add(self, hosts: Sequence[HostState], trees: Mapping[int, Tree]) -> None:
        """Add the candidates that keep all rules; for the others, note the rule that they break."""
        known = {host.node_id for host, _ in self.left} | self.removed.keys()
        new = [host for host in hosts if host.node_id not in known]
        self.looked_at += len(new)
        for host in new:
            broken = next(
                (rule for rule in self.rules if not rule.holds(self.demand, host, 0)), None
            )
            if broken is None:
                self.left.append((host, trees.get(host.provider_id)))
            else:
                self.remove(host, f"{broken.says} ({broken.name})")

    def remove(self, host: HostState, reason: str) -> None:
        self.removed[host.node_id] = host, reason

    def place(self, *, alternates: int = 0) -> list[Placement] | None:
        """A host for each server, or ``None`` where there are too few hosts that will do. Up to
        ``alternates`` other hosts of each cell are kept as ``spare``.
        """
        ranking = Ranking(self)
        order = ranking.order()
        chosen: list[Placement] = []
        while len(chosen) < self.count:
            placement = ranking.take_best()
            if placement is None:
                self.placed = len(chosen)
                ranking.give_back()
                return None
            chosen.append(placement)
        self.weights = ranking.best
        taken = {placement.host.node_id for placement in chosen}
        self.spare = _best_by_cell(
            (host for host in order if host.node_id not in taken), alternates
        )
        return chosen


def _best_by_cell(hosts: Iterable[HostState], number: int) -> Mapping[int, tuple[HostState, ...]]:
    """The first so many hosts of each cell."""
    by_cell: dict[int, tuple[HostState, ...]] = {}
    for host in hosts:
        found = by_cell.get(host.cell_id, ())
        if len(found) < number:
            by_cell[host.cell_id] = (*found, host)
    return by_cell


class Ranking:
    """The candidates by weight, the best first. A server that is placed changes one of them."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.scale = Scale(search.demand, [host for host, _ in search.left])
        self.counting = [rule for rule in search.rules if rule.counts]
        rule = search.demand.group
        self.together = rule is not None and rule.policy == Policy.AFFINITY
        self.chosen: Site | None = None
        self.given: list[tuple[Site, tuple[Need, ...]]] = []
        self.heap: list[tuple[float, float, Site]] = []
        for (host, tree), weight in zip(search.left, self.scale.weigh_all(), strict=True):
            self._push(Site(host=host, tree=tree), weight)
        self.best = {
            site.host.host: round(-weight, 4)
            for weight, _, site in heapq.nsmallest(MOST_WEIGHTS, self.heap)
        }
        """The weights of the best hosts, before anything was placed."""

    def order(self) -> list[HostState]:
        return [site.host for *_, site in sorted(self.heap)]

    def take_best(self) -> Placement | None:
        """Place one server on the best host that can take it, or on one of the best."""
        if self.together and self.chosen is not None:
            return self._take(self.chosen)
        while self.heap:
            best = [
                heapq.heappop(self.heap) for _ in range(min(self.search.subset, len(self.heap)))
            ]
            picked = random.choice(best) if len(best) > 1 else best[0]  # noqa: S311 - no secret
            for other in best:
                if other is not picked:
                    heapq.heappush(self.heap, other)
            site = picked[-1]
            placement = self._take(site)
            if placement is not None:
                self._push(site, self.scale.weigh(site.host, site.taken))
                self.chosen = site
                return placement
        return None

    def give_back(self) -> None:
        """Forget what was placed: the trees are those of the search."""
        for site, needs in self.given:
            if site.tree is not None:
                site.tree.take(needs, sign=-1)

    def _push(self, site: Site, weight: float) -> None:
        shuffles = settings.OPTIONS.shuffle_best_same_weighed_hosts
        tie = random.random() if shuffles else site.host.node_id  # noqa: S311 - no secret
        heapq.heappush(self.heap, (-weight, tie, site))

    def _take(self, site: Site) -> Placement | None:
        """Give the host one server more, or remember why it cannot have it."""
        search, host = self.search, site.host
        broken = next(
            (rule for rule in self.counting if not rule.holds(search.demand, host, site.taken)),
            None,
        )
        if broken is not None:
            search.remove(host, f"{broken.says} ({broken.name})")
            return None
        needs = _needs(site, search.resources)
        if isinstance(needs, str):
            search.remove(host, needs)
            return None
        guest = self._fit(site)
        if isinstance(guest, Misfit):
            search.remove(host, f"without room as asked: {guest.reason.removesuffix('.')}")
            return None
        site.taken += 1
        if site.tree is not None:
            site.tree.take(needs)
        self.given.append((site, needs))
        return Placement(host=host, needs=needs, guest=guest, generation=site.generation)

    def _fit(self, site: Site) -> GuestPlacement | Misfit | None:
        """How the guest lies on the cells and devices of the host; ``None``: it binds none."""
        demand = self.search.demand
        if not demand.binds_hardware:
            return None
        if site.topology is None:
            self._read_topologies(site)
        topology, guest = site.topology or HostTopology(), demand.guest
        if guest.numa is not None and not topology.cells:
            # Nova: a host that tells nothing of its cells takes every layout, but for the filter.
            if "NUMATopologyFilter" in settings.OPTIONS.enabled_filters:
                return Misfit("The host does not tell of its NUMA cells.")
            guest = dataclasses.replace(guest, numa=None)
        if guest.numa is None and not guest.devices:
            return None
        placement = fit_on_host(topology, guest)
        if isinstance(placement, GuestPlacement):
            site.topology = claim(topology, placement, holder=f"server {site.taken}")
        return placement

    def _read_topologies(self, site: Site) -> None:
        """Of this host, and of those that would come next."""
        following = [other for *_, other in heapq.nsmallest(TOPOLOGIES_AT_ONCE - 1, self.heap)]
        sites = [site, *(other for other in following if other.topology is None)]
        read = self.search.read_topologies([one.host.node_id for one in sites])
        for one in sites:
            one.topology, one.generation = read.get(one.host.node_id, (HostTopology(), 0))


def _needs(site: Site, resources: ResourceDemand) -> tuple[Need, ...] | str:
    """What one server takes of which provider, or why there is not enough left."""
    if site.tree is not None:
        found = site.tree.find(resources)
        return "without providers that give all of it together" if found is None else merge(found)
    host, amounts = site.host, resources.main.resources
    for name, free, word in (
        (VCPU, host.free_vcpus, "vCPUs"),
        (MEMORY_MB, host.free_memory_mb, "memory"),
        (DISK_GB, host.free_disk_gb, "disk"),
    ):
        if amounts.get(name, 0) * (site.taken + 1) > free:
            return f"with too little free {word}"
    return tuple((host.provider_id, name, amount) for name, amount in amounts.items())


def merge(needs: Iterable[Need]) -> tuple[Need, ...]:
    """One amount for each class of each provider: several groups may lie on one."""
    sums: dict[tuple[int, str], int] = {}
    for provider, name, amount in needs:
        sums[provider, name] = sums.get((provider, name), 0) + amount
    return tuple((provider, name, amount) for (provider, name), amount in sums.items())
