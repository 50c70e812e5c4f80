"""How the identity API shows tokens, projects and users (Keystone's v3 format)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from compute_site.identity.assignments import Assignment
from compute_site.identity.auth_request import DOMAIN_ID, DOMAIN_NAME
from compute_site.identity.catalog import catalog, stable_id
from compute_site.identity.models import ApplicationCredential, Project, Role, User
from compute_site.identity.tokens import ValidToken

DOMAIN = {"id": DOMAIN_ID, "name": DOMAIN_NAME}


def show_token(valid: ValidToken, *, root: str, with_catalog: bool = True) -> dict[str, Any]:
    """The body of a token; a token without a project has no project, roles and catalogue."""
    token, scope = valid.token, valid.scope
    shown: dict[str, Any] = {
        "methods": token.methods,
        "user": {
            "id": scope.user_id,
            "name": scope.user_name,
            "domain": DOMAIN,
            "password_expires_at": None,
        },
        "audit_ids": [token.audit_id],
        "issued_at": show_time(token.issued_at),
        "expires_at": show_time(token.expires_at),
    }
    if token.project_id is not None:
        shown |= {
            "project": {"id": scope.project_id, "name": scope.project_name, "domain": DOMAIN},
            "is_domain": False,
            "roles": show_roles(scope.all_roles),
        }
        if with_catalog:
            shown["catalog"] = catalog(root)
    if token.credential is not None:
        shown["application_credential"] = {
            "id": token.credential.id,
            "name": token.credential.name,
            "restricted": not token.credential.unrestricted,
        }
    return {"token": shown}


def show_project(project: Project, *, root: str) -> dict[str, Any]:
    return {
        **project.extra,
        "id": project.id,
        "name": project.name,
        "description": project.description,
        "enabled": project.enabled,
        "domain_id": DOMAIN_ID,
        "parent_id": DOMAIN_ID,
        "is_domain": False,
        "tags": [],
        "options": {},
        "links": {"self": f"{root}/identity/v3/projects/{project.id}"},
    }


def show_user(user: User, *, root: str) -> dict[str, Any]:
    shown = {
        **user.extra,
        "id": user.id,
        "name": user.username,
        "enabled": user.is_active,
        "domain_id": DOMAIN_ID,
        "password_expires_at": None,
        "options": {},
        "links": {"self": f"{root}/identity/v3/users/{user.id}"},
    }
    if user.email:
        shown["email"] = user.email
    if user.default_project_id:
        shown["default_project_id"] = user.default_project_id
    return shown


def show_credential(
    credential: ApplicationCredential, *, root: str, secret: str | None = None
) -> dict[str, Any]:
    """``secret`` is shown once, when the credential is made."""
    own = f"{root}/identity/v3/users/{credential.user_id}/application_credentials"
    shown: dict[str, Any] = {
        "id": credential.id,
        "name": credential.name,
        "description": credential.description,
        "user_id": credential.user_id,
        "project_id": credential.project_id,
        "roles": show_roles(frozenset(role.value for role in Role(credential.role).implied)),
        "expires_at": show_time(credential.expires_at) if credential.expires_at else None,
        "unrestricted": credential.unrestricted,
        "links": {"self": f"{own}/{credential.id}"},
    }
    return shown | ({"secret": secret} if secret is not None else {})


def show_role(role: Role, *, root: str) -> dict[str, Any]:
    role_id = stable_id("role", role.value)
    return {
        "id": role_id,
        "name": role.value,
        "domain_id": None,
        "description": None,
        "options": {},
        "links": {"self": f"{root}/identity/v3/roles/{role_id}"},
    }


def show_assignment(found: Assignment, *, root: str, names: bool) -> dict[str, Any]:
    role_id = stable_id("role", found.role.value)
    role: dict[str, Any] = {"id": role_id}
    user: dict[str, Any] = {"id": found.user_id}
    project: dict[str, Any] = {"id": found.project_id}
    if names:
        role["name"] = found.role.value
        user |= {"name": found.user_name, "domain": DOMAIN}
        project |= {"name": found.project_name, "domain": DOMAIN}
    where = f"{root}/identity/v3/projects/{found.project_id}/users/{found.user_id}/roles"
    return {
        "role": role,
        "user": user,
        "scope": {"project": project},
        "links": {"assignment": f"{where}/{role_id}"},
    }


def show_domain(*, root: str) -> dict[str, Any]:
    """The only domain."""
    return DOMAIN | {
        "description": "",
        "enabled": True,
        "tags": [],
        "options": {},
        "links": {"self": f"{root}/identity/v3/domains/{DOMAIN_ID}"},
    }


def show_roles(names: frozenset[str]) -> list[dict[str, str]]:
    return [
        {"id": stable_id("role", role.value), "name": role.value}
        for role in Role
        if role.value in names
    ]


def show_list(key: str, items: Sequence[Any], *, url: str, more: bool = False) -> dict[str, Any]:
    """A list; ``more``: it was cut."""
    links = {"self": url, "previous": None, "next": None}
    return {key: items, "links": links} | ({"truncated": True} if more else {})


def show_time(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
