"""Reads who a user is and which roles the user holds in a project, in one statement.

Plain SQL, because this runs in every request and compiling the query would cost more than running
it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection
from typing import Any

from compute_site.db.prepared import array, prepared_cursor
from compute_site.identity.models import Role


@dataclasses.dataclass(frozen=True, slots=True)
class Scope:
    """A user in a project. ``roles`` are the directly held ones; a user without any may not use the
    project.

    ``project_id`` is ``None`` where the wanted project does not exist or is disabled. ``group_ids``
    are the groups whose grants count here: all groups of the user except those of roles in other
    projects.
    """

    user_id: str
    user_name: str
    password_hash: str
    is_superuser: bool
    signed_out_at: dt.datetime | None
    project_id: str | None
    project_name: str | None
    roles: tuple[Role, ...]
    group_ids: tuple[int, ...]
    by_credential: bool = False
    """The rights are those of an application credential, not all that the user has."""

    @property
    def all_roles(self) -> frozenset[str]:
        """The names of the roles and of those that they imply."""
        return IMPLIED_NAMES[max(self.roles, key=ORDER.index)] if self.roles else frozenset()

    def restricted_to(self, role: Role, group_id: int | None = None) -> Scope:
        """The same user with an application credential: with its role only, or with no role if the
        user does not hold that role any more.
        """
        held = any(role in own.implied for own in self.roles)
        groups = (group_id,) if held and group_id is not None else ()
        roles = (role,) if held else ()
        return dataclasses.replace(self, roles=roles, group_ids=groups, by_credential=True)


ORDER = list(Role)
IMPLIED_NAMES = {role: frozenset(entry.value for entry in role.implied) for role in Role}

COLUMNS = """
SELECT account.id, account.username, account.password, account.is_superuser, account.signed_out_at,
       project.id, project.name,
       ARRAY(SELECT concat(member.group_id, ':', entry.role)
               FROM identity_user_groups member
               LEFT JOIN identity_projectrole entry ON entry.group_id = member.group_id
              WHERE member.user_id = account.id
                AND (entry.project_id = project.id OR entry.project_id IS NULL))
"""
OF_TOKEN = (
    COLUMNS  # noqa: S608 - put together from constants
    + """,
       credential.role,
       (SELECT entry.group_id FROM identity_projectrole entry
         WHERE entry.project_id = project.id AND entry.role = credential.role)
  FROM identity_token token
  JOIN identity_user account ON account.id = token.user_id AND account.is_active
  LEFT JOIN identity_project project ON project.id = token.project_id AND project.enabled
  LEFT JOIN identity_applicationcredential credential ON credential.id = token.credential_id
 WHERE token.digest = %(digest)s AND token.expires_at > statement_timestamp()
"""
)
OF_USER = (
    COLUMNS
    + """
  FROM identity_user account
  LEFT JOIN identity_project project ON project.enabled AND {project}
 WHERE account.is_active AND account.{user} = %s
"""
)
OF_USERS = (
    COLUMNS
    + """
  FROM unnest(%s::text[], %s::text[]) AS wanted (account, project)
  JOIN identity_user account ON account.id = wanted.account AND account.is_active
  LEFT JOIN identity_project project ON project.enabled AND project.id = wanted.project
"""
)
WANTED_PROJECT = {
    None: "project.id = account.default_project_id AND %s::text IS NULL",
    "id": "project.id = %s",
    "name": "project.name = %s",
}
STATEMENTS = {
    (user, project): OF_USER.format(user=user, project=condition)
    for user in ("id", "username")
    for project, condition in WANTED_PROJECT.items()
}


def find_by_token(digest: str) -> Scope | None:
    """The user and project of a valid token; ``None`` if there is no such token."""
    with prepared_cursor() as cursor:
        cursor.execute(OF_TOKEN, {"digest": digest})
        row = cursor.fetchone()
    return None if row is None else scope_of(row)


def find_by_user(
    *,
    name: str | None = None,
    user_id: str | None = None,
    project_name: str | None = None,
    project_id: str | None = None,
) -> Scope | None:
    """An active user by name or id, in the named project, or in the default one when none is
    named.
    """
    wanted = "id" if project_id is not None else "name" if project_name is not None else None
    statement = STATEMENTS["id" if user_id is not None else "username", wanted]
    return _read(
        statement,
        [project_id if wanted == "id" else project_name, name if user_id is None else user_id],
    )


def find_by_users(pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], Scope]:
    """Active users by id, each in a project, by these ids; one statement."""
    users, projects = array(user for user, _ in pairs), array(project for _, project in pairs)
    with prepared_cursor() as cursor:
        cursor.execute(OF_USERS, [users, projects])
        scopes = [scope_of(row) for row in cursor.fetchall()]
    return {(str(scope.user_id), scope.project_id): scope for scope in scopes if scope.project_id}


def _read(statement: str, parameters: list[str | None]) -> Scope | None:
    if any("\0" in value for value in parameters if value is not None):
        return None  # a text that PostgreSQL cannot store, such as one with NUL
    with prepared_cursor() as cursor:
        cursor.execute(statement, parameters)
        row = cursor.fetchone()
    return None if row is None else scope_of(row)


def scope_of(row: tuple[Any, ...]) -> Scope:
    """The scope of a row of these columns."""
    pairs = [text.split(":") for text in row[7]]
    roles = tuple(Role(role) for _, role in pairs if role)
    groups = tuple(int(group) for group, _ in pairs)
    values: list[Any] = [*row[:7], roles, groups]
    scope = Scope(*values)
    if len(row) > 8 and row[8] is not None:
        return scope.restricted_to(Role(row[8]), row[9])
    return scope
