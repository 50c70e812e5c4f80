"""Rules that a host must keep, one small function each, by the names of Nova's filters.

What the database can decide is not here but among the ``conditions``: ``ComputeFilter``,
``ServerGroupAffinityFilter``, ``ServerGroupAntiAffinityFilter`` (as far as there are members
already), ``SameHostFilter``, ``DifferentHostFilter`` and most of ``ImagePropertiesFilter``.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.conf import settings

from servers.models.server_group import Policy
from servers.placement.demand import Demand
from servers.placement.operators import matches
from servers.placement.state import HostState

CAPABILITIES = "capabilities"
AGGREGATE_SCOPE = "aggregate_instance_extra_specs"
TENANT_KEY = "filter_tenant_id"
ADDRESS_BITS = "hw:maxphysaddr_bits"

Test = Callable[[Demand, HostState, int], bool]
"""Does the host keep the rule, with so many servers more than were on it?"""


def _any(_: Demand) -> bool:
    return True


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """``says`` is what is said of a host that breaks it. ``concerns``: may a host break it for this
    demand? ``counts``: whether it keeps the rule depends on how many servers the search has put
    there. ``on_rebuild``: asked again when a server gets another image.
    """

    name: str
    says: str
    holds: Test
    concerns: Callable[[Demand], bool] = _any
    counts: bool = False
    on_rebuild: bool = False


def _has_capabilities(demand: Demand, host: HostState, _: int) -> bool:
    """Nova: names without a scope count where a host tells of something under that name."""
    specs = dict(demand.extra_specs)
    bits = specs.pop(ADDRESS_BITS, None)
    if bits is not None:
        specs[f"{CAPABILITIES}:cpu_info:maxphysaddr:bits"] = f">= {bits}"
    for key, asked in specs.items():
        scope = key.split(":")
        if len(scope) == 1 and key not in host.attributes:
            continue
        if len(scope) > 1 and scope.pop(0) != CAPABILITIES:
            continue
        told = _look_up(host.attributes, scope)
        if told is None or not matches(str(told), asked):
            return False
    return True


def _has_specs(demand: Demand) -> bool:
    return bool(demand.extra_specs)


def _look_up(attributes: Mapping[str, Any], scope: Sequence[str]) -> Any:
    found: Any = attributes
    for name in scope:
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found


def _supports_image(demand: Demand, host: HostState, _: int) -> bool:
    """The versions and address bits that an image asks for; the rest is a condition."""
    image = demand.image
    bounds, version = image.img_hv_requested_version, host.hypervisor_version
    if bounds and version and not all(_in_bound(version, bound) for bound in bounds.split(",")):
        return False
    bits = (host.cpu_info.get("maxphysaddr") or {}).get("bits")
    return not (image.hw_maxphysaddr_bits and bits) or bits >= image.hw_maxphysaddr_bits


def _names_hypervisor(demand: Demand) -> bool:
    """Nova: an image that names none of these runs anywhere, whatever else it asks for."""
    image = demand.image
    return bool(image.hw_architecture or image.img_hv_type or image.hw_vm_mode)


BOUND = re.compile(r"\s*(<=|>=|<|>|!=|==)\s*v?([0-9.]+).*")
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}


def _in_bound(version: int, bound: str) -> bool:
    match = BOUND.fullmatch(bound)
    if match is None:
        return True
    asked = [int(part) for part in match[2].strip(".").split(".")]
    told = [version // 1_000_000, version // 1000 % 1000, version % 1000]
    length = max(len(asked), len(told))
    pair = ([*part, *[0] * (length - len(part))] for part in (told, asked))
    return COMPARISONS[match[1]](*pair)


def _has_room_for_group(demand: Demand, host: HostState, taken: int) -> bool:
    """Hard anti-affinity, with the servers of this search counted too."""
    rule = demand.group
    return rule is None or host.members + taken < rule.max_per_host


def _lies_apart(demand: Demand) -> bool:
    return demand.group is not None and demand.group.policy == Policy.ANTI_AFFINITY


def _matches_aggregate_specs(demand: Demand, host: HostState, _: int) -> bool:
    for key, asked in demand.extra_specs.items():
        scope, colon, rest = key.partition(":")
        if colon and scope != AGGREGATE_SCOPE:
            continue
        told = host.metadata.get(rest if colon else key)
        if not told or not any(matches(word, asked) for word in told):
            return False
    return True


def _is_for_project(demand: Demand, host: HostState, _: int) -> bool:
    projects = {
        word for key, words in host.metadata.items() if key.startswith(TENANT_KEY) for word in words
    }
    return not projects or demand.project_id in projects


def _matches_image_metadata(demand: Demand, host: HostState, _: int) -> bool:
    """Nova: only properties that compute knows count, and a namespace limits them further."""
    options = settings.OPTIONS
    namespace = options.aggregate_image_properties_isolation_namespace
    start = f"{namespace}{options.aggregate_image_properties_isolation_separator}"
    for key, words in host.metadata.items():
        if namespace and not key.startswith(start):
            continue
        told = getattr(demand.image, key, None)
        if told and str(told) not in words:
            return False
    return True


def _is_for_flavor(demand: Demand, host: HostState, _: int) -> bool:
    names = host.values_of("instance_type")
    return not names or any(
        demand.flavor_name in [name.strip() for name in text.split(",")] for text in names
    )


def _is_isolated_alike(demand: Demand, host: HostState, _: int) -> bool:
    options = settings.OPTIONS
    isolated_host = host.host in options.isolated_hosts
    strict = options.restrict_isolated_hosts_to_isolated_images
    if not options.isolated_images:
        return not (strict and isolated_host)
    isolated_image = demand.image_id in options.isolated_images
    if strict:
        return isolated_image == isolated_host
    return isolated_host or not isolated_image


def _has_few_operations(_: Demand, host: HostState, taken: int) -> bool:
    return host.io_ops + taken < settings.OPTIONS.max_io_ops_per_host


def _has_few_operations_of_aggregate(_: Demand, host: HostState, taken: int) -> bool:
    most = number_of(host, "max_io_ops_per_host", settings.OPTIONS.max_io_ops_per_host)
    return host.io_ops + taken < most


def _has_few_servers(_: Demand, host: HostState, taken: int) -> bool:
    return host.running_vms + taken < settings.OPTIONS.max_instances_per_host


def _has_few_servers_of_aggregate(_: Demand, host: HostState, taken: int) -> bool:
    most = number_of(host, "max_instances_per_host", settings.OPTIONS.max_instances_per_host)
    return host.running_vms + taken < most


def number_of(host: HostState, key: str, default: float) -> float:
    """The lowest number that the aggregates of the host name under the key, or the default."""
    try:
        return min(map(float, host.values_of(key)), default=default)
    except ValueError:
        return default


def _has_hints(demand: Demand) -> bool:
    return bool(demand.hints)


def _is_near_address(demand: Demand, host: HostState, _: int) -> bool:
    """The hints ``build_near_host_ip`` and ``cidr``."""
    address = _hint(demand, "build_near_host_ip")
    if not address:
        return True
    try:
        network = ipaddress.ip_network(f"{address}{_hint(demand, 'cidr') or '/24'}", strict=False)
        return host.host_ip is not None and ipaddress.ip_address(host.host_ip) in network
    except ValueError:
        return False


def _answers_query(demand: Demand, host: HostState, _: int) -> bool:
    """The hint ``query``: a list such as ``[">=", "$free_ram_mb", 1024]``, as JSON."""
    query = _hint(demand, "query")
    if not query:
        return True
    try:
        answer = _ask(json.loads(query) if isinstance(query, str) else query, host)
    except (ValueError, TypeError, KeyError):
        return False
    return any(answer) if isinstance(answer, list) else bool(answer)


def _ask(query: Any, host: HostState) -> Any:
    if not query:
        return True
    given = [_argument(part, host) for part in query[1:]]
    return QUERIES[query[0]]([part for part in given if part is not None])


def _argument(part: Any, host: HostState) -> Any:
    if isinstance(part, list):
        return _ask(part, host)
    if isinstance(part, str) and part.startswith("$"):
        return _look_up(host.attributes, part[1:].split("."))
    return part or None if isinstance(part, str) else part


def _each(test: Callable[[Any, Any], bool]) -> Callable[[list[Any]], bool]:
    """The first is compared with each of the others; one alone is never right."""
    return lambda given: len(given) > 1 and all(test(given[0], other) for other in given[1:])


QUERIES: dict[str, Callable[[list[Any]], Any]] = {
    "=": _each(operator.eq),
    "<": _each(operator.lt),
    ">": _each(operator.gt),
    "<=": _each(operator.le),
    ">=": _each(operator.ge),
    "in": lambda given: len(given) > 1 and given[0] in given[1:],
    "not": lambda given: [not part for part in given],
    "or": any,
    "and": all,
}


def _hint(demand: Demand, name: str) -> Any:
    """A hint is a list by now; where one value is meant, its first item."""
    value = demand.hints.get(name)
    return value[0] if isinstance(value, list) and value else value


RULES: tuple[Rule, ...] = (
    Rule(
        name="ComputeCapabilitiesFilter",
        says="without a capability that the flavor asks for",
        holds=_has_capabilities,
        concerns=_has_specs,
    ),
    Rule(
        name="ImagePropertiesFilter",
        says="without what the image asks of its hypervisor",
        holds=_supports_image,
        concerns=_names_hypervisor,
        on_rebuild=True,
    ),
    Rule(
        name="ServerGroupAntiAffinityFilter",
        says="closed by the rule of the server group",
        holds=_has_room_for_group,
        concerns=_lies_apart,
        counts=True,
    ),
    Rule(
        name="AggregateInstanceExtraSpecsFilter",
        says="in no aggregate with the metadata that the flavor asks for",
        holds=_matches_aggregate_specs,
        concerns=_has_specs,
    ),
    Rule(
        name="AggregateMultiTenancyIsolation",
        says="in an aggregate for other projects",
        holds=_is_for_project,
    ),
    Rule(
        name="AggregateImagePropertiesIsolation",
        says="in an aggregate for other images",
        holds=_matches_image_metadata,
        on_rebuild=True,
    ),
    Rule(
        name="AggregateTypeAffinityFilter",
        says="in an aggregate for other flavors",
        holds=_is_for_flavor,
    ),
    Rule(
        name="IsolatedHostsFilter",
        says="isolated for other images, or not for this one",
        holds=_is_isolated_alike,
        on_rebuild=True,
    ),
    Rule(name="IoOpsFilter", says="too busy", holds=_has_few_operations, counts=True),
    Rule(
        name="AggregateIoOpsFilter",
        says="too busy",
        holds=_has_few_operations_of_aggregate,
        counts=True,
    ),
    Rule(
        name="NumInstancesFilter", says="with too many servers", holds=_has_few_servers, counts=True
    ),
    Rule(
        name="AggregateNumInstancesFilter",
        says="with too many servers",
        holds=_has_few_servers_of_aggregate,
        counts=True,
    ),
    Rule(
        name="SimpleCIDRAffinityFilter",
        says="outside of the addresses that the hint names",
        holds=_is_near_address,
        concerns=_has_hints,
    ),
    Rule(
        name="JsonFilter",
        says="not what the hint query asks for",
        holds=_answers_query,
        concerns=_has_hints,
    ),
)
OF_DATABASE = frozenset(
    (
        *("ComputeFilter", "ServerGroupAffinityFilter", "SameHostFilter", "DifferentHostFilter"),
        *("NUMATopologyFilter", "PciPassthroughFilter", "AllHostsFilter"),
    )
)
"""Names that may be enabled too: conditions, what always holds, and what says nothing."""
BY_NAME = {rule.name: rule for rule in RULES}
NAMES = OF_DATABASE | BY_NAME.keys()


def enabled_rules(demand: Demand, *, rebuild: bool = False) -> list[Rule]:
    """Those that concern the demand, in the order in which the option names them. Of a forced host
    nothing is asked but what the server group demands of everybody.
    """
    named = [BY_NAME[name] for name in settings.OPTIONS.enabled_filters if name in BY_NAME]
    chosen = [rule for rule in named if rule.concerns(demand)]
    if rebuild:
        return [rule for rule in chosen if rule.on_rebuild]
    if demand.is_forced:
        return [rule for rule in chosen if rule.holds is _has_room_for_group]
    return chosen
