"""Decides which objects of the services a caller sees, and what it may do with them."""

from __future__ import annotations

from typing import ClassVar, Self, TypeVar

from django.db import models

from compute_site.caller import Caller
from compute_site.identity.models import Project

Thing = TypeVar("Thing", bound=models.Model)
NOBODY = ""
"""Stands for the owner of what has none: only rules that hold in every project count there."""


class OwnedQuerySet(models.QuerySet[Thing]):
    """Rows of projects; ``owner`` is the path to theirs."""

    owner: ClassVar[str] = "project"

    def visible_to(self, caller: Caller) -> Self:
        """The rows of the caller's project; an admin sees all."""
        return self if caller.is_admin else self.of_project(caller.project_id)

    def of_project(self, project_id: str) -> Self:
        return self.filter(**{self.owner: project_id})


def project_exists(project_id: str) -> bool:
    """Is there a project with this id, which may be any text?"""
    return "\0" not in project_id and Project.objects.filter(pk=project_id).exists()


def find_project_id(caller: Caller, word: str) -> str | None:
    """The id of the project that this is the id of, or else the name, in the domain of the
    caller's project. ``None``: there is none.
    """
    if "\0" in word:
        return None
    own = Project.objects.filter(pk=caller.project_id).values("domain")
    named = models.Q(name=word, domain__in=own)
    found = set(Project.objects.filter(models.Q(pk=word) | named).values_list("pk", flat=True))
    return word if word in found else next(iter(found), None)


def may_on(caller: Caller, rule: str, owner: str | None) -> bool:
    """Is the rule granted on an object of the project ``owner`` (``None``: of no project)?"""
    return caller.may(rule, project_id=owner or NOBODY)


def permit_on(caller: Caller, rule: str, owner: str | None) -> None:
    """Check that the rule is granted on an object of the project ``owner``.

    Raises:
        PolicyRefused: it is not; the text names the rule.
    """
    caller.permit(rule, project_id=owner or NOBODY)
