"""Ends what depends on roles that are not held any more."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q

from compute_site.identity.models import ApplicationCredential, ProjectRole, Role, Token, Trust


def end_lost_roles(user_ids: Iterable[str]) -> None:
    """Delete what depends on roles that the users do not hold any more, so that it does not come
    back when the role is given again: the tokens for a project in which no role is left, and, as in
    Keystone, the application credentials for the lost role. Call it after all changes of groups: a
    user who is moved to a larger role leaves one group before joining the other.
    """
    held = ProjectRole.objects.filter(project=OuterRef("project"), group__user=OuterRef("user"))
    tokens = Token.objects.filter(project__isnull=False)
    tokens.filter(~Exists(held), user__in=user_ids, trust=None).delete()
    by_trust = ProjectRole.objects.filter(
        project=OuterRef("project"), group__user=OuterRef("trust__holder")
    )
    trusts = Trust.objects.filter(holder__in=user_ids)
    tokens.filter(~Exists(by_trust), trust__in=trusts).delete()
    lost = Q()
    for role in Role:
        enough = [other for other in Role if role in other.implied]
        lost |= Q(~Exists(held.filter(role__in=enough)), role=role)
    ApplicationCredential.objects.filter(lost, user__in=user_ids).delete()
