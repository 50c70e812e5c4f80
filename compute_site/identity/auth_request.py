"""What is asked for by a client that wants a token."""

from __future__ import annotations

import dataclasses
from typing import Literal

from compute_site.identity.signed_requests import SignedRequest

DOMAIN_ID = "default"
DOMAIN_NAME = "Default"


@dataclasses.dataclass(frozen=True, slots=True)
class DomainRef:
    """A domain by its id, or else by its name."""

    id: str | None = None
    name: str | None = None


DEFAULT_DOMAIN = DomainRef(DOMAIN_ID)
METHODS = frozenset(("application_credential", "oauth1", "password", "token", "totp"))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AuthRequest:
    """The proofs of identity (user and password or passcode, token, application credential, or the
    signature of the request itself) and what the token shall be for.

    ``scope``: a project, a domain, the system, nothing, or the default project because nothing was
    named.
    """

    methods: tuple[str, ...]
    user_name: str | None = None
    user_id: str | None = None
    user_domain: DomainRef = DEFAULT_DOMAIN
    password: str | None = None
    passcode: str | None = None
    passcode_user_name: str | None = None
    passcode_user_id: str | None = None
    passcode_user_domain: DomainRef = DEFAULT_DOMAIN
    token: str | None = None
    credential_id: str | None = None
    credential_name: str | None = None
    secret: str | None = None
    signed: SignedRequest | None = None
    scope: Literal["project", "domain", "system", "trust", "none", "default"] = "default"
    project_id: str | None = None
    project_name: str | None = None
    project_domain: DomainRef = DEFAULT_DOMAIN
    domain: DomainRef = DEFAULT_DOMAIN
    trust_id: str | None = None
    receipt: str | None = None
    """Tells what was proven before."""
