"""Policy rules: declared once by each app in its ``policies``, named as in OpenStack."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterator

from compute_site.identity.models import Role

NAME = re.compile(r"[A-Za-z0-9_:-]{1,100}")
"""It has to fit into the codename of a permission."""


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """One policy rule. ``role`` is the smallest role of a project that holds it by default.

    ``operations`` are the requests it guards, such as ``POST /servers``. ``on_instance`` marks a
    rule that can also be granted on one server. ``noun`` is the heading under which the admin lists
    it, where the rule's name does not give one.

    ``of_services``: the role ``service`` holds it, too, in every project. ``on_system`` and
    ``in_domain`` are the smallest roles on the system and in a domain that hold it by default; if
    not said, it can be granted to nobody there.
    """

    name: str
    role: Role
    description: str
    operations: tuple[str, ...] = ()
    on_instance: bool = False
    noun: str = ""
    of_services: bool = False
    on_system: Role | None = None
    in_domain: Role | None = None

    @property
    def label(self) -> str:
        """The name of its permission, as the admin lists it."""
        return f"{self.name} — {self.description}"[:255]


class UnknownRule(LookupError):
    """A rule was asked for that no app declares."""


class Registry:
    """All declared rules by name."""

    def __init__(self) -> None:
        self._rules: dict[str, Rule] = {}

    def declare(self, *rules: Rule) -> None:
        for rule in rules:
            if rule.name in self._rules:
                raise ValueError(f"the rule {rule.name} is declared twice")
            if not NAME.fullmatch(rule.name):
                raise ValueError(f"{rule.name!r} cannot be the name of a permission")
            self._rules[rule.name] = rule

    @property
    def names(self) -> Collection[str]:
        return self._rules.keys()

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules.values())

    def __contains__(self, name: object) -> bool:
        return name in self._rules

    def __getitem__(self, name: str) -> Rule:
        try:
            return self._rules[name]
        except KeyError:
            raise UnknownRule(name) from None


registry = Registry()


def rule(
    name: str,
    role: Role,
    description: str,
    operations: tuple[str, ...] = (),
    *,
    on_instance: bool = False,
    noun: str = "",
    of_services: bool = False,
    on_system: Role | None = None,
    in_domain: Role | None = None,
) -> str:
    """Declare a rule (see ``Rule``); return its name, by which the code asks for it.

    Raises:
        ValueError: the name is taken, or cannot be the codename of a permission.
    """
    registry.declare(
        Rule(
            *(name, role, description, operations, on_instance, noun),
            of_services=of_services,
            on_system=on_system,
            in_domain=in_domain,
        )
    )
    return name
