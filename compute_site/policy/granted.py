"""Reads which rules a user holds, in one statement over the rows of guardian and of Django.

This is plain SQL that returns one row of permission ids, because it runs in every request. Grants
are not cached, so that a change in the admin takes effect with the next request; only the mapping
of permission ids to rules, which never changes, is kept in memory.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q, Value
from guardian.models import GroupObjectPermission, UserObjectPermission

from compute_site.caller import Caller
from compute_site.db.prepared import array, prepared_cursor
from compute_site.identity.models import Domain, Project, Role, System
from compute_site.identity.scope import OF_TOKEN, Scope, scope_of
from compute_site.policy.rules import registry

HELD = """
       ARRAY(
         SELECT permission_id FROM guardian_groupobjectpermission
          WHERE group_id = ANY({groups})
            AND content_type_id = %(type)s AND object_pk = {project}
          UNION ALL
         SELECT permission_id FROM guardian_userobjectpermission
          WHERE user_id = {user}
            AND content_type_id = %(type)s AND object_pk = {project})::text,
       ARRAY(
         SELECT permission_id FROM auth_group_permissions
          WHERE group_id = ANY({groups})
          UNION ALL
         SELECT permission_id FROM identity_user_user_permissions
          WHERE user_id = {user})::text
"""
STATEMENT = "SELECT" + HELD.format(groups="%(groups)s", user="%(user)s", project="%(project)s")
OF_SEVERAL = f"""
SELECT {HELD.format(groups="asked.groups::int[]", user="asked.account", project="asked.project")}
  FROM unnest(%(users)s::text[], %(projects)s::text[], %(groups)s::text[])
       WITH ORDINALITY AS asked (account, project, groups, place)
 ORDER BY asked.place
"""  # noqa: S608 - put together from constants
# The groups that count and the user are those of ``restricted_to``: with an application credential
# or a trust only its roles that are held still, and nothing that the user holds personally.
LADDER = f"ARRAY[{', '.join(repr(role.value) for role in Role)}]"
KEY_HELD = "split_part(entry, ':', 2)"
RANK_HELD = f"array_position({LADDER}, {KEY_HELD})"
RANK_ASKED = f"array_position({LADDER}, scope.role::text)"
OF_TOKEN_WITH_RULES = f"""
WITH scope (account, username, password, is_superuser, signed_out_at, project, project_name, held,
            role, role_group, others, access_rules) AS MATERIALIZED ({OF_TOKEN}),
     own AS MATERIALIZED (
       SELECT ARRAY(SELECT CASE WHEN scope.role IS NULL OR {KEY_HELD} = ANY(scope.others)
                                THEN split_part(entry, ':', 1)::int
                                WHEN {RANK_HELD} >= {RANK_ASKED} THEN scope.role_group END
                      FROM unnest(scope.held) AS entry) AS groups,
              CASE WHEN scope.role IS NULL THEN scope.account END AS account
         FROM scope)
SELECT scope.*, {HELD.format(groups="own.groups", user="own.account", project="scope.project")}
  FROM scope, own
"""  # noqa: S608 - put together from constants

# The same for a token of which another service says what it stands for: the roles are the token's.
OF_USER_WITH_RULES = f"""
WITH scope (account, username, password, is_superuser, signed_out_at, project, project_name, held)
       AS MATERIALIZED (
         SELECT account.id, account.username, '', false, account.signed_out_at, project.id,
                project.name,
                ARRAY(SELECT concat(entry.group_id, ':', entry.role)
                        FROM identity_projectrole entry
                       WHERE entry.project_id = project.id AND entry.role = ANY(%(roles)s::text[])
                       UNION ALL
                      SELECT concat(member.group_id, ':')
                        FROM identity_user_groups member
                        LEFT JOIN identity_projectrole entry ON entry.group_id = member.group_id
                       WHERE member.user_id = account.id AND entry.project_id IS NULL
                         AND %(personally)s)
           FROM identity_user account, identity_project project
          WHERE account.id = %(user)s AND account.is_active
            AND project.id = %(project)s AND project.enabled),
     own AS MATERIALIZED (
       SELECT ARRAY(SELECT split_part(entry, ':', 1)::int FROM unnest(scope.held) AS entry)
                AS groups,
              CASE WHEN %(personally)s THEN scope.account END AS account
         FROM scope)
