"""Finds hosts for servers: the way from a request spec to places, alternates and a report."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterator
from typing import TypeVar

from django.conf import settings
from django.db import transaction
from os_traits import MISC_SHARES_VIA_AGGREGATE

from compute_site.faults import BadRequest
from compute_site.metrics.meters import PLACEMENT, timed
from servers.models import Instance, RequestSpec, ResourceProvider, Trait
from servers.models.server_group import Policy
from servers.placement.candidates import find_candidates
from servers.placement.choose import Placement, Search
from servers.placement.claims import RoomTaken
from servers.placement.conditions import Question
from servers.placement.demand import Demand, ResourceDemand
from servers.placement.neighbourhood import Neighbourhood, lock_group, read_neighbourhood
from servers.placement.report import NoValidHost, explain, report_of
from servers.placement.sharing import read_shared
from servers.placement.state import HostState
from servers.placement.topologies import read_topologies
from servers.placement.translate import KNOWN_TRAITS, read_demand
from servers.placement.trees import Part, Tree, read_trees

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
TRIES = 8
"""How often hosts are looked for again when others took the room; the last time they are locked."""


def until_claimed(attempt: Callable[[Try], Result]) -> Result:
    """Do it in a transaction, and anew whenever another conductor took the room first.

    Raises:
        RoomTaken: even the last time, which does not happen as long as hosts are locked then.
    """
    with timed(PLACEMENT):
        for number in range(1, TRIES):
            try:
                with transaction.atomic():
                    return attempt(Try(number))
            except RoomTaken:
                logger.info("the chosen hosts have filled up meanwhile, try %s", number)
        with transaction.atomic():
            return attempt(Try(TRIES))


@dataclasses.dataclass(frozen=True, slots=True)
class Try:
    """Which one it is. Conductors that have met once choose among several good hosts from then on,
    so that they do not meet again.
    """

    number: int = 1

    @property
    def spread(self) -> int:
        return 1 if self.number == 1 else 4 * self.number

    @property
    def locks(self) -> bool:
        return self.number == TRIES


def find_hosts(
    spec: RequestSpec,
    *,
    count: int = 1,
    alternates: int = 0,
    cell_id: int | None = None,
    only: frozenset[int] | None = None,
    moving: Instance | None = None,
    attempt: Try = Try(),
    shared: frozenset[str] | None = None,
) -> list[Placement]:
    """A host for each of ``count`` servers of one spec, all or none, with what each takes there.

    Runs in the transaction that claims it. ``only``: the keys of the nodes that may be chosen.
    ``shared``: what providers share with hosts, if that is known.

    Raises:
        NoValidHost: they cannot all be placed; it says why.
    """
    lock_group(spec.instance_group)
    try:
        demand = read_demand(spec, cell_id=cell_id)
    except BadRequest as fault:  # what flavor and image ask is only looked at when hosts are sought
        raise NoValidHost.impossible(fault.detail) from fault
    around = read_neighbourhood(demand, spec.instance_group, moving=moving)
    shared = read_shared() if shared is None else shared
    refusals = []
    for resources in (demand.resources, demand.fallback):
        if resources is None:
            continue
        question = Question(
            demand,
            resources.with_shared(shared),
            around,
            together=_together(demand, around, count),
            only=only,
            moving=moving is not None,
        )
        search = _new_search(question, count, attempt)
        placements = _search(question, search, attempt, alternates)
        if placements is not None:
            return _told(search, placements)
        refusals.append((question, search))
    raise explain(*refusals[0], count=count)


def _told(search: Search, placements: list[Placement]) -> list[Placement]:
    """The placements with their alternates and with how they were chosen."""
    report = report_of(search)
    return [
        dataclasses.replace(
            placement,
            alternates=search.spare.get(placement.host.cell_id, ()),
            report={**report, "host": placement.host.host},
        )
        for placement in placements
    ]


def _together(demand: Demand, around: Neighbourhood, count: int) -> int:
    """How many of the servers must fit on one host."""
    rule = demand.group
    hard = rule is not None and rule.policy == Policy.AFFINITY and not around.members
    return count if hard else 1


def _new_search(question: Question, count: int, attempt: Try) -> Search:
    return Search(
        question.demand,
        question.resources,
        count=count,
        read_topologies=read_topologies,
        spread=attempt.spread,
    )


def _search(
    question: Question, search: Search, attempt: Try, alternates: int
) -> list[Placement] | None:
    """Page by page, until there are enough hosts that will do."""
    if question.resources.impossible or _names_unknown_traits(question.resources):
        return None
    parts: dict[int, Part] = {}
    for page in _pages(question, search.count):
        hosts = _locked(question, page) if attempt.locks else page
        search.add(hosts, _trees(question.resources, hosts, parts))
        placements = search.place(alternates=alternates)
        if placements is not None:
            return placements
    return None


def _pages(question: Question, count: int) -> Iterator[list[HostState]]:
    """The hosts with members first where the group would like to be together, those without where
    it would like to be apart.
    """
    rule, members = question.demand.group, question.neighbourhood.members
    if rule is not None and members:
        if rule.policy == Policy.SOFT_AFFINITY:
            near = dataclasses.replace(question, hosts=frozenset(members))
            yield from find_candidates(near, count=count)
        if rule.policy == Policy.SOFT_ANTI_AFFINITY:
            apart = dataclasses.replace(question, other_hosts=frozenset(members))
            yield next(find_candidates(apart, count=count), [])
    yield from find_candidates(question, count=count)


def _locked(question: Question, page: list[HostState]) -> list[HostState]:
    """The same hosts, read again when nobody else can take anything of them any more."""
    roots = [host.provider_id for host in page]
    if question.resources.shared:
        sharing = ResourceProvider.objects.filter(traits__trait=MISC_SHARES_VIA_AGGREGATE)
        roots += sharing.values_list("pk", flat=True)
    ResourceProvider.objects.lock_trees(roots)
    nodes = frozenset(host.node_id for host in page)
    again = dataclasses.replace(question, only=nodes)
    return [host for found in find_candidates(again, count=len(page)) for host in found]


def _trees(
    resources: ResourceDemand, hosts: list[HostState], parts: dict[int, Part]
) -> dict[int, Tree]:
    """What lies below the roots, and what is shared with them, where that matters."""
    if resources.is_simple or not hosts:
        return {}
    return read_trees([host.provider_id for host in hosts], resources, parts)


def _names_unknown_traits(resources: ResourceDemand) -> bool:
    """Nova: Placement refuses to look for what has no trait of a name that does not exist."""
    groups = (resources.main, *resources.groups)
    named = frozenset().union(*(group.forbidden for group in groups)) - KNOWN_TRAITS
    if not named:
        return False
    return Trait.objects.filter(name__in=named).count() < len(named)


def alternates_wanted() -> int:
    """How many other hosts a build may be tried on."""
    attempts: int = settings.OPTIONS.scheduler_max_attempts
    return attempts - 1
