"""What is asked for by a client that wants a token."""

from __future__ import annotations

import dataclasses
from typing import Literal

DOMAIN_ID = "default"
DOMAIN_NAME = "Default"
METHODS = frozenset(("application_credential", "password", "token"))


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
