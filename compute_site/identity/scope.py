"""Reads who a user is and which roles the user holds in a project, in one statement.

Plain SQL, because this runs in every request and compiling the query would cost more than running
it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from compute_site.db.prepared import array, prepared_cursor
from compute_site.identity.auth_request import DEFAULT_DOMAIN, DomainRef
from compute_site.identity.models import Role
from compute_site.identity.seed import SERVICE_ROLE


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
    """The rights are those of an application credential or a trust, not all that the user has."""
    others: tuple[str, ...] = ()
    """The keys of other roles that are held (``NamedRole.key``)."""
    access_rules: tuple[Mapping[str, str], ...] | None = None
    """The kinds of requests that the token is limited to; ``None``: no limit."""
    factor_rules: tuple[tuple[str, ...], ...] = ()
    """The methods of which the user needs all of one line for a token; read with users alone."""

    @property
    def all_roles(self) -> frozenset[str]:
        """The names of the roles and of those that they imply; of the others, those that rules
        know.
        """
        return (IMPLIED_NAMES[max(self.roles, key=ORDER.index)] if self.roles else frozenset()) | (
            KNOWN_OTHERS.intersection(self.others)
        )

    @property
    def holds_any(self) -> bool:
        return bool(self.roles or self.others)

    def restricted_to(self, role: Role | None, *, others: Collection[str]) -> Scope:
        """The same user with an application credential or by a trust: with these roles only, and of
        them with those that are held still.
        """
        held = role is not None and any(role in own.implied for own in self.roles)
        return dataclasses.replace(
            self,
            roles=(role,) if held and role is not None else (),
            group_ids=(),
            by_credential=True,
            others=tuple(other for other in self.others if other in others),
        )


ORDER = list(Role)
LADDER = frozenset(role.value for role in Role)
KNOWN_OTHERS = frozenset((SERVICE_ROLE,))
IMPLIED_NAMES = {role: frozenset(entry.value for entry in role.implied) for role in Role}

COLUMNS = """
SELECT account.id, account.username, account.password, account.is_superuser, account.signed_out_at,
       project.id, project.name,
       ARRAY(SELECT concat(member.group_id, ':', entry.role)
               FROM identity_user_groups member
               LEFT JOIN identity_projectrole entry ON entry.group_id = member.group_id
              WHERE member.user_id = {holder}
                AND (entry.project_id = project.id OR entry.project_id IS NULL))
"""
OF_ACCOUNT = COLUMNS.format(holder="account.id")
# What a trust gives are roles of another user than the account, or of the account itself.
OF_TOKEN = (
    COLUMNS.format(holder="COALESCE(token.holder, account.id)")  # noqa: S608 - of constants
    + """,
       token.role,
       (SELECT entry.group_id FROM identity_projectrole entry
         WHERE entry.project_id = project.id AND entry.role = token.role),
       token.others,
       token.access_rules::text
  FROM identity_token token
  JOIN identity_user account ON account.id = token.user_id AND account.is_active
  LEFT JOIN identity_project project ON project.id = token.project_id AND project.enabled
 WHERE token.digest = %(digest)s AND token.expires_at > statement_timestamp()
"""
)
OF_USER = (
    OF_ACCOUNT
    + """,
       CASE WHEN account.options->>'multi_factor_auth_enabled' IS DISTINCT FROM 'false'
            THEN account.options->>'multi_factor_auth_rules' END
  FROM identity_user account
  JOIN identity_domain home ON home.id = account.domain_id AND home.enabled
  LEFT JOIN (identity_project project
             JOIN identity_domain place ON place.id = project.domain_id AND place.enabled)
    ON project.enabled AND {project}
 WHERE account.is_active AND {user}
"""
)
OF_USERS = (
    OF_ACCOUNT
    + """
  FROM unnest(%s::text[], %s::text[]) AS wanted (account, project)
  JOIN identity_user account ON account.id = wanted.account AND account.is_active
  LEFT JOIN (identity_project project
             JOIN identity_domain place ON place.id = project.domain_id AND place.enabled)
    ON project.enabled AND project.id = wanted.project
