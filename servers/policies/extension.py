"""The rule of ``/extensions``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

EXTENSIONS = rule(
    "os_compute_api:extensions",
    Role.READER,
    "List the parts of the API.",
    ("GET /extensions", "GET /extensions/{alias}"),
)
