"""Allocation candidates: every way in which providers can give what is asked for.

A way has an anchor, the root of the tree that gives it, where sharing providers help out that have
an aggregate in common with some provider of the tree. A group of requests with a suffix gets all
from one provider; the one without may get each resource class from another.
"""

from __future__ import annotations

import dataclasses
import itertools
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from django.db import connection
from django.db.models import Model, QuerySet
from os_traits import MISC_SHARES_VIA_AGGREGATE

from servers.models import Inventory, ProviderAggregate, ProviderTrait, ResourceProvider
from servers.placement.resources.names import check_classes, check_traits
from servers.placement.trees import Stock

Names = frozenset[str]
Uuids = frozenset[uuid.UUID]
Key = int
"""Of a provider."""
STEPS_MAX = 200_000
"""Ways that are tried at most in one request: with many groups and wide trees there is no end."""
TREES_AT_FIRST, TREES_FOR_ONE = 100, 2
"""So many trees are looked at first where a limit is given, or so many for each way, and twice as
many each further time.
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RequestGroup:
    """What is asked of one provider (of several, without a suffix). Each set of ``required`` and
    ``member_of`` holds alternatives.
    """

    suffix: str = ""
    resources: Mapping[str, int] = dataclasses.field(default_factory=dict)
    required: tuple[Names, ...] = ()
    forbidden: Names = frozenset()
    member_of: tuple[Uuids, ...] = ()
    forbidden_aggregates: Uuids = frozenset()
    in_tree: uuid.UUID | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CandidateRequest:
    """``isolate``: no two groups with suffixes from one provider. ``root_required``: traits of the
    anchor. ``same_subtree``: of the providers of these groups one is above the others.
    ``nested``: several providers of one tree may give something.
    """

    groups: tuple[RequestGroup, ...]
    isolate: bool = False
    limit: int | None = None
    root_required: Names = frozenset()
    root_forbidden: Names = frozenset()
    same_subtree: tuple[Names, ...] = ()
    nested: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """Amounts by provider and resource class, and which providers each group gets."""

    needs: Mapping[Key, Mapping[str, int]]
    mappings: Mapping[str, frozenset[Key]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A provider of a tree that gives something."""

    provider: ResourceProvider
    inventories: tuple[Inventory, ...]
    traits: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Candidates:
    found: tuple[Candidate, ...]
    summaries: tuple[Summary, ...]
    uuids: Mapping[Key, uuid.UUID]
    """Of all providers that candidates name."""


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """A way to give what one group asks for."""

    suffix: str
    needs: tuple[tuple[Key, str, int], ...]
    providers: frozenset[Key]


def find_candidates(request: CandidateRequest) -> Candidates:
    """Raises: UnknownResourceClass, UnknownTrait: something named does not exist."""
    for group in request.groups:
        check_classes(group.resources, field=f"resources{group.suffix}")
        check_traits(group.forbidden.union(*group.required), field=f"required{group.suffix}")
    check_traits(request.root_required | request.root_forbidden, field="root_required")
    found = tuple(itertools.islice(_find(request), request.limit))
    named = {key for one in found for keys in (one.needs, *one.mappings.values()) for key in keys}
    uuids = ResourceProvider.objects.filter(pk__in=named).values_list("pk", "uuid")
    return Candidates(found, _summaries(found, whole_trees=request.nested), dict(uuids))


def _find(request: CandidateRequest) -> Iterator[Candidate]:
    """All ways, in the order of their anchors. What nobody will ask for any more is not read."""
    named = {group.in_tree for group in request.groups if group.in_tree is not None}
    trees = dict(ResourceProvider.objects.filter(uuid__in=named).values_list("uuid", "root"))
    if named - trees.keys():
        return
    seen: set[object] = set()
    steps = 0
    for window in _windows(request):
        search = _Search(request, _read_facts(request, trees, window), steps)
        for candidate in search.all():
            mark = _mark(candidate)
            if mark not in seen:
                seen.add(mark)
                yield candidate
        steps = search.steps


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """Some trees: those whose roots have keys behind ``low`` up to ``high``, or to the end."""

    low: Key = 0
    high: Key | None = None

    def __contains__(self, root: Key) -> bool:
        return root > self.low and (self.high is None or root <= self.high)

    @property
    def is_all(self) -> bool:
        return self.low == 0 and self.high is None

    def providers(self) -> list[Key]:
        rows = ResourceProvider.objects.filter(root__gt=self.low)
        if self.high is not None:
            rows = rows.filter(root__lte=self.high)
        return list(rows.values_list("pk", flat=True))


