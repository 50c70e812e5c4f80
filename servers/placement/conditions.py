"""What the database asks of hosts when it looks for candidates: a table of conditions, in SQL.

A condition that does not hold also explains: where no host is left, each host is told by the first
condition that speaks against it (``servers.placement.report``).

A condition speaks of the table ``node`` alone, and of others only in subqueries that give a value:
the database asks it host by host, so that the search is a walk along an index of the nodes. What
perhaps few hosts satisfy has ``few`` besides: where they are few indeed, only those are asked.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import os_traits
from django.conf import settings

from servers.models.provider import DISK_GB, MEMORY_MB, VCPU
from servers.models.server_group import Policy
from servers.models.service import SIMULATED_DRIVERS, seen_since
from servers.placement.demand import Demand, ResourceDemand, ResourceGroup
from servers.placement.neighbourhood import Neighbourhood
from servers.placement.sharing import FROM_SHARING, FROM_TREE

SERVICE = "(SELECT {} FROM servers_service AS service WHERE service.id = node.service_id)"
NAMED = "ARRAY(SELECT id FROM servers_service WHERE host = ANY(%s))"
ON_HOSTS, NOT_ON_HOSTS = f"node.service_id = ANY({NAMED})", f"node.service_id <> ALL({NAMED})"
CLOSED = os_traits.COMPUTE_STATUS_DISABLED
PROVIDER = "(SELECT id FROM servers_resourceprovider WHERE node_id = node.id)"
FITS = """
    stock.free >= %s AND stock.min_unit <= %s AND stock.max_unit >= %s AND %s %% stock.step_size = 0
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Condition:
    """``text`` is SQL, ``says`` what is said of hosts for which it is not true."""

    name: str
    says: str
    text: str
    values: tuple[Any, ...] = ()
    few: tuple[Few, ...] = ()
    of_service: bool = False
    """Does the text speak of the row ``service`` instead of the node?"""

    @property
    def alone(self) -> str:
        """The text of this condition alone."""
        return SERVICE.format(self.text) if self.of_service else self.text


def all_of(conditions: Sequence[Condition]) -> str:
    """The conditions in one text. A node's service is looked up only once, and only where what few
    hosts satisfy holds: else the planner chooses the order, which knows nothing of how few.
    """
    usual, rare, of_service = _by_kind(conditions)
    texts = [condition.text for condition in usual]
    last = SERVICE.format(_joined(of_service)) if of_service else "true"
    texts.append(f"CASE WHEN {_joined(rare)} THEN {last} END" if rare else last)
    return " AND ".join(texts)


def values_of(conditions: Sequence[Condition]) -> list[Any]:
    """The values for ``all_of`` the conditions."""
    ordered = [condition for kind in _by_kind(conditions) for condition in kind]
    return [value for condition in ordered for value in condition.values]


Conditions = Sequence["Condition"]


def _by_kind(conditions: Conditions) -> tuple[Conditions, Conditions, Conditions]:
    """The usual ones, those that perhaps few hosts satisfy, and those that speak of the service."""
    of_node = [condition for condition in conditions if not condition.of_service]
    return (
        [condition for condition in of_node if not condition.few],
        [condition for condition in of_node if condition.few],
        [condition for condition in conditions if condition.of_service],
    )


def _joined(conditions: Conditions) -> str:
    return " AND ".join(condition.text for condition in conditions)


@dataclasses.dataclass(frozen=True, slots=True)
class Few:
    """A query for the column ``key`` of all hosts that satisfy a condition, and perhaps of others;
    an index answers it. The keys are those of ``of``.
    """

    of: str
    text: str
    values: tuple[Any, ...]

    @property
    def nodes(self) -> str:
        """The same for the keys of nodes."""
        return f"SELECT {NODE_OF[self.of]} FROM ({self.text}) AS few"  # noqa: S608 - our own texts


