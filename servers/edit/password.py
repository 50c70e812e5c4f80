"""The password that a guest has handed in, encrypted with the server's key."""

from __future__ import annotations

from servers.lifecycle.system_metadata import change_system_metadata, without
from servers.models import Instance

CHUNKS = tuple(f"password_{number}" for number in range(4))
"""Keys of the system metadata under which the parts of the password are kept, in order."""


def read_password(instance: Instance) -> str:
    """The encrypted password; empty where the guest has handed in none."""
    return "".join(str(instance.system_metadata.get(chunk) or "") for chunk in CHUNKS)


def forget_password(instance: Instance) -> None:
    """Forget it; the guest keeps its password."""
    change_system_metadata(instance, lambda kept: without(kept, *CHUNKS))
