"""Rules of ``/os-keypairs``.

Nova: everybody has these rights on the own key pairs, and admins on everyone's; so a grant on a
project is about the caller's own, and only one for the whole cloud reaches other users'.
"""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

INDEX = rule(
    "os_compute_api:os-keypairs:index", Role.READER, "List one's key pairs.", ("GET /os-keypairs",)
)
SHOW = rule(
    "os_compute_api:os-keypairs:show",
    Role.READER,
    "Show one of one's key pairs.",
    ("GET /os-keypairs/{name}",),
)
CREATE = rule(
    "os_compute_api:os-keypairs:create",
    Role.READER,
    "Import or make a key pair.",
    ("POST /os-keypairs",),
)
DELETE = rule(
    "os_compute_api:os-keypairs:delete",
    Role.READER,
    "Delete one of one's key pairs.",
    ("DELETE /os-keypairs/{name}",),
)
