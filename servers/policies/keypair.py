"""Rules of ``/os-keypairs``.

Nova: everybody has these rights on the own key pairs, and admins on everyone's; so a grant on a
project is about the caller's own, and only one for the whole cloud reaches other users'.
"""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

INDEX = "os_compute_api:os-keypairs:index"
SHOW = "os_compute_api:os-keypairs:show"
CREATE = "os_compute_api:os-keypairs:create"
DELETE = "os_compute_api:os-keypairs:delete"

declare(
    Rule(INDEX, Role.READER, "List one's key pairs.", ("GET /os-keypairs",)),
    Rule(SHOW, Role.READER, "Show one of one's key pairs.", ("GET /os-keypairs/{name}",)),
    Rule(CREATE, Role.READER, "Import or make a key pair.", ("POST /os-keypairs",)),
    Rule(DELETE, Role.READER, "Delete one of one's key pairs.", ("DELETE /os-keypairs/{name}",)),
)
