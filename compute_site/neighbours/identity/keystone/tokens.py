"""Asks Keystone what a token stands for."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from compute_site.identity.access_rules import MEMBERS, SUPPORT, SUPPORTED
from compute_site.identity.auth_request import DOMAIN_ID
from compute_site.identity.models import Role
from compute_site.identity.seed import SERVICE_ROLE
from compute_site.identity.tokens import digest_of
from compute_site.neighbours.elsewhere.faults import NotThere
from compute_site.neighbours.elsewhere.remote import RemoteService
from compute_site.neighbours.identity.keystone.memory import Memory
from compute_site.policy.identity_service import IdentityServiceUnavailable

KEYSTONE = RemoteService(
    "identity", "identity", "/v3", "identity_endpoint", IdentityServiceUnavailable
)
APPLICATION_CREDENTIAL = "application_credential"
LONGEST_TOKEN = 8192
"""Longer texts are no tokens; web servers refuse such headers."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A user or project, and its domain."""

    id: str
    name: str
    domain_id: str
    domain_name: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KnownToken:
    """What a token stands for; ``roles`` are those of this site, ``project`` is ``None`` where it
    is for a domain, the system or nothing.
    """

    user: Named
    project: Named | None
    roles: frozenset[str]
    by_credential: bool
    access_rules: tuple[Mapping[str, str], ...] | None = None
    """The kinds of requests that the token is limited to; ``None``: no limit."""
    expires_at: dt.datetime


known_tokens: Memory[KnownToken] = Memory()


def find_known(text: str) -> KnownToken | None:
    """What is remembered of the token."""
    return known_tokens.find(digest_of(text))


def ask_keystone(text: str, *, may_have_expired: bool = False) -> KnownToken | None:
    """What Keystone says that the token is; ``None``: not valid. ``may_have_expired``: for as long
    as Keystone's ``allow_expired_window`` says, which is two days.

    Raises:
        IdentityServiceUnavailable: it does not answer, or not in a form that we know.
    """
    if len(text) > LONGEST_TOKEN or not text.isascii() or not text.isprintable():
        return None  # no header could carry it
    try:
        asked = {"nocatalog": "1"} | ({"allow_expired": "1"} if may_have_expired else {})
        headers = {"X-Subject-Token": text, SUPPORT: SUPPORTED}
        answer = KEYSTONE.call("GET", "/auth/tokens", params=asked, headers=headers)
    except NotThere:
        return None
    known = KEYSTONE.read(answer, _read)
    return known if may_have_expired or known.expires_at > timezone.now() else None


def remember(text: str, known: KnownToken) -> None:
    """Keep it for as long as the option says, and no longer than it is valid."""
    options = settings.OPTIONS
    left = (known.expires_at - timezone.now()).total_seconds()
    known_tokens.keep(
        digest_of(text),
        known,
        seconds=min(left, options.token_cache_seconds),
        most=options.token_cache_size,
    )


def roles_here(names: Iterable[str]) -> frozenset[str]:
    """The roles of this site that these of Keystone stand for; the others mean nothing here."""
    known = {name: name for name in (*Role.values, SERVICE_ROLE)} | mapped_roles()
    return frozenset(known[name] for name in names if name in known)


def mapped_roles() -> dict[str, str]:
    """What the option says: the role of Keystone, and that of this site."""
    pairs = (pair.partition("=") for pair in settings.OPTIONS.identity_roles)
    return {name.strip(): role.strip() for name, _, role in pairs}


def _read(body: Any) -> KnownToken:
    token = body["token"]
    project = token.get("project")
    expires_at = parse_datetime(token["expires_at"])
    if expires_at is None:
        raise ValueError(token["expires_at"])
    return KnownToken(
        user=_named(token["user"]),
        project=None if project is None else _named(project),
        roles=roles_here(role["name"] for role in token.get("roles", ())),
        by_credential=APPLICATION_CREDENTIAL in token.get("methods", ()),
        access_rules=_rules(token.get(APPLICATION_CREDENTIAL) or {}),
        expires_at=expires_at,
    )


def _rules(credential: Mapping[str, Any]) -> tuple[Mapping[str, str], ...] | None:
    rules = credential.get("access_rules")
    if rules is None:
        return None
    return tuple({name: str(rule[name]) for name in MEMBERS} for rule in rules)


def _named(shown: Mapping[str, Any]) -> Named:
    domain = shown.get("domain") or {}
    return Named(
        id=str(shown["id"]),
        name=str(shown["name"]),
        domain_id=str(domain.get("id") or DOMAIN_ID),
        domain_name=str(domain.get("name") or domain.get("id") or DOMAIN_ID),
    )
