"""What the agent needs of what runs guests."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol


class Power(enum.IntEnum):
    """Power states by the numbers of the Compute API."""

    NO_STATE = 0
    RUNNING = 1
    PAUSED = 3
    SHUT_DOWN = 4
    CRASHED = 6
    SUSPENDED = 7


class GuestFailed(Exception):
    """It could not be done; the text tells the user why, ``code`` tells programs."""

    def __init__(self, text: str, code: str = "failed") -> None:
        super().__init__(text)
        self.code = code


class NoGuest(GuestFailed):
    """There is no such guest."""

    def __init__(self, server_id: str) -> None:
        super().__init__(f"this host has no guest {server_id}", "no_guest")


class Hypervisor(Protocol):
    """Every call makes it so: what is as it shall be stays so, since calls are repeated after a
    crash. All but ``missing``, ``stock`` and ``power_states`` raise ``GuestFailed``.
    """

    def missing(self) -> list[str]:
        """What this machine lacks to run guests, in words."""
        ...

    def stock(self) -> dict[str, Any]:
        """What it has for guests, as the API of hosts wants to hear it."""
        ...

    def spawn(self, guest: Mapping[str, Any], image: Path) -> None:
        """Make a guest with a disk made of the image, and start it. Remains of an older one have
        been destroyed before.
        """
        ...

    def destroy(self, server_id: str) -> None:
        """End the guest and all that it has; none is fine."""
        ...

    def change_power(self, server_id: str, change: str) -> None:
        """``start``, ``stop``, ``reboot``, ``reset``, ``pause``, ``unpause``, ``suspend`` or
        ``resume``.
        """
        ...

    def attach_nic(self, server_id: str, nic: Mapping[str, Any]) -> None: ...

    def detach_nic(self, server_id: str, port_id: str) -> None:
        """One that it does not have is fine."""
        ...

    def read_console(self, server_id: str) -> str: ...

    def power_states(self) -> dict[str, Power]:
        """The guests that there are."""
        ...
