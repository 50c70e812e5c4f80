"""Reads which rules a user holds, in one statement over the rows of guardian and of Django.

Plain SQL that answers with one row: it runs in every request, and a box that an operator ticks in
the admin counts from the next request on.
"""

from __future__ import annotations

import dataclasses

from django.contrib.contenttypes.models import ContentType
from django.db import connection

from compute_site.identity.models import Project
from compute_site.policy.rules import registry

STATEMENT = """
WITH mine AS (
    SELECT member.group_id
      FROM identity_user_groups member
      LEFT JOIN identity_projectrole entry ON entry.group_id = member.group_id
     WHERE member.user_id = %(user)s
       AND (entry.project_id = %(project)s OR entry.project_id IS NULL)
), held (permission_id) AS (
    SELECT permission_id
      FROM guardian_groupobjectpermission
     WHERE group_id IN (SELECT group_id FROM mine)
       AND content_type_id = %(type)s AND object_pk = %(project)s
    UNION ALL
    SELECT permission_id
      FROM guardian_userobjectpermission
     WHERE user_id = %(user)s AND content_type_id = %(type)s AND object_pk = %(project)s
), held_everywhere (permission_id) AS (
    SELECT permission_id
      FROM auth_group_permissions
     WHERE group_id IN (SELECT group_id FROM mine)
    UNION ALL
    SELECT permission_id FROM identity_user_user_permissions WHERE user_id = %(user)s
)
SELECT (SELECT string_agg(rule.codename, ' ') FROM held
          JOIN auth_permission rule ON rule.id = permission_id),
       (SELECT string_agg(rule.codename, ' ') FROM held_everywhere
          JOIN auth_permission rule ON rule.id = permission_id
         WHERE rule.content_type_id = %(type)s)
"""
NONE: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True)
class Granted:
    """Names of rules. ``everywhere`` are those that hold in every project."""

    in_project: frozenset[str]
    everywhere: frozenset[str]


def find_granted(user_id: str, project_id: str) -> Granted:
    """The rules that the user holds in the project, directly or by a group.

    A group that stands for a role in another project counts for nothing here, so an admin of the
    cloud is one only where that role is held.
    """
    parameters = {
        "user": user_id,
        "project": project_id,
        "type": ContentType.objects.get_for_model(Project).pk,
    }
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT, parameters)
        in_project, everywhere = cursor.fetchone()
    return Granted(_names(in_project), _names(everywhere))


def every_rule() -> frozenset[str]:
    """The names of all declared rules."""
    return frozenset(rule.name for rule in registry)


def _names(text: str | None) -> frozenset[str]:
    return frozenset(text.split(" ")) if text else NONE
