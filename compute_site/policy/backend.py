"""Answers ``user.has_perm(rule, thing)`` as the API would answer the user's request.

guardian's own backend only looks up what is granted on one object. The API applies three more
rules: what a role holds everywhere (the cloud's admin) counts in every project; the group of a role
counts in its own project only; and a user without a role in a project may do nothing there.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q
from guardian.backends import ObjectPermissionBackend

from compute_site.identity.models import Domain, Project, System, User
from compute_site.identity.scope import find_by_user
from compute_site.identity.tokens import in_wide_scope
from compute_site.policy.granted import (
    Granted,
    every_rule,
    find_granted,
    find_granted_on,
    rules_on_object,
)
from compute_site.policy.rules import registry


class RuleBackend(ObjectPermissionBackend):
    """Answers for policy rules on projects, and on objects that belong to one, as the API does;
    leaves all other permissions to guardian.
    """

    def has_perm(self, user_obj: Any, perm: str, obj: Model | None = None) -> bool:
        rule = perm.partition(".")[2] if "." in perm else perm
        if rule not in registry or obj is None or not isinstance(user_obj, User):
            return bool(super().has_perm(user_obj, perm, obj))
        return rule in rules_held(user_obj, obj)


def rules_held(user: User, obj: Model) -> frozenset[str]:
    """The rules by which the API lets the user act on a project, or on what belongs to one, or on a
    domain or the system.
    """
    if isinstance(obj, (Domain, System)):
        return _on_place(user, obj)
    project_id = obj.pk if isinstance(obj, Project) else getattr(obj, "project_id", None)
    if not user.is_active or project_id is None:
        return frozenset()
    if user.is_superuser:
        return every_rule()
    own = frozenset() if isinstance(obj, Project) else rules_on_object(user.pk, obj)
    return rules_in(user, project_id) | own


def _on_place(user: User, place: Domain | System) -> frozenset[str]:
    """The rules by which a token for the domain, or the system, lets the user act there."""
    if user.is_superuser and user.is_active:
        return every_rule()
    scope = find_by_user(user_id=user.pk, project_id="")
    if scope is None:
        return frozenset()
    wide = in_wide_scope(scope, place.pk if isinstance(place, Domain) else None)
    return find_granted_on(place, wide) if wide.holds_any else frozenset()


def rules_in(user: User, project_id: str) -> frozenset[str]:
    """The rules by which the API lets the user act in the project: those held in it by a user with
    a role there, and those held everywhere through a role in any enabled project.
    """
    return _of_role(user, project_id).in_project | _everywhere(user)


def _of_role(user: User, project_id: str) -> Granted:
    scope = find_by_user(user_id=user.pk, project_id=project_id)
    if scope is None or scope.project_id is None or not scope.holds_any:
        return Granted(frozenset(), frozenset())
    return find_granted(user.pk, project_id, scope.group_ids)


def _everywhere(user: User) -> frozenset[str]:
    """The rules held in every project, through groups or personally; none for a user without a role
    in any enabled project.
    """
    enabled = Q(project_role__project__enabled=True)
    groups = user.groups.filter(enabled | Q(project_role__isnull=True))
    if not groups.filter(enabled).exists():
        return frozenset()
    held = Permission.objects.filter(
        Q(group__in=groups) | Q(user=user),
        content_type=ContentType.objects.get_for_model(Project),
    )
    return frozenset(held.values_list("codename", flat=True)) & every_rule()