SELECT scope.*, {HELD.format(groups="own.groups", user="own.account", project="scope.project")}
  FROM scope, own
"""  # noqa: S608 - put together from constants

NOTHING: frozenset[str] = frozenset()
ON_OBJECT = """
SELECT ARRAY(
         SELECT held.permission_id
           FROM guardian_groupobjectpermission held
           JOIN identity_user_groups member ON member.group_id = held.group_id
           LEFT JOIN identity_projectrole entry ON entry.group_id = held.group_id
          WHERE held.content_type_id = %(type)s AND held.object_pk = %(object)s
            AND member.user_id = %(user)s
            AND (entry.project_id = %(project)s OR entry.project_id IS NULL)
          UNION ALL
         SELECT permission_id FROM guardian_userobjectpermission
          WHERE user_id = %(user)s
            AND content_type_id = %(type)s AND object_pk = %(object)s)::text
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Granted:
    """Names of rules. ``everywhere`` are those that hold in every project."""

    in_project: frozenset[str]
    everywhere: frozenset[str]


def find_token_with_rules(digest: str) -> tuple[Scope, Granted] | None:
    """The user and project of a valid token, and what is granted there; ``None`` if there is no
    such token.
    """
    parameters = {"digest": digest, "type": ContentType.objects.get_for_model(Project).pk}
    with prepared_cursor() as cursor:
        cursor.execute(OF_TOKEN_WITH_RULES, parameters)
        row = cursor.fetchone()
    if row is None:
        return None
    *scope, in_project, everywhere = row
    return scope_of(tuple(scope)), Granted(rules_of(in_project), rules_everywhere(everywhere))


def find_with_rules(
    user_id: str, project_id: str, roles: Collection[str], *, by_credential: bool
) -> tuple[Scope, Granted] | None:
    """A user with these roles in a project, and what is granted there; ``None``: one of both is
    disabled, or has no row. With an application credential nothing counts but the roles.
    """
    parameters = {
        "user": user_id,
        "project": project_id,
        "roles": array(roles),
        "personally": not by_credential,
        "type": ContentType.objects.get_for_model(Project).pk,
    }
    with prepared_cursor() as cursor:
        cursor.execute(OF_USER_WITH_RULES, parameters)
        row = cursor.fetchone()
    if row is None:
        return None
    *found, in_project, everywhere = row
    scope = dataclasses.replace(scope_of(tuple(found)), by_credential=by_credential)
    return scope, Granted(rules_of(in_project), rules_everywhere(everywhere))


def find_granted(user_id: str | None, project_id: str, group_ids: Sequence[int]) -> Granted:
    """The rules held in the project by one of the groups, or by the user directly; without a
    user, only those of the groups.
    """
    parameters: dict[str, Any] = {
        "user": user_id,
        "project": project_id,
        "groups": array(group_ids),
        "type": ContentType.objects.get_for_model(Project).pk,
    }
    with prepared_cursor() as cursor:
        cursor.execute(STATEMENT, parameters)
        in_project, everywhere = cursor.fetchone()
    return Granted(rules_of(in_project), rules_everywhere(everywhere))


def find_granted_on(place: Domain | System, scope: Scope) -> frozenset[str]:
    """The rules that the user of such a scope (``in_wide_scope``) holds in a domain, or on the
    system, by roles there or personally.
    """
    parameters: dict[str, Any] = {
        "user": scope.user_id,
        "project": place.pk,
        "groups": array(scope.group_ids),
        "type": ContentType.objects.get_for_model(type(place)).pk,
    }
    with prepared_cursor() as cursor:
        cursor.execute(STATEMENT, parameters)
        return rules_of(cursor.fetchone()[0])


def find_granted_of(asked: Sequence[tuple[str, str, Sequence[int]]]) -> list[Granted]:
    """``find_granted`` for several users (ids), projects and groups; one statement."""
    parameters: dict[str, Any] = {
        "users": array(user for user, _, _ in asked),
        "projects": array(project for _, project, _ in asked),
        "groups": array(array(groups) for _, _, groups in asked),
        "type": ContentType.objects.get_for_model(Project).pk,
    }
    with prepared_cursor() as cursor:
        cursor.execute(OF_SEVERAL, parameters)
        rows = cursor.fetchall()
    return [Granted(rules_of(own), rules_everywhere(everywhere)) for own, everywhere in rows]


