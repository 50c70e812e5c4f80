"""What compute asks of a network service for clients that reach security groups through compute."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from typing import Protocol

from compute_site.caller import Caller
from compute_site.faults import Conflict, Forbidden
from compute_site.neighbours.calls import joins_or_precedes


class GroupQuotaReached(Forbidden):
    """The project has reached its limit of security groups or of their rules."""

    code = "group_quota_reached"


class GroupTaken(Conflict):
    """Something is in the way: ports in the group, the same rule, or the name ``default``."""

    code = "group_taken"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RemoteGroup:
    """A group whose ports a rule lets in."""

    id: str
    name: str
    project_id: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GroupRule:
    """A rule for packets that come in. For ICMP the ports are type and code."""

    id: str
    group_id: str
    protocol: str | None
    port_min: int | None
    port_max: int | None
    prefix: str | None
    remote_group: RemoteGroup | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RuledGroup:
    """A security group with its rules for what comes in."""

    id: str
    name: str
    description: str
    project_id: str
    rules: tuple[GroupRule, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewGroupRule:
    """A rule to be made for packets that come in, from a range or from a group."""

    group_id: str
    protocol: str | None
    port_min: int | None
    port_max: int | None
    prefix: str | None
    remote_group_id: str | None


class GroupService(Protocol):
    """A part of ``NetworkService``, and bound by what is said there."""

    def list_groups(
        self,
        caller: Caller,
        ids: Collection[str] | None = None,
        *,
        every_project: bool = False,
    ) -> Sequence[RuledGroup]:
        """The security groups of the caller's project, or those of these ids that the caller sees.
        Rules that let in a group that the caller does not see are left out. ``every_project``: of
        all projects, for who sees them.
        """
        ...

    def find_group_rule(self, caller: Caller, rule_id: str) -> GroupRule | None:
        """A rule that the caller sees."""
        ...

    @joins_or_precedes
    def create_group(self, caller: Caller, name: str, description: str) -> str:
        """Make a security group of the caller's project; return its id.

        Raises:
            GroupTaken: it would be named ``default``.
            GroupQuotaReached: the project has too many.
        """
        ...

    @joins_or_precedes
    def change_group(self, caller: Caller, group_id: str, name: str, description: str) -> None:
        """Raises ``GroupTaken`` where the name ``default`` would be given or taken away."""
        ...

    @joins_or_precedes
    def delete_group(self, caller: Caller, group_id: str) -> None:
        """Raises ``GroupTaken`` where ports are in the group, or it is ``default``."""
        ...

    @joins_or_precedes
    def create_group_rule(self, caller: Caller, rule: NewGroupRule) -> str:
        """Make the rule; return its id.

        Raises:
            BadRequest: its parts do not fit together.
            GroupTaken: the group has the same rule.
            GroupQuotaReached: the project has too many rules.
        """
        ...

    @joins_or_precedes
    def delete_group_rule(self, caller: Caller, rule_id: str) -> None:
        """Take the rule away; ignore one that the caller does not see."""
        ...
