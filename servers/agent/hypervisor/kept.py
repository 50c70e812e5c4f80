"""What a host keeps of a guest in its files: all that it was told but secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from servers.agent.hypervisor.connections import without_passwords

SECRETS = ("admin_password", "files")


def without_secrets(guest: Mapping[str, Any]) -> dict[str, Any]:
    told = without_passwords(guest)
    return {key: value for key, value in told.items() if key not in SECRETS}
