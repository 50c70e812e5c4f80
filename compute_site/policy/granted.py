"""Reads which rules a user holds in a project: two statements, guardian's rows."""

from __future__ import annotations

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q
from guardian.models import GroupObjectPermission, UserObjectPermission

from compute_site.identity.models import Project


def granted_rules(user_id: str, project_id: str) -> frozenset[str]:
    """Codenames of the rules granted on the project, to the user or to one of the user's groups."""
    content_type = ContentType.objects.get_for_model(Project)
    by_group = GroupObjectPermission.objects.filter(
        group__user=user_id, object_pk=project_id, content_type=content_type
    ).values_list("permission__codename", flat=True)
    by_user = UserObjectPermission.objects.filter(
        user=user_id, object_pk=project_id, content_type=content_type
    ).values_list("permission__codename", flat=True)
    return frozenset(by_group.union(by_user))


def global_rules(group_ids: list[int]) -> frozenset[str]:
    """Codenames of the rules that the groups hold in every project."""
    content_type = ContentType.objects.get_for_model(Project)
    return frozenset(
        Permission.objects.filter(Q(group__in=group_ids), content_type=content_type).values_list(
            "codename", flat=True
        )
    )
