"""Reads the body of ``POST /v3/auth/tokens`` into a frozen request."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from compute_site.identity.errors import MalformedRequest, NoRole, UnknownMethod

DOMAIN_ID = "default"
DOMAIN_NAME = "Default"
METHODS = {"application_credential", "password", "token"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AuthRequest:
    """The proof of identity (user and password, token, or application credential) and the wanted
    project.

    ``scope``: a project, no project at all, or the default one because none was named.
    """

    methods: tuple[str, ...]
    user_name: str | None = None
    user_id: str | None = None
    domain_exists: bool = True
    password: str | None = None
    token: str | None = None
    credential_id: str | None = None
    credential_name: str | None = None
    secret: str | None = None
    scope: Literal["project", "none", "default"] = "default"
    project_id: str | None = None
    project_name: str | None = None


def read_auth_request(body: Any) -> AuthRequest:
    """Check the form of the body.

    Raises:
        MalformedRequest: something is missing or of the wrong type; the text names it.
        UnknownMethod: a method that is not offered.
        NoRole: a scope that nobody can have here, such as a domain.
    """
    auth = _member(body, "auth", "auth")
    identity = _member(auth, "identity", "auth.identity")
    methods = identity.get("methods")
    if not isinstance(methods, list) or not methods or not all(_is_text(m) for m in methods):
        raise MalformedRequest("auth.identity.methods: give a list of methods.")
    unknown = [method for method in methods if method not in METHODS]
    if unknown:
        raise UnknownMethod(
            f"The method {unknown[0]!r} is not offered; use {' or '.join(sorted(METHODS))}."
        )
    members: dict[str, Any] = {}
    if "password" in methods:
        members |= _read_password(identity)
    if "token" in methods:
        token = _member(identity, "token", "auth.identity.token")
        members["token"] = _text(token, "id", "auth.identity.token.id")
    if "application_credential" in methods:
        members |= _read_credential(identity)
    return AuthRequest(methods=tuple(methods), **members, **_read_scope(auth))


def _read_password(identity: dict[str, Any]) -> dict[str, Any]:
    where = "auth.identity.password.user"
    user = _member(_member(identity, "password", "auth.identity.password"), "user", where)
    return {"password": _text(user, "password", f"{where}.password"), **_read_user(user, where)}


def _read_credential(identity: dict[str, Any]) -> dict[str, Any]:
    """By its id, or by its name and its user."""
    where = "auth.identity.application_credential"
    given = _member(identity, "application_credential", where)
    members: dict[str, Any] = {"secret": _text(given, "secret", f"{where}.secret")}
    if "id" in given:
        return members | {"credential_id": _text(given, "id", f"{where}.id")}
    user = _member(given, "user", f"{where}.user")
    return {
        **members,
        "credential_name": _text(given, "name", f"{where}.name"),
        **_read_user(user, f"{where}.user"),
    }


def _read_user(user: dict[str, Any], where: str) -> dict[str, Any]:
    if "id" in user:
        return {"user_id": _text(user, "id", f"{where}.id")}
    return {
        "user_name": _text(user, "name", f"{where}.name"),
        "domain_exists": _is_our_domain(user, where),
    }


def _read_scope(auth: dict[str, Any]) -> dict[str, Any]:
    scope = auth.get("scope")
    if scope is None:
        return {"scope": "default"}
    if scope == "unscoped" or (isinstance(scope, dict) and "unscoped" in scope):
        return {"scope": "none"}
    if not isinstance(scope, dict):
        raise MalformedRequest("auth.scope: give an object with a project.")
    if "project" not in scope:
        raise NoRole("auth.scope: only a project can be the scope of a token here.")
    project = _member(scope, "project", "auth.scope.project")
    if "id" in project:
        return {
            "scope": "project",
            "project_id": _text(project, "id", "auth.scope.project.id"),
        }
    name = _text(project, "name", "auth.scope.project.name")
    if not _is_our_domain(project, "auth.scope.project"):
        raise NoRole("auth.scope.project.domain: there is no such domain.")
    return {"scope": "project", "project_name": name}


def _is_our_domain(owner: dict[str, Any], where: str) -> bool:
    """There is only one domain: a request that names none means this one."""
    if owner.get("domain") is None:
        return True
    domain = _member(owner, "domain", f"{where}.domain")
    if "id" in domain:
        return _text(domain, "id", f"{where}.domain.id") == DOMAIN_ID
    return _text(domain, "name", f"{where}.domain.name").lower() == DOMAIN_NAME.lower()


def _member(owner: Any, key: str, where: str) -> dict[str, Any]:
    value = owner.get(key) if isinstance(owner, dict) else None
    if not isinstance(value, dict):
        raise MalformedRequest(f"{where}: give an object.")
    return value


def _text(owner: dict[str, Any], key: str, where: str) -> str:
    value = owner.get(key)
    if not _is_text(value):
        raise MalformedRequest(f"{where}: give a text.")
    return str(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
