"""Asks whether the host of a server will do for another image. A rebuild takes nothing anew and
goes nowhere else, so only what images ask for is looked at (nova/conductor/manager.py).
"""

from __future__ import annotations

from servers.models import Instance, ProviderTrait, RequestSpec
from servers.placement.candidates import read_host
from servers.placement.conditions import Question, conditions_on_rebuild
from servers.placement.demand import Demand
from servers.placement.neighbourhood import Neighbourhood
from servers.placement.report import NoValidHost
from servers.placement.rules import enabled_rules
from servers.placement.translate import FORBIDDEN, read_demand


def check_rebuild(spec: RequestSpec, instance: Instance) -> None:
    """
    Raises:
        NoValidHost: the host of the server will not do for the image of the spec.
    """
    spec.force_hosts, spec.force_nodes = [], []  # of a forced host nothing would be asked
    demand = read_demand(spec)
    reason = _traits_missing(demand, instance) or _rules_broken(demand, instance)
    if reason is not None:
        raise NoValidHost(f"The host of the server will not do for the image: it is {reason}.")


def _traits_missing(demand: Demand, instance: Instance) -> str | None:
    """Nova: some provider that gives the server anything must have each trait; which one it is does
    not matter.
    """
    required = set(demand.image.traits_required)
    if not required:
        return None
    for name in sorted(required):
        if demand.extra_specs.get(f"trait:{name}") == FORBIDDEN:
            return f"closed to the trait {name} by the flavor"
    held = ProviderTrait.objects.filter(
        trait__in=required, provider__allocations__consumer__instance=instance
    )
    missing = sorted(required - set(held.values_list("trait", flat=True)))
    return f"without the trait {missing[0]}" if missing else None


def _rules_broken(demand: Demand, instance: Instance) -> str | None:
    question = Question(demand, demand.resources, Neighbourhood())
    host = read_host(str(instance.node))
    if host is None:
        return "not known any more"
    for condition in conditions_on_rebuild(question):
        if read_host(host.node, condition) is None:
            return f"{condition.says} ({condition.name})"
    rules = enabled_rules(demand, rebuild=True)
    broken = next((rule for rule in rules if not rule.holds(demand, host, 0)), None)
    return None if broken is None else f"{broken.says} ({broken.name})"
