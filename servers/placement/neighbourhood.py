"""What must be known of other servers and of aggregates before hosts are looked for."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping

from django.conf import settings

from compute_site.values.words import is_uuid
from servers.models import Aggregate, Instance, ServerGroup
from servers.placement.demand import Demand

TENANT_KEY = "filter_tenant_id"
TRAIT_KEY = "trait:"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """Hosts by name, aggregates by key."""

    members: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """How many servers of the demanded group lie on each host."""
    near_hosts: frozenset[str] = frozenset()
    """Where the servers lie that the hint ``same_host`` names."""
    apart_hosts: frozenset[str] = frozenset()
    """The same of ``different_host``."""
    project_aggregates: frozenset[int] | None = None
    """The only ones for the project; ``None``: any host will do."""
    isolated_aggregates: frozenset[int] = frozenset()
    """Those whose hosts are for other servers."""


def read_neighbourhood(
    demand: Demand, group: ServerGroup | None, *, moving: Instance | None = None
) -> Neighbourhood:
    """At most three statements, none for a demand that has neither group nor hints. A server that
    is ``moving`` does not count among the members of its group.
    """
    hosts_of = _hosts_by_server(demand)
    projects, isolated = _aggregates(demand)
    return Neighbourhood(
        members=_members_by_host(group, moving),
        near_hosts=frozenset(
            host for server, host in hosts_of.items() if server in demand.near_servers
        ),
        apart_hosts=frozenset(
            host for server, host in hosts_of.items() if server in demand.apart_servers
        ),
        project_aggregates=projects,
        isolated_aggregates=isolated,
    )


def lock_group(group: ServerGroup | None) -> None:
    """Nobody else places members of the group until the transaction ends."""
    if group is not None:
        list(ServerGroup.objects.select_for_update(no_key=True).filter(pk=group.pk))


def _members_by_host(group: ServerGroup | None, moving: Instance | None) -> Mapping[str, int]:
    if group is None:
        return {}
    hosts = Instance.objects.alive().filter(group_membership__group=group, host__isnull=False)
    if moving is not None:
        hosts = hosts.exclude(pk=moving.pk)
    return Counter(str(host) for host in hosts.values_list("host", flat=True))


def _hosts_by_server(demand: Demand) -> Mapping[str, str]:
    """Where the servers lie that the hints name; a text that is no id names none."""
    ids = [word for word in demand.near_servers | demand.apart_servers if is_uuid(word)]
    if not ids:
        return {}
    servers = Instance.objects.alive().filter(uuid__in=ids, host__isnull=False)
    return {str(key): str(host) for key, host in servers.values_list("uuid", "host")}


def _aggregates(demand: Demand) -> tuple[frozenset[int] | None, frozenset[int]]:
    """What the metadata of aggregates keep for some projects, or for servers with some traits."""
    options = settings.OPTIONS
    by_project = options.limit_tenants_to_placement_aggregate
    by_trait = options.enable_isolated_aggregate_filtering
    if not (by_project or by_trait):
        return None, frozenset()
    listed = list(Aggregate.objects.values_list("pk", "metadata"))
    projects = None
    if by_project:
        found = frozenset(
            key
            for key, metadata in listed
            if any(
                name.startswith(TENANT_KEY) and value == demand.project_id
                for name, value in metadata.items()
            )
        )
        projects = found if found or options.placement_aggregate_required_for_tenants else None
    isolated = frozenset(
        key for key, metadata in listed if by_trait and _asks_for_others(metadata, demand)
    )
    return projects, isolated


def _asks_for_others(metadata: Mapping[str, str], demand: Demand) -> bool:
    return any(
        name.startswith(TRAIT_KEY)
        and value == "required"
        and name.removeprefix(TRAIT_KEY) not in demand.required_traits
        for name, value in metadata.items()
    )