def rules_on(caller: Caller, model: type[Model], key: object) -> frozenset[str]:
    """The rules that the caller holds on one object, such as a server, directly or by a group.

    Needed when the caller asks by id for an object outside the caller's project.
    """
    if caller.by_credential:
        return NOTHING
    parameters: dict[str, Any] = {
        "user": caller.user_id,
        "project": caller.project_id,
        "object": str(key),
        "type": ContentType.objects.get_for_model(model).pk,
    }
    with prepared_cursor() as cursor:
        cursor.execute(ON_OBJECT, parameters)
        return rules_of(cursor.fetchone()[0])


def rules_on_object(user_id: str, thing: Model) -> frozenset[str]:
    """The rules that a user holds on one object, by a role in the object's project or personally;
    in which project the user is logged in does not matter.
    """
    groups = Group.objects.filter(user=user_id).filter(
        Q(project_role__isnull=True) | Q(project_role__project__enabled=True)
    )
    about = {
        "content_type": ContentType.objects.get_for_model(type(thing)),
        "object_pk": str(thing.pk),
    }
    by_group = GroupObjectPermission.objects.filter(**about, group__in=groups)
    by_user = UserObjectPermission.objects.filter(**about, user=user_id)
    names = by_group.values_list("permission__codename").union(
        by_user.values_list("permission__codename")
    )
    return frozenset(name for (name,) in names) & every_rule()


def roles_that_hold(project: Project) -> dict[str, set[Role]]:
    """For each rule, the roles whose groups hold it in the project at present."""
    held: dict[str, set[Role]] = {}
    content_type = ContentType.objects.get_for_model(Project)
    on_project = GroupObjectPermission.objects.filter(
        content_type=content_type, object_pk=project.pk, group__project_role__project=project
    ).values_list("permission__codename", "group__project_role__role")
    everywhere = Permission.objects.filter(
        content_type=content_type, group__project_role__project=project
    ).values_list("codename", "group__project_role__role")
    for name, role in (*on_project, *everywhere):
        if role in Role.values:
            held.setdefault(name, set()).add(Role(role))
    return held


def guarded_types() -> list[ContentType]:
    """The kinds of objects that rules are granted on: projects, domains, the system, and single
    servers.
    """
    models = (Project, Domain, System, apps.get_model("servers", "Instance"))
    return [ContentType.objects.get_for_model(model) for model in models]


def every_rule() -> frozenset[str]:
    """The names of all declared rules."""
    return frozenset(rule.name for rule in registry)


@lru_cache(maxsize=512)
def rules_of(ids: str) -> frozenset[str]:
    """The rules that a list of permission ids stands for, such as ``{17,4}``.

    Cached, because the same few lists come in every request.
    """
    return frozenset(_names[key] for key in _known(ids) if _names[key] in registry)


@lru_cache(maxsize=512)
def rules_everywhere(ids: str) -> frozenset[str]:
    """The same of permissions that are held on no object: those of projects count in all of them,
    those of domains, the system and servers nowhere.
    """
    return frozenset(
        _names[key] for key in _known(ids) if key in _of_projects and _names[key] in registry
    )


def _known(ids: str) -> list[int]:
    """The ids, once their names are known. An unknown one is a permission that was made after this
    process started.
    """
    wanted = [int(part) for part in ids[1:-1].split(",") if part]
    if not _names.keys() >= set(wanted):
        of_rules = Q(content_type__in=guarded_types())
        _names.update(Permission.objects.exclude(of_rules).values_list("id", Value("")))
        _names.update(Permission.objects.filter(of_rules).values_list("id", "codename"))
        of_projects = Q(content_type=ContentType.objects.get_for_model(Project))
        _of_projects.update(Permission.objects.filter(of_projects).values_list("id", flat=True))
    return [key for key in wanted if key in _names]


_names: dict[int, str] = {}
"""Permission id → codename, of all permissions. Django's own rights in the admin site have none
here: some are called as a rule is, such as ``add_image``, and give nobody that rule.
"""
_of_projects: set[int] = set()


def forget() -> None:
    """Clear the caches: after a migrate or flush, an id may stand for another permission."""
    _names.clear()
    _of_projects.clear()
    rules_of.cache_clear()
    rules_everywhere.cache_clear()
