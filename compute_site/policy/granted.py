"""Reads which rules a user holds, in one statement over the rows of guardian and of Django.

Plain SQL that answers with one row of permission ids: it runs in every request, and a box that an
operator ticks in the admin counts from the next request on. Only what never changes is kept in
memory: which rule a permission id stands for.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import lru_cache

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from compute_site.identity.models import Project
from compute_site.policy.rules import registry

STATEMENT = """
SELECT ARRAY(
         SELECT permission_id FROM guardian_groupobjectpermission
          WHERE group_id = ANY(%(groups)s)
            AND content_type_id = %(type)s AND object_pk = %(project)s
          UNION ALL
         SELECT permission_id FROM guardian_userobjectpermission
          WHERE user_id = %(user)s
            AND content_type_id = %(type)s AND object_pk = %(project)s)::text,
       ARRAY(
         SELECT permission_id FROM auth_group_permissions
          WHERE group_id = ANY(%(groups)s)
          UNION ALL
         SELECT permission_id FROM identity_user_user_permissions
          WHERE user_id = %(user)s)::text
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Granted:
    """Names of rules. ``everywhere`` are those that hold in every project."""

    in_project: frozenset[str]
    everywhere: frozenset[str]


def find_granted(user_id: str, project_id: str, group_ids: Sequence[int]) -> Granted:
    """The rules that the user holds in the project, directly or by one of the groups."""
    parameters = {
        "user": user_id,
        "project": project_id,
        "groups": list(group_ids),
        "type": ContentType.objects.get_for_model(Project).pk,
    }
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT, parameters)
        in_project, everywhere = cursor.fetchone()
    return Granted(rules_of(in_project), rules_of(everywhere))


def every_rule() -> frozenset[str]:
    """The names of all declared rules."""
    return frozenset(rule.name for rule in registry)


@lru_cache(maxsize=512)
def rules_of(ids: str) -> frozenset[str]:
    """The rules that a list of permission ids stands for, such as ``{17,4}``.

    The same few lists come in every request. An id that is not known yet was made after this
    process began.
    """
    wanted = [int(part) for part in ids[1:-1].split(",") if part]
    if not _rule_names.keys() >= set(wanted):
        content_type = ContentType.objects.get_for_model(Project)
        _rule_names.update(
            (permission_id, name if type_id == content_type.pk else None)
            for permission_id, name, type_id in Permission.objects.values_list(
                "id", "codename", "content_type_id"
            )
        )
    names = (_rule_names.get(permission_id) for permission_id in wanted)
    return frozenset(name for name in names if name is not None)


_rule_names: dict[int, str | None] = {}
"""Permission id → rule; ``None`` for a permission that is not a rule."""


def forget() -> None:
    """After a migrate or flush, ids may stand for something else."""
    _rule_names.clear()
    rules_of.cache_clear()
