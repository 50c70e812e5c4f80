"""Security groups and their rules, asked of the network service."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from compute_site.caller import Caller
from compute_site.neighbours import network_service
from compute_site.neighbours.calls import around
from compute_site.neighbours.network.groups import GroupRule, GroupTaken, NewGroupRule, RuledGroup
from compute_site.values.words import is_uuid
from servers.proxies.errors import (
    GroupKept,
    GroupRefused,
    NoGroupId,
    NoSuchGroup,
    NoSuchGroupRule,
    UnusableGroupRule,
)

ANYWHERE = "0.0.0.0/0"
ANY_TYPE = -1
"""Nova: the type or code of ICMP that means all of them."""
PORTS = range(1, 65536)
TYPES = range(ANY_TYPE, 256)
LIMITS = {"TCP": PORTS, "UDP": PORTS, "ICMP": TYPES}
"""What the two numbers of a rule may be; there are no other protocols."""


@dataclasses.dataclass(frozen=True, slots=True)
class GroupOrder:
    """How a security group shall be called and described."""

    name: str
    description: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RuleOrder:
    """A rule as it was asked for; nothing but the ids is checked."""

    parent_group_id: str
    group_id: str | None = None
    ip_protocol: Any = None
    from_port: Any = None
    to_port: Any = None
    cidr: Any = None


def list_groups(caller: Caller, *, every_project: bool) -> Sequence[RuledGroup]:
    """Those of the project, or of all for who sees all."""
    every_project = every_project and caller.is_admin
    return network_service().list_groups(caller, every_project=every_project)


def find_group(caller: Caller, group_id: str) -> RuledGroup:
    """A security group that the caller sees.

    Raises:
        NoGroupId: the id is no UUID.
        NoSuchGroup: there is none.
    """
    _check_id(group_id)
    found = network_service().list_groups(caller, [group_id])
    if not found:
        raise NoSuchGroup(f"There is no security group {group_id}.")
    return found[0]


def create_group(caller: Caller, order: GroupOrder) -> RuledGroup:
    """Raises ``GroupRefused`` for the name ``default``."""
    try:
        with around(network_service().create_group):
            made = network_service().create_group(caller, order.name, order.description)
    except GroupTaken as error:
        raise GroupRefused(error.detail) from None
    return find_group(caller, made)


def change_group(caller: Caller, group_id: str, order: GroupOrder) -> RuledGroup:
    """Raises as ``find_group``, and ``GroupKept`` where ``default`` would be renamed."""
    find_group(caller, group_id)
    try:
        with around(network_service().change_group):
            network_service().change_group(caller, group_id, order.name, order.description)
    except GroupTaken as error:
        raise GroupKept(error.detail) from None
    return find_group(caller, group_id)


def delete_group(caller: Caller, group_id: str) -> None:
    """Raises as ``find_group``, and ``GroupKept`` where the group is in use."""
    find_group(caller, group_id)
    try:
        with around(network_service().delete_group):
            network_service().delete_group(caller, group_id)
    except GroupTaken as error:
        raise GroupKept(error.detail) from None


def create_rule(caller: Caller, order: RuleOrder) -> GroupRule:
    """Make a rule for packets that come in.

    Raises:
        NoSuchGroup: the group, or the one that it lets in, does not exist.
        UnusableGroupRule: the parts do not fit together, or the group has the same rule of a range.
        GroupRefused: the group has the same rule of a group.
    """
    find_group(caller, order.parent_group_id)
    if order.group_id is not None:
        find_group(caller, order.group_id)
    new = plan_rule(order)
    try:
        with around(network_service().create_group_rule):
            made = network_service().create_group_rule(caller, new)
    except GroupTaken as error:
        # Nova: it looks for the same rule itself, but only among those of ranges
        refused = UnusableGroupRule if new.prefix is not None else GroupRefused
        raise refused(error.detail) from None
    return find_rule(caller, made)


def find_rule(caller: Caller, rule_id: str) -> GroupRule:
    """A rule that the caller sees; raises ``NoGroupId`` and ``NoSuchGroupRule``."""
    _check_id(rule_id)
    found = network_service().find_group_rule(caller, rule_id)
    if found is None:
        raise NoSuchGroupRule(f"There is no security group rule {rule_id}.")
    return found


def delete_rule(caller: Caller, rule_id: str) -> None:
    """Raises as ``find_rule``."""
    found = find_rule(caller, rule_id)
    with around(network_service().delete_group_rule):
        network_service().delete_group_rule(caller, found.id)


def plan_rule(order: RuleOrder) -> NewGroupRule:
    """The rule that is meant. Of a range, protocol and both numbers must be said; of a group, what
    is left out is open.

    Raises:
        UnusableGroupRule: the parts do not fit together.
    """
    prefix = None if order.group_id is not None else _read_range(order.cidr)
    protocol = None if order.ip_protocol in (None, "") else str(order.ip_protocol)
    low, high = order.from_port, order.to_port
    if prefix is None and low is None and high is None and protocol is not None:
        low, high = _all_of(protocol)
    if protocol is None or low is None or high is None:
        if prefix is not None:
            raise UnusableGroupRule("Give ip_protocol, from_port and to_port.")
        protocol = low = high = None
    else:
        low, high = _read_numbers(protocol, low, high)
    return NewGroupRule(
        group_id=order.parent_group_id,
        protocol=None if protocol is None else protocol.lower(),
        port_min=None if low == ANY_TYPE else low,
        port_max=None if high == ANY_TYPE else high,
        prefix=prefix,
        remote_group_id=order.group_id,
    )


def _all_of(protocol: str) -> tuple[int | None, int | None]:
    """What is let in of a group where no numbers are said."""
    if protocol.upper() == "ICMP":
        return ANY_TYPE, ANY_TYPE
    return (PORTS[0], PORTS[-1]) if protocol.upper() in LIMITS else (None, None)


def _read_numbers(protocol: str, low: Any, high: Any) -> tuple[int, int]:
    try:
        first, last = int(low), int(high)
    except (TypeError, ValueError, OverflowError):
        raise UnusableGroupRule("from_port and to_port are whole numbers.") from None
    limits = LIMITS.get(protocol.upper())
    if limits is None:
        known = ", ".join(LIMITS).lower()
        raise UnusableGroupRule(f"ip_protocol is one of {known}, not {protocol[:60]}.")
    if first not in limits or last not in limits or (limits is PORTS and first > last):
        raise UnusableGroupRule(
            f"from_port and to_port go from {limits[0]} to {limits[-1]} for {protocol}, the "
            "smaller one first."
        )
    return first, last


def _read_range(cidr: Any) -> str:
    if not cidr:
        return ANYWHERE
    text = unquote(cidr) if isinstance(cidr, str) else ""
    try:
        found = ipaddress.ip_interface(text)
    except ValueError:
        found = None
    if found is None or "/" not in text:
        raise UnusableGroupRule(f"cidr is a range such as 10.0.0.0/24, not {str(cidr)[:60]}.")
    if found.network.prefixlen == 0 and int(found.ip) != 0:
        raise UnusableGroupRule(f"{found} has bits beyond its prefix of 0.")
    return found.with_prefixlen


def _check_id(word: str) -> None:
    if not is_uuid(word):
        raise NoGroupId(f"{word[:80]} is no UUID.")
