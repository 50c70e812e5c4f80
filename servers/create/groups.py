"""The groups that a request names: security groups, server group."""

from __future__ import annotations

from collections.abc import Sequence

from compute_site.caller import Caller
from compute_site.neighbours import network_service
from compute_site.neighbours.network.protocol import SecurityGroupData
from compute_site.values.words import is_canonical
from servers.create.errors import (
    SecurityGroupAmbiguous,
    SecurityGroupNotFound,
    SecurityGroupsNotAlike,
    ServerGroupNotFound,
)
from servers.create.order import ServerOrder
from servers.models import ServerGroup

DEFAULT_GROUP = "default"


def find_security_groups(caller: Caller, order: ServerOrder) -> tuple[str, ...]:
    """The ids of the asked groups (docs/contract/create-flow.md C3); ``default`` stays a name: it
    is made where there is none, stateful.
    """
    asked = order.security_groups or (DEFAULT_GROUP,)
    if set(asked) == {DEFAULT_GROUP}:
        return asked
    found = network_service().find_security_groups(caller, asked)
    ids = {group.id for group in found}
    by_name: dict[str, list[str]] = {}
    for group in found:
        by_name.setdefault(group.name, []).append(group.id)
    chosen = tuple(
        name if name == DEFAULT_GROUP or name in ids else _one_group(name, by_name.get(name, []))
        for name in asked
    )
    if _makes_ports(order):
        _check_alike(chosen, found)
    return chosen


def find_server_group(caller: Caller, order: ServerOrder) -> ServerGroup | None:
    """The server group that the hint names by its UUID, in the project
    (docs/contract/create-flow.md F1).
    """
    asked = order.hints.get("group")
    if not asked:
        return None
    group = None
    if is_canonical(asked):
        group = ServerGroup.objects.visible_to(caller).filter(uuid=asked).first()
    if group is None:
        raise ServerGroupNotFound(
            f"There is no server group {asked} in this project.",
            field="os:scheduler_hints.group",
        )
    return group


def _makes_ports(order: ServerOrder) -> bool:
    """Ports that are there already keep their own groups."""
    if not isinstance(order.networks, tuple) or not order.networks:
        return order.networks != "none"
    return any(nic.port_id is None for nic in order.networks)


def _check_alike(chosen: Sequence[str], found: Sequence[SecurityGroupData]) -> None:
    """Neutron: the groups of a port are either all stateful or all stateless."""
    free = [group for group in found if not group.stateful]
    keys = {group.id for group in free} | ({DEFAULT_GROUP} & {group.name for group in free})
    stateless = [key for key in chosen if key in keys]
    if stateless and len(stateless) < len(chosen):
        raise SecurityGroupsNotAlike(
            f"Of the security groups {', '.join(stateless)} are stateless and others stateful; the "
            "groups of a port are of one kind.",
            field="server.security_groups",
        )


def _one_group(name: str, ids: list[str]) -> str:
    if not ids:
        raise SecurityGroupNotFound(
            f"There is no security group {name} in this project.", field="server.security_groups"
        )
    if len(ids) > 1:
        raise SecurityGroupAmbiguous(
            f"Several security groups are named {name}; give the id of one: {', '.join(ids)}.",
            field="server.security_groups",
        )
    return ids[0]