def _windows(request: CandidateRequest) -> Iterator[_Window]:
    """All trees at once where all ways are asked for."""
    if request.limit is None:
        yield _Window()
        return
    low, number = 0, max(TREES_AT_FIRST, TREES_FOR_ONE * request.limit)
    while True:
        roots = ResourceProvider.objects.filter(parent__isnull=True, pk__gt=low).order_by("pk")
        high = roots.values_list("pk", flat=True)[number - 1 : number].first()
        yield _Window(low=low, high=high)
        if high is None:
            return
        low, number = high, 2 * number


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What the database knows of the providers that may give something."""

    stocks: Mapping[tuple[Key, str], Stock]
    roots: Mapping[Key, Key]
    parents: Mapping[Key, Key | None]
    traits: Mapping[Key, set[str]]
    aggregates: Mapping[Key, set[uuid.UUID]]
    sharing: Mapping[Key, set[Key]]
    """The anchors of each sharing provider."""
    trees: Mapping[uuid.UUID, Key]
    """The roots of the providers named by ``in_tree``."""
    window: _Window
    """Where anchors are looked for."""


STOCKS = """
    SELECT stock.provider_id, stock.resource_class, stock.free, stock.min_unit, stock.max_unit,
        stock.step_size
    FROM unnest(%s::text[], %s::bigint[]) AS need (class, least)
    JOIN servers_inventory AS stock ON stock.resource_class = need.class
        AND stock.free >= need.least AND stock.max_unit >= need.least
    WHERE %s::bigint[] IS NULL OR stock.provider_id = ANY(%s::bigint[])
"""
# The trees with which a sharing provider has an aggregate in common, its own included.
SHARING = """
    SELECT mine.provider_id, part.root_id
    FROM servers_providertrait AS shares
    JOIN servers_provideraggregate AS mine ON mine.provider_id = shares.provider_id
    JOIN servers_provideraggregate AS theirs ON theirs.aggregate = mine.aggregate
    JOIN servers_resourceprovider AS part ON part.id = theirs.provider_id
    WHERE shares.trait = %s