"""
)
WANTED_USER = {
    "id": "account.id = %(user)s",
    "name": "account.username = %(user)s AND home.id = %(user_domain)s",
    "name in a named domain": "account.username = %(user)s AND home.name = %(user_domain)s",
}
WANTED_PROJECT = {
    "default": "project.id = account.default_project_id",
    "id": "project.id = %(project)s",
    "name": "project.name = %(project)s AND place.id = %(project_domain)s",
    "name in a named domain": "project.name = %(project)s AND place.name = %(project_domain)s",
}
STATEMENTS = {
    (user, project): OF_USER.format(user=of_user, project=of_project)
    for user, of_user in WANTED_USER.items()
    for project, of_project in WANTED_PROJECT.items()
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
    domain: DomainRef = DEFAULT_DOMAIN,
    project_name: str | None = None,
    project_id: str | None = None,
    project_domain: DomainRef = DEFAULT_DOMAIN,
) -> Scope | None:
    """An active user by id, or by name and domain, in the named project, or in the default one when
    none is named.
    """
    how = _named(user_id, domain)
    wanted = "default"
    if project_id is not None or project_name is not None:
        wanted = _named(project_id, project_domain)
    return _read(
        STATEMENTS[how, wanted],
        {
            "user": name if user_id is None else user_id,
            "user_domain": domain.id if domain.id is not None else domain.name,
            "project": project_name if project_id is None else project_id,
            "project_domain": (
                project_domain.id if project_domain.id is not None else project_domain.name
            ),
        },
    )


def _named(given_id: str | None, domain: DomainRef) -> str:
    if given_id is not None:
        return "id"
    return "name" if domain.id is not None else "name in a named domain"


def find_by_users(pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], Scope]:
    """Active users by id, each in a project, by these ids; one statement."""
    users, projects = array(user for user, _ in pairs), array(project for _, project in pairs)
    with prepared_cursor() as cursor:
        cursor.execute(OF_USERS, [users, projects])
        scopes = [scope_of(row) for row in cursor.fetchall()]
    return {(str(scope.user_id), scope.project_id): scope for scope in scopes if scope.project_id}


def _read(statement: str, parameters: dict[str, str | None]) -> Scope | None:
    if any("\0" in value for value in parameters.values() if value is not None):
        return None  # a text that PostgreSQL cannot store, such as one with NUL
    with prepared_cursor() as cursor:
        cursor.execute(statement, parameters)
        row = cursor.fetchone()
    if row is None:
        return None
    rules = tuple(map(tuple, json.loads(row[8] or "[]")))
    return dataclasses.replace(scope_of(row[:8]), factor_rules=rules)


def scope_of(row: tuple[Any, ...]) -> Scope:
    """The scope of a row of these columns."""
    pairs = [text.split(":") for text in row[7]]
    roles = tuple(Role(role) for _, role in pairs if role in LADDER)
    groups = tuple(int(group) for group, _ in pairs)
    others = tuple(role for _, role in pairs if role and role not in LADDER)
    values: list[Any] = [*row[:7], roles, groups, False, others]
    scope = Scope(*values)
    if len(row) > 8 and row[8] is not None:
        return _restricted(scope, pairs, row[8:12])
    return scope


def _restricted(scope: Scope, pairs: Collection[Sequence[str]], limits: tuple[Any, ...]) -> Scope:
    """The scope with some roles alone, and the groups of those that are held."""
    role, role_group, others, access_rules = limits
    found = scope.restricted_to(Role(role) if role else None, others=others)
    groups = [int(group) for group, key in pairs if key in found.others]
    if found.roles and role_group is not None:
        groups.append(role_group)
    allowed = None if access_rules is None else tuple(json.loads(access_rules))
    return dataclasses.replace(found, group_ids=tuple(groups), access_rules=allowed)
