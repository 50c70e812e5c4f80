"""The password that a guest hands in, encrypted with the server's key."""

from __future__ import annotations

from compute_site.faults import Conflict
from servers.lifecycle.system_metadata import SystemMetadata, change_system_metadata, without
from servers.models import Instance

CHUNKS = tuple(f"password_{number}" for number in range(4))
"""Keys of the system metadata under which the parts of the password are kept, in order."""

CHUNK_LETTERS = 255


class PasswordThere(Conflict):
    """The guest has handed a password in before."""

    code = "password_there"


def hand_password_in(instance: Instance, password: str) -> None:
    """Keep what the guest says, in parts.

    Raises:
        PasswordThere: there is one, which a user has to delete first.
    """
    parts = {
        chunk: password[place * CHUNK_LETTERS : (place + 1) * CHUNK_LETTERS]
        for place, chunk in enumerate(CHUNKS)
    }

    def add(kept: SystemMetadata) -> SystemMetadata:
        if any(kept.get(chunk) for chunk in CHUNKS):
            raise PasswordThere("The guest has handed in a password before.")
        return {**kept, **parts}

    change_system_metadata(instance, add)


def read_password(instance: Instance) -> str:
    """The encrypted password; empty where the guest has handed in none."""
    return "".join(str(instance.system_metadata.get(chunk) or "") for chunk in CHUNKS)


def forget_password(instance: Instance) -> None:
    """Forget it; the guest keeps its password."""
    change_system_metadata(instance, lambda kept: without(kept, *CHUNKS))