"""


def _read_facts(
    request: CandidateRequest, trees: Mapping[uuid.UUID, Key], window: _Window
) -> _Facts:
    """Of the providers of these trees, and of all that share what they have."""
    sharing = _read_sharing(window)
    within = None if window.is_all else sorted({*window.providers(), *sharing})
    stocks = _read_stocks(request.groups, within)
    traits = _read_traits(request, within)
    aggregates = _read_aggregates(request.groups, within)
    keys = {key for key, _ in stocks} | traits.keys() | aggregates.keys() | sharing.keys()
    places = ResourceProvider.objects.filter(pk__in=keys).values_list("pk", "root", "parent")
    roots, parents = {}, {}
    for key, root, parent in places:
        roots[key], parents[key] = root, parent
    if request.same_subtree:
        parents |= dict(
            ResourceProvider.objects.filter(root__in=set(roots.values())).values_list(
                "pk", "parent"
            )
        )
    return _Facts(
        stocks=stocks,
        roots=roots,
        parents=parents,
        traits=traits,
        aggregates=aggregates,
        sharing=sharing,
        trees=trees,
        window=window,
    )


Within = Sequence[Key] | None
"""The only providers that are read; ``None``: all."""


def _read_stocks(groups: Iterable[RequestGroup], within: Within) -> dict[tuple[Key, str], Stock]:
    least: dict[str, int] = {}
    for group in groups:
        for name, amount in group.resources.items():
            least[name] = min(amount, least.get(name, amount))
    possible = {name: amount for name, amount in least.items() if amount < 1 << 63}
    keys = None if within is None else list(within)
    with connection.cursor() as cursor:
        cursor.execute(STOCKS, [list(possible), list(possible.values()), keys, keys])
        return {(key, name): Stock(*numbers) for key, name, *numbers in cursor.fetchall()}


def _read_traits(request: CandidateRequest, within: Within) -> dict[Key, set[str]]:
    groups = request.groups
    named = frozenset().union(
        request.root_required,
        request.root_forbidden,
        *(group.forbidden for group in groups),
        *(some for group in groups for some in group.required),
    )
    found: dict[Key, set[str]] = defaultdict(set)
    rows = _only(ProviderTrait.objects.filter(trait__in=named), within)
    for key, trait in rows.values_list("provider", "trait") if named else ():
        found[key].add(trait)
    return found


def _read_aggregates(groups: Iterable[RequestGroup], within: Within) -> dict[Key, set[uuid.UUID]]:
    named = {one for group in groups for some in group.member_of for one in some}
    named |= {one for group in groups for one in group.forbidden_aggregates}
    found: dict[Key, set[uuid.UUID]] = defaultdict(set)
    rows = _only(ProviderAggregate.objects.filter(aggregate__in=named), within)
    for key, aggregate in rows.values_list("provider", "aggregate") if named else ():
        found[key].add(aggregate)
    return found


Rows = TypeVar("Rows", bound=Model)


def _only(rows: QuerySet[Rows], within: Within) -> QuerySet[Rows]:
    return rows if within is None else rows.filter(provider__in=within)


def _read_sharing(window: _Window) -> dict[Key, set[Key]]:
    found: dict[Key, set[Key]] = defaultdict(set)
    with connection.cursor() as cursor:
        cursor.execute(SHARING, [MISC_SHARES_VIA_AGGREGATE])
        for key, root in cursor.fetchall():
            if root in window:
                found[key].add(root)
    return found


class _Search:
    """Finds the ways anchor by anchor, in the order of their keys."""

    def __init__(self, request: CandidateRequest, facts: _Facts, steps: int) -> None:
        self.request = request
        self.facts = facts
        self.steps = steps
        self.by_class: dict[str, list[tuple[Key, Stock]]] = defaultdict(list)
        for (key, name), stock in facts.stocks.items():
            self.by_class[name].append((key, stock))

    def all(self) -> Iterator[Candidate]:
        by_group = [self._ways(group) for group in self.request.groups]
        anchors = set(by_group[0]).intersection(*by_group[1:])
        for anchor in sorted(anchors):
            if anchor not in self.facts.window or not self._anchor_suits(anchor):
                continue
            lists = [
                self._parts(group, ways[anchor])
                for group, ways in zip(self.request.groups, by_group, strict=True)
            ]
            for parts in self._combined(lists, (), Counter()):
                candidate = _merge(parts)
                if self._nests(candidate):
                    yield candidate

    def _anchor_suits(self, anchor: Key) -> bool:
        held = self.facts.traits.get(anchor, set())
        return self.request.root_required <= held and not self.request.root_forbidden & held

    def _ways(self, group: RequestGroup) -> Mapping[Key, Sequence[Sequence[Key]]]:
        """By anchor: for each resource class the providers that may give it; with a suffix, one
        list of the providers that may give all.
        """
        return self._of_one(group) if group.suffix else self._of_several(group)

    def _of_one(self, group: RequestGroup) -> dict[Key, list[list[Key]]]:
        found: dict[Key, list[list[Key]]] = {}
        for key in sorted(self._givers(group)):
            if not self._suits_alone(key, group):
                continue
            for anchor in {self.facts.roots[key]} | self.facts.sharing.get(key, set()):
                found.setdefault(anchor, [[]])[0].append(key)
        return found

    def _givers(self, group: RequestGroup) -> set[Key]:
        """The providers that have all amounts; those with a trait or aggregate, without any."""
        if group.resources:
            return set.intersection(
                *(self._with_amount(name, amount) for name, amount in group.resources.items())
            )
        if group.required:
            return set(self.facts.traits)
        return set(self.facts.aggregates) if group.member_of else set()

    def _with_amount(self, name: str, amount: int) -> set[Key]:
        return {key for key, stock in self.by_class[name] if stock.gives(amount)}

    def _suits_alone(self, key: Key, group: RequestGroup) -> bool:
        held = self.facts.traits.get(key, set())
        within = self.facts.aggregates.get(key, set())
        return (
            self._in_tree(key, group)
            and all(some & held for some in group.required)
            and not group.forbidden & held
            and all(some & within for some in group.member_of)
            and not group.forbidden_aggregates & within
        )

    def _in_tree(self, key: Key, group: RequestGroup) -> bool:
        return group.in_tree is None or self.facts.roots[key] == self.facts.trees[group.in_tree]

    def _of_several(self, group: RequestGroup) -> dict[Key, list[list[Key]]]:
        by_class = [
            self._anchored(group, self._with_amount(name, amount))
            for name, amount in group.resources.items()
        ]
        anchors = set(by_class[0]).intersection(*by_class[1:])
        return {anchor: [givers[anchor] for givers in by_class] for anchor in anchors}

    def _anchored(self, group: RequestGroup, keys: set[Key]) -> dict[Key, list[Key]]:
        """The providers by anchor. What is in an aggregate of the root is in it, too."""
        found: dict[Key, list[Key]] = {}
        for key in sorted(keys):
            if not self._in_tree(key, group):
                continue
            own = self.facts.aggregates.get(key, set())
            anchors = {self.facts.roots[key]}
            if group.in_tree is None and all(some & own for some in group.member_of):
                anchors |= self.facts.sharing.get(key, set())
            for anchor in anchors:
                within = self.facts.aggregates.get(anchor, set())
                if all(
                    some & own or some & within for some in group.member_of
                ) and not group.forbidden_aggregates & (own | within):
                    found.setdefault(anchor, []).append(key)
        return found

    def _parts(self, group: RequestGroup, ways: Sequence[Sequence[Key]]) -> list[Part]:
        amounts = group.resources.items()
        if group.suffix:
            return [
                Part(
                    group.suffix,
                    tuple((key, name, amount) for name, amount in amounts),
                    frozenset((key,)),
                )
                for key in ways[0]
            ]
        parts = []
        for keys in itertools.product(*ways):
            self.steps += 1
            if self.steps > STEPS_MAX:
                break
            if self._suit_together(set(keys), group):
                needs = tuple(
                    (key, name, amount) for key, (name, amount) in zip(keys, amounts, strict=True)
                )
                parts.append(Part(group.suffix, needs, frozenset(keys)))
        return parts

    def _suit_together(self, keys: set[Key], group: RequestGroup) -> bool:
        held: set[str] = set().union(*(self.facts.traits.get(key, set()) for key in keys))
        return all(some & held for some in group.required) and not group.forbidden & held

    def _combined(
        self, lists: Sequence[Sequence[Part]], chosen: tuple[Part, ...], taken: Counter[object]
    ) -> Iterator[tuple[Part, ...]]:
        """One part of each list, where the providers have enough for all."""
        if len(chosen) == len(lists):
            if self._in_subtrees(chosen):
                yield chosen
            return
        for part in lists[len(chosen)]:
            self.steps += 1
            if self.steps > STEPS_MAX:
                return
            if self._collides(part, chosen):
                continue
            more = taken + Counter({(key, name): amount for key, name, amount in part.needs})
            if all(self._has_room(key, name, more[key, name]) for key, name, _ in part.needs):
                yield from self._combined(lists, (*chosen, part), more)

    def _collides(self, part: Part, chosen: Iterable[Part]) -> bool:
        return bool(
            self.request.isolate
            and part.suffix
            and any(other.suffix and other.providers & part.providers for other in chosen)
        )

    def _has_room(self, key: Key, name: str, amount: int) -> bool:
        stock = self.facts.stocks[key, name]
        return amount <= stock.free and amount <= stock.max_unit

    def _in_subtrees(self, parts: Sequence[Part]) -> bool:
        by_suffix = {part.suffix: part.providers for part in parts}
        for suffixes in self.request.same_subtree:
            keys: set[Key] = set().union(*(by_suffix.get(suffix, ()) for suffix in suffixes))
            lines = [self._line(key) for key in keys]
            if not any(all(key in line for line in lines) for key in keys):
                return False
        return True

    def _line(self, key: Key) -> set[Key]:
        """The provider and all above it."""
        line = {key}
        above = self.facts.parents.get(key)
        while above is not None:
            line.add(above)
            above = self.facts.parents.get(above)
        return line

    def _nests(self, candidate: Candidate) -> bool:
        """Until 1.28, no two providers of one tree give something."""
        roots = [self.facts.roots[key] for key in candidate.needs]
        return self.request.nested or len(set(roots)) == len(roots)


def _merge(parts: Sequence[Part]) -> Candidate:
    needs: dict[Key, Counter[str]] = {}
    for part in parts:
        for key, name, amount in part.needs:
            needs.setdefault(key, Counter())[name] += amount
    return Candidate(needs, {part.suffix: part.providers for part in parts})


def _mark(candidate: Candidate) -> object:
    """The same for ways that differ only in their anchor."""
    needs = frozenset(
        (key, name, amount)
        for key, amounts in candidate.needs.items()
        for name, amount in amounts.items()
    )
    return needs, frozenset(candidate.mappings.items())


def _summaries(found: Sequence[Candidate], *, whole_trees: bool) -> tuple[Summary, ...]:
    """The providers that give something, with the others of their trees."""
    keys = {key for candidate in found for key in candidate.needs}
    rows = ResourceProvider.objects.select_related("parent", "root").order_by("pk")
    if whole_trees:
        roots = ResourceProvider.objects.filter(pk__in=keys).values("root")
        rows = rows.filter(root__in=roots)
    else:
        rows = rows.filter(pk__in=keys)
    providers = {provider.pk: provider for provider in rows}
    inventories: dict[Key, list[Inventory]] = defaultdict(list)
    for row in Inventory.objects.filter(provider__in=providers).order_by("pk"):
        inventories[row.provider_id].append(row)
    traits: dict[Key, list[str]] = defaultdict(list)
    named = ProviderTrait.objects.filter(provider__in=providers).order_by("pk")
    for key, trait in named.values_list("provider", "trait"):
        traits[key].append(trait)
    return tuple(
        Summary(
            provider=provider,
            inventories=tuple(inventories[key]),
            traits=tuple(traits[key]),
        )
        for key, provider in providers.items()
    )