PROVIDERS, SERVICES = "providers", "services"
NODE_OF = {
    PROVIDERS: """(SELECT root.node_id FROM servers_resourceprovider AS part
                   JOIN servers_resourceprovider AS root ON root.id = part.root_id
                   WHERE part.id = few.key)""",
    SERVICES: "(SELECT id FROM servers_computenode WHERE service_id = few.key)",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """All that conditions are made of. ``together``: so many servers must fit on one host.
    ``only``: no other nodes, by key. ``hosts`` and ``other_hosts``: only these, and none of these.
    ``moving``: the server is somewhere else already.
    """

    demand: Demand
    resources: ResourceDemand
    neighbourhood: Neighbourhood
    together: int = 1
    only: frozenset[int] | None = None
    hosts: frozenset[str] | None = None
    other_hosts: frozenset[str] | None = None
    moving: bool = False


Maker = Callable[[Question], Iterable[Condition]]


def conditions_of(question: Question) -> list[Condition]:
    """The conditions that matter for the demand; first what is cheap and excludes many hosts."""
    return [condition for make in MAKERS for condition in make(question)]


def conditions_on_rebuild(question: Question) -> list[Condition]:
    """Those that matter for the image of a server that stays where it is."""
    return list(_image(question))


def _named(question: Question) -> Iterable[Condition]:
    if question.only is not None:
        yield Condition("only", "not to be tried", "node.id = ANY(%s)", (sorted(question.only),))
    if question.hosts is not None:
        names = sorted(question.hosts)
        yield Condition("only", "not to be tried", ON_HOSTS, (names,))
    if question.other_hosts is not None:
        names = sorted(question.other_hosts)
        yield Condition("only", "not to be tried", NOT_ON_HOSTS, (names,))


def _forced(question: Question) -> Iterable[Condition]:
    demand = question.demand
    if demand.forced_hosts:
        names = sorted(demand.forced_hosts)
        yield Condition("forced", "not the forced host", ON_HOSTS, (names,))
    if demand.forced_nodes:
        nodes = sorted(demand.forced_nodes)
        yield Condition(
            "forced", "not the forced host", "node.hypervisor_hostname = ANY(%s)", (nodes,)
        )


def _cell(question: Question) -> Iterable[Condition]:
    wanted = question.demand.cell_id
    if wanted is not None:
        yield Condition("cell", "in another cell", "cell_id = %s", (wanted,), of_service=True)
    yield Condition(
        "cell",
        "in a disabled cell",
        "cell_id <> ALL(ARRAY(SELECT id FROM servers_cell WHERE disabled))",
        of_service=True,
    )


def _up(_: Question) -> Iterable[Condition]:
    yield Condition(
        "ComputeFilter",
        "down",
        "NOT forced_down AND (node.driver = ANY(%s) OR last_seen_up >= %s)",
        (sorted(SIMULATED_DRIVERS), seen_since()),
        of_service=True,
    )


def _enabled(question: Question) -> Iterable[Condition]:
    """Nova: of forced hosts too, but a move whose host is forced asks no scheduler at all."""
    if not (question.demand.is_forced and question.moving):
        yield Condition("ComputeFilter", "disabled", "NOT disabled", of_service=True)


HELD = (
    "(SELECT true FROM servers_providertrait AS held "  # noqa: S608
    f"WHERE held.provider_id = {PROVIDER} AND held.trait = %s)"
)


def _closed(question: Question) -> Iterable[Condition]:
    """Nova closes a host for the scheduler by a trait, which operators may give it too. That any
    host has it is asked once.
    """
    if not (question.demand.is_forced and question.moving):
        given = "EXISTS (SELECT FROM servers_providertrait WHERE trait = %s)"
        yield Condition(
            "ComputeFilter",
            f"with the trait {CLOSED}",
            f"(NOT {given} OR {HELD} IS NOT TRUE)",
            (CLOSED, CLOSED),
        )


OF_ZONE = """
    SELECT member.service_id AS key FROM servers_aggregate_hosts AS member
    WHERE member.aggregate_id = ANY(ARRAY(
        SELECT id FROM servers_aggregate WHERE metadata ->> 'availability_zone' = %s))
"""


# The aggregates of a zone are found once, and each host is looked up among their hosts.
IN_ZONE = """
    (SELECT true FROM servers_aggregate_hosts AS member
     WHERE member.service_id = node.service_id AND member.aggregate_id = ANY(ARRAY(
           SELECT id FROM servers_aggregate WHERE metadata ->> 'availability_zone' {})) LIMIT 1)
"""


def _zone(question: Question) -> Iterable[Condition]:
    zone = question.demand.zone
    if zone is None or question.demand.is_forced:
        return
    if zone == settings.OPTIONS.default_availability_zone:
        text = f"({IN_ZONE.format('= %s')} OR {IN_ZONE.format('> %s')} IS NOT TRUE)"
        yield Condition("zone", "in another zone", text, (zone, ""))
    else:
        few = Few(SERVICES, OF_ZONE, (zone,))
        yield Condition("zone", "in another zone", IN_ZONE.format("= %s"), (zone,), (few,))


def _destination(question: Question) -> Iterable[Condition]:
    demand = question.demand
    if demand.is_forced:
        return
    if demand.wanted_host:
        yield Condition("destination", "not the requested host", ON_HOSTS, ([demand.wanted_host],))
    if demand.wanted_node:
        yield Condition(
            "destination",
            "not the requested host",
            "node.hypervisor_hostname = %s",
            (demand.wanted_node,),
        )
    if demand.ignored_hosts:
        names = sorted(demand.ignored_hosts)
        yield Condition("destination", "to be ignored", NOT_ON_HOSTS, (names,))


def _hinted(question: Question) -> Iterable[Condition]:
    demand, filters = question.demand, settings.OPTIONS.enabled_filters
    if demand.is_forced:
        return
    near, apart = question.neighbourhood.near_hosts, question.neighbourhood.apart_hosts
    if demand.near_servers and "SameHostFilter" in filters:
        yield Condition(
            "SameHostFilter",
            "without a server named by same_host",
            ON_HOSTS,
            (sorted(near),),
        )
    if apart and "DifferentHostFilter" in filters:
        yield Condition(
            "DifferentHostFilter",
            "with a server named by different_host",
            NOT_ON_HOSTS,
            (sorted(apart),),
        )


def _server_group(question: Question) -> Iterable[Condition]:
    rule, members = question.demand.group, question.neighbourhood.members
    filters = settings.OPTIONS.enabled_filters
    if rule is None:
        return
    if rule.policy == Policy.AFFINITY and members and "ServerGroupAffinityFilter" in filters:
        yield Condition(
            "ServerGroupAffinityFilter",
            "away from the server group",
            ON_HOSTS,
            (sorted(members),),
        )
    if rule.policy == Policy.ANTI_AFFINITY and "ServerGroupAntiAffinityFilter" in filters:
        full = sorted(host for host, number in members.items() if number >= rule.max_per_host)
        if full:
            yield Condition(
                "ServerGroupAntiAffinityFilter",
                "closed by the rule of the server group",
                NOT_ON_HOSTS,
                (full,),
            )


OF_AGGREGATES = """
    SELECT service_id AS key FROM servers_aggregate_hosts WHERE aggregate_id = ANY(%s)
"""


def _aggregates(question: Question) -> Iterable[Condition]:
    member = """
        (SELECT true FROM servers_aggregate_hosts AS member
         WHERE member.service_id = node.service_id AND member.aggregate_id = ANY(%s) LIMIT 1)
    """
    wanted = question.neighbourhood.project_aggregates
    if wanted is not None:
        keys = sorted(wanted)
        yield Condition(
            "limit_tenants_to_placement_aggregate",
            "not for this project",
            member,
            (keys,),
            (Few(SERVICES, OF_AGGREGATES, (keys,)),),
        )
    isolated = question.neighbourhood.isolated_aggregates
    if isolated:
        yield Condition(
            "enable_isolated_aggregate_filtering",
            "kept for servers that require other traits",
            f"{member} IS NOT TRUE",
            (sorted(isolated),),
        )


def _image(question: Question) -> Iterable[Condition]:
    """Nova: the words may stand in any order in what a host supports."""
    demand = question.demand
    if demand.is_forced or "ImagePropertiesFilter" not in settings.OPTIONS.enabled_filters:
        return
    image = demand.image
    architecture = image.hw_architecture or settings.OPTIONS.image_properties_default_architecture
    words = [word for word in (architecture, image.img_hv_type, image.hw_vm_mode) if word]
    if words:
        yield Condition(
            "ImagePropertiesFilter",
            f"without support for {', '.join(words)}",
            """
            (SELECT true FROM servers_hosthardware AS hardware,
                              jsonb_array_elements(hardware.supported_instances) AS kind
             WHERE hardware.node_id = node.id AND kind @> %s::jsonb LIMIT 1)
            """,
            (json.dumps(words),),
        )


USUAL = {
    VCPU: ("vcpus", "vCPUs"),
    MEMORY_MB: ("memory_mb", "memory"),
    DISK_GB: ("disk_gb", "disk"),
}
"""Amounts of the root that its node knows, and how people call them."""
TOO_SMALL = "too small for the whole server group"


def _amounts(question: Question) -> Iterable[Condition]:
    """The node's own numbers where they tell all: an index knows them. What few hosts have is asked
    for first.
    """
    amounts = question.resources.main.resources
    for name, amount in sorted(amounts.items(), key=lambda item: (item[0] in USUAL, item[0])):
        column, word = USUAL.get(name, ("", name))
        says = TOO_SMALL if question.together > 1 else f"with too little free {word}"
        total = amount * question.together
        values: tuple[Any, ...] = (name, total, amount, amount, amount)
        text = f"node.free_{column} >= %s AND node.most_{column} >= %s"
        if not question.resources.is_simple:
            in_tree = f"({IN_TREE} {FITS} LIMIT 1)"
            few = _few_with(name, total)
            if name in question.resources.shared:
                in_tree, few = f"({in_tree} OR ({IN_SHARED} {FITS} LIMIT 1))", ()
                values = (*values, *values)
            if name in USUAL:  # mostly the root gives it, whose numbers the node knows
                in_tree = f"(({text} AND NOT node.has_odd_units) OR {in_tree})"
                values = (total, amount, *values)
            yield Condition("resources", says, in_tree, values, few)
            continue
        yield Condition("resources", says, text, (total, amount))
        yield Condition(
            "resources",
            f"which gives {word} in other units",
            f"(NOT node.has_odd_units OR ({IN_ROOT} {FITS}))",
            (name, total, amount, amount, amount),
        )


IN_ROOT = f"""
    SELECT true FROM servers_inventory AS stock
    WHERE stock.provider_id = {PROVIDER} AND stock.resource_class = %s AND
"""  # noqa: S608
IN_TREE, IN_SHARED = (
    f"""
    SELECT true FROM {parts} JOIN servers_inventory AS stock ON stock.provider_id = part.id
    WHERE root.node_id = node.id AND stock.resource_class = %s AND
"""  # noqa: S608
    for parts in (FROM_TREE, FROM_SHARING)
)


# The condition on the class is that of the index ``servers_inventory_rare``.
WITH_CLASS = """
    SELECT stock.provider_id AS key FROM servers_inventory AS stock
    WHERE stock.resource_class = %s AND stock.free >= %s
      AND NOT (stock.resource_class IN ('VCPU', 'MEMORY_MB', 'DISK_GB'))
"""
WITH_TRAIT = """
    SELECT held.provider_id AS key FROM servers_providertrait AS held WHERE held.trait = %s
"""


def _few_with(resource_class: str, amount: int) -> tuple[Few, ...]:
    usual = resource_class in USUAL
    return () if usual else (Few(PROVIDERS, WITH_CLASS, (resource_class, amount)),)


def _few_with_trait(trait: str) -> Few:
    return Few(PROVIDERS, WITH_TRAIT, (trait,))


def _groups(question: Question) -> Iterable[Condition]:
    """Some provider has enough for each group; whether all fit together is found out later."""
    for group in question.resources.groups:
        texts, values = ["root.node_id = node.id"], []
        for name, amount in sorted(group.resources.items()):
            texts.append(
                "EXISTS (SELECT FROM servers_inventory AS stock WHERE stock.provider_id = part.id "
                f"AND stock.resource_class = %s AND {FITS})"
            )
            values += [name, amount, amount, amount, amount]
        text, traits = _trait_text("part.id", group.required, group.forbidden)
        texts += text
        shared = not question.resources.shared.isdisjoint(group.resources)
        yield Condition(
            "resources",
            f"without a provider for {_name(group)}",
            _in_parts(" AND ".join(texts), shared=shared),
            (*values, *traits) * (2 if shared else 1),
            () if shared else tuple(_few_of(group)),
        )


def _in_parts(text: str, *, shared: bool) -> str:
    """The text holds for a ``part`` of the host's tree, or for one that is shared with it."""
    sources = (FROM_TREE, FROM_SHARING) if shared else (FROM_TREE,)
    found = [f"(SELECT true FROM {source} WHERE {text} LIMIT 1)" for source in sources]  # noqa: S608
    return f"({' OR '.join(found)})"


def _few_of(group: ResourceGroup) -> Iterable[Few]:
    for name, amount in group.resources.items():
        yield from _few_with(name, amount)
    for trait in group.required:
        yield _few_with_trait(trait)


def _traits(question: Question) -> Iterable[Condition]:
    """Of what gives the amounts without a suffix: the root, or any part of the tree."""
    main, demand = question.resources.main, question.demand
    if question.resources.is_simple:
        required, forbidden = main.required | demand.root_required, main.forbidden
    else:
        required, forbidden = demand.root_required, frozenset()
        for trait in sorted(main.required):
            shared = trait in question.resources.shared
            text, values = _trait_text("part.id", [trait], [])
            yield Condition(
                "traits",
                f"without the trait {trait}",
                _in_parts(f"root.node_id = node.id AND {text[0]}", shared=shared),
                tuple(values) * (2 if shared else 1),
                () if shared else (_few_with_trait(trait),),
            )
    for trait in sorted(required):
        text, values = _trait_text(PROVIDER, [trait], [])
        yield Condition(
            "traits",
            f"without the trait {trait}",
            text[0],
            tuple(values),
            (_few_with_trait(trait),),
        )
    for trait in sorted(forbidden | demand.root_forbidden):
        text, values = _trait_text(PROVIDER, [], [trait])
        yield Condition("traits", f"with the trait {trait}", text[0], tuple(values))


def _trait_text(
    provider: str, required: Iterable[str], forbidden: Iterable[str]
) -> tuple[list[str], list[str]]:
    held = HELD.replace(PROVIDER, provider)
    wanted, unwanted = sorted(required), sorted(forbidden)
    texts = [held] * len(wanted) + [f"{held} IS NOT TRUE"] * len(unwanted)
    return texts, [*wanted, *unwanted]


def _devices(question: Question) -> Iterable[Condition]:
    """Enough free devices of some kind that a request takes; which ones is found out later."""
    for request in question.demand.guest.devices:
        kinds = [_device_text(kind.properties) for kind in request.specs]
        text = " OR ".join(f"({text})" for text, _ in kinds) or "true"
        values = [value for _, found in kinds for value in found]
        yield Condition(
            "PciPassthroughFilter",
            f"without free PCI devices for {request.name}",
            "(SELECT count(*) FROM servers_pcidevice AS device WHERE device.node_id = node.id "  # noqa: S608
            f"AND device.consumer_id IS NULL AND ({text})) >= %s",
            (*values, request.count),
        )


def _device_text(properties: Mapping[str, str | None]) -> tuple[str, list[str]]:
    columns = ("vendor_id", "product_id", "physical_network", "dev_type")
    named = [(name, properties[name]) for name in columns if properties.get(name) is not None]
    texts = [f"lower(device.{name}) = %s" for name, _ in named]
    return " AND ".join(texts) or "true", [str(value) for _, value in named]


ON_PHYSICAL = """
    COALESCE((
        SELECT jsonb_typeof(wires -> 'physical_networks') <> 'array'
            OR wires -> 'physical_networks' @> %s::jsonb
        FROM servers_hostagent AS agent WHERE agent.service_id = node.service_id
    ), true)
"""


def _physical_networks(question: Question) -> Iterable[Condition]:
    """Hosts with agents tell which they are on; of other hosts nobody knows."""
    wanted = sorted(question.demand.guest.physnets)
    if wanted:
        says = f"without the physical networks {', '.join(wanted)}"
        yield Condition("physical_networks", says, ON_PHYSICAL, (json.dumps(wanted),))


def _name(group: ResourceGroup) -> str:
    amounts = ", ".join(f"{amount} {name}" for name, amount in sorted(group.resources.items()))
    traits = ", ".join([*sorted(group.required), *(f"no {name}" for name in group.forbidden)])
    return f"{amounts} ({traits})" if traits else amounts


MAKERS: tuple[Maker, ...] = (
    _named,
    _forced,
    _cell,
    _up,
    _enabled,
    _closed,
    _zone,
    _destination,
    _hinted,
    _server_group,
    _aggregates,
    _image,
    _physical_networks,
    _devices,
    _groups,
    _amounts,
    _traits,
)
