"""Rules of ``/os-console-auth-tokens``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

SHOW = rule(
    "os_compute_api:os-console-auth-tokens",
    Role.ADMIN,
    "See which console a token is for.",
    ("GET /os-console-auth-tokens/{console_token}",),
)
