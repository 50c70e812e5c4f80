"""Prints every policy rule: its name, the role that holds it by default, what it decides on."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from compute_site.db.waiting_command import WaitingCommand
from compute_site.identity.models import Project, Role
from compute_site.policy.granted import roles_that_hold
from compute_site.policy.grants import find_default_roles
from compute_site.policy.rules import registry


class Command(WaitingCommand):
    help = "List the policy rules with their default roles, or with those that hold them now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--project",
            metavar="NAME",
            help="show which roles hold each rule in this project, instead of the defaults",
        )

    def handle(self, *args: Any, project: str | None, **options: Any) -> None:
        held = self._held_in(project) if project else _held_by_default()
        for rule in sorted(registry, key=lambda rule: rule.name):
            roles = ",".join(role for role in Role if role in held.get(rule.name, ())) or "nobody"
            self.stdout.write(f"{rule.name}  {roles}  {'; '.join(rule.operations)}".rstrip())

    def _held_in(self, name: str) -> dict[str, set[Role]]:
        project = Project.objects.filter(name=name).first()
        if project is None:
            raise CommandError(f"There is no project {name}.")
        return roles_that_hold(project)


def _held_by_default() -> dict[str, set[Role]]:
    """The smallest role of each rule; the roles above it hold the rule as well."""
    return {rule: {role} for rule, role in find_default_roles().items()}
