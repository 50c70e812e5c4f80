"""Which providers of a host's tree give what a demand asks for, group by group.

Facts: what Placement answers for ``GET /allocation_candidates`` with numbered groups. A provider
that shares with several trees is the same object in each: what one takes is gone in the others.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

import orjson
from django.db import connection

from servers.placement.demand import ResourceDemand, ResourceGroup
from servers.placement.sharing import FROM_SHARING, FROM_TREE

Need = tuple[int, str, int]
"""Provider, resource class, amount."""
READ = """
    SELECT part.tree, part.id, part.parent_id,
        (SELECT jsonb_object_agg(stock.resource_class, jsonb_build_array(
                    stock.free, stock.min_unit, stock.max_unit, stock.step_size))
         FROM servers_inventory AS stock
         WHERE stock.provider_id = part.id AND stock.resource_class = ANY(%(classes)s)),
        ARRAY(SELECT held.trait FROM servers_providertrait AS held
              WHERE held.provider_id = part.id AND held.trait = ANY(%(traits)s))
    FROM ({parts}) AS part
    ORDER BY part.tree, part.shared, part.id
"""
OF_TREE = f"""
    SELECT root.id AS tree, part.id, part.parent_id, false AS shared FROM {FROM_TREE}
    WHERE part.root_id = ANY(%(roots)s)
"""  # noqa: S608 - our own texts
WITH_SHARING = f"""
    {OF_TREE} UNION
    SELECT root.id, part.id, NULL, true FROM {FROM_SHARING} WHERE root.id = ANY(%(roots)s)
"""  # noqa: S608
STEPS_MAX = 2000
"""The search for providers gives up after so many steps; a tree of some dozens takes far fewer."""


@dataclasses.dataclass(slots=True)
class Stock:
    """What is free of a resource class, and in which amounts it is given."""

    free: int
    min_unit: int
    max_unit: int
    step_size: int

    def gives(self, amount: int) -> bool:
        return (
            self.min_unit <= amount <= self.max_unit
            and amount <= self.free
            and amount % self.step_size == 0
        )


@dataclasses.dataclass(slots=True, kw_only=True)
class Part:
    """A provider of a tree; ``traits`` are those that the demand names."""

    key: int
    parent: int | None
    stocks: dict[str, Stock]
    traits: frozenset[str]


@dataclasses.dataclass(slots=True)
class Tree:
    """The providers of a host, with what the search has taken of them."""

    parts: list[Part]

    def find(self, demand: ResourceDemand) -> list[Need] | None:
        """A provider for each amount, or ``None`` where the tree cannot give all."""
        search = _Search(self, demand)
        return search.solve()

    def take(self, needs: Sequence[Need], *, sign: int = 1) -> None:
        by_key = {part.key: part for part in self.parts}
        for key, name, amount in needs:
            by_key[key].stocks[name].free -= sign * amount


def read_trees(
    roots: Sequence[int], demand: ResourceDemand, parts: dict[int, Part] | None = None
) -> dict[int, Tree]:
    """The trees of these roots (by key), as far as the demand names their resources and traits.
    ``parts`` are those that were read before, and take the new ones.
    """
    groups = (demand.main, *demand.groups)
    parameters: dict[str, Any] = {
        "roots": list(roots),
        "classes": sorted({name for group in groups for name in group.resources}),
        "traits": sorted({name for group in groups for name in group.required | group.forbidden}),
    }
    trees: dict[int, Tree] = {root: Tree([]) for root in roots}
    parts = {} if parts is None else parts
    with connection.cursor() as cursor:
        cursor.execute(READ.format(parts=WITH_SHARING if demand.shared else OF_TREE), parameters)
        for root, key, parent, stocks, traits in cursor.fetchall():
            if key not in parts:
                parts[key] = Part(
                    key=key,
                    parent=parent,
                    stocks={name: Stock(*numbers) for name, numbers in _parsed(stocks).items()},
                    traits=frozenset(traits),
                )
            trees[root].parts.append(parts[key])
    return trees


def _parsed(stocks: Any) -> Mapping[str, Any]:
    if stocks is None:
        return {}
    return stocks if isinstance(stocks, Mapping) else dict(orjson.loads(stocks))


class _Search:
    """Tries providers for one group after the other, and goes back where that leads nowhere."""

    def __init__(self, tree: Tree, demand: ResourceDemand) -> None:
        self.tree = tree
        self.demand = demand
        self.steps = 0

    def solve(self) -> list[Need] | None:
        solutions = self._groups(0, {})
        try:
            return next(solutions, None)
        finally:
            solutions.close()  # what was tried is given back

    def _groups(self, index: int, chosen: dict[str, Part]) -> Generator[list[Need], None, None]:
        """Solutions for the groups from ``index`` on, then for the amounts without a suffix."""
        if index == len(self.demand.groups):
            if self._in_subtrees(chosen):
                yield from self._main(_needs_of(self.demand.groups, chosen))
            return
        group = self.demand.groups[index]
        for part in self.tree.parts:
            self.steps += 1
            if self.steps > STEPS_MAX:
                return
            taken = self.demand.isolate and any(part is other for other in chosen.values())
            if taken or not _suits(part, group):
                continue
            needs = [(part.key, name, amount) for name, amount in group.resources.items()]
            self.tree.take(needs)
            try:
                yield from self._groups(index + 1, {**chosen, group.suffix: part})
            finally:
                self.tree.take(needs, sign=-1)

    def _main(self, so_far: list[Need]) -> Iterator[list[Need]]:
        amounts = sorted(self.demand.main.resources.items())
        yield from self._amounts(amounts, so_far, [])

    def _amounts(
        self, left: Sequence[tuple[str, int]], so_far: list[Need], givers: list[Part]
    ) -> Iterator[list[Need]]:
        main = self.demand.main
        if not left:
            held = frozenset().union(*(part.traits for part in givers))
            if main.required <= held:
                yield so_far
            return
        name, amount = left[0]
        for part in self.tree.parts:
            self.steps += 1
            if self.steps > STEPS_MAX:
                return
            stock = part.stocks.get(name)
            if stock is None or not stock.gives(amount) or part.traits & main.forbidden:
                continue
            need = (part.key, name, amount)
            self.tree.take([need])
            try:
                yield from self._amounts(left[1:], [*so_far, need], [*givers, part])
            finally:
                self.tree.take([need], sign=-1)

    def _in_subtrees(self, chosen: Mapping[str, Part]) -> bool:
        parents = {part.key: part.parent for part in self.tree.parts}
        return all(
            _has_top([chosen[suffix].key for suffix in together if suffix in chosen], parents)
            for together in self.demand.same_subtree
        )


def _suits(part: Part, group: ResourceGroup) -> bool:
    if not group.required <= part.traits or part.traits & group.forbidden:
        return False
    return all(
        (stock := part.stocks.get(name)) is not None and stock.gives(amount)
        for name, amount in group.resources.items()
    )


def _needs_of(groups: Sequence[ResourceGroup], chosen: Mapping[str, Part]) -> list[Need]:
    return [
        (chosen[group.suffix].key, name, amount)
        for group in groups
        for name, amount in group.resources.items()
    ]


def _has_top(keys: Sequence[int], parents: Mapping[int, int | None]) -> bool:
    """Is one of them above all others, or the same?"""
    return not keys or any(all(top in _line(key, parents) for key in keys) for top in keys)


def _line(key: int | None, parents: Mapping[int, int | None]) -> set[int]:
    line = set()
    while key is not None:
        line.add(key)
        key = parents.get(key)
    return line
