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
METHODS = frozenset(("application_credential", "oauth1", "password", "token"))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AuthRequest:
    """The proof of identity (user and password, token, application credential, or the signature of
    the request itself) and what the token shall be for.

    ``scope``: a project, a domain, the system, nothing, or the default project because nothing was
    named.
    """

    methods: tuple[str, ...]
    user_name: str | None = None
    user_id: str | None = None
    user_domain: DomainRef = DEFAULT_DOMAIN
    password: str | None = None
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
