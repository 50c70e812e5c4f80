"""What connects guests to their networks, as hypervisors need it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

from servers.agent.failures import GuestFailed

TAP_LETTERS = 11
"""Of the port's id: names of network devices have 15 characters at most."""


class NetworkFailed(GuestFailed):
    """A network could not be made on this host; the text says why."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "network_failed")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plugged:
    """Where a NIC goes: whoever runs the guest makes a tap of this name on the bridge, with the
    MAC of the NIC, and with this MTU.
    """

    bridge: str
    tap: str
    mtu: int


class Wires(Protocol):
    """Every call makes it so, and may be repeated; several threads call at once. All but
    ``missing`` raise ``NetworkFailed``.
    """

    def missing(self) -> list[str]:
        """What this machine lacks to carry packets of guests, in words."""
        ...

    def facts(self) -> dict[str, Any]:
        """What other hosts must know: ``tunnel_address``, and whether there is an ``uplink``."""
        ...

    def plug(self, server_id: str, nic: Mapping[str, Any]) -> Plugged:
        """Get everything ready for a NIC, by the keys of the site's ``Wiring``, before its tap is
        made: the network on this host if it is the first there, and filters. A NIC that is plugged
        already is changed to what is told now.
        """
        ...

    def unplug(self, server_id: str, port_id: str) -> None:
        """After its tap is gone: forget the NIC, and remove the network if it was the last there.
        One that is not plugged is fine.
        """
        ...

    def unplug_all(self, server_id: str) -> None:
        """As ``unplug``, for all NICs of a guest, and forget what it is told of itself."""
        ...

    def resume(self) -> None:
        """Make everything again that was plugged, when the agent or the machine starts, before
        guests start. What is as it shall be is not touched.
        """
        ...

    def update(self, network_id: str) -> None:
        """Something about the network has changed, the site says: ask it, and make it so."""
        ...

    def refresh(self) -> None:
        """Ask the site about all networks that are here, in case that a change was missed."""
        ...

    def clear(self) -> None:
        """No guest runs: remove all from the machine; what is plugged is kept for ``resume``."""
        ...

    def stop(self) -> None:
        """The agent ends. Packets go on; what the agent itself answers to guests does not."""
        ...


def tap_of(port_id: str) -> str:
    return f"tap{port_id[:TAP_LETTERS]}"
