"""Carries no packets: for hypervisors that run nothing, and hosts whose guests have no networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from servers.agent.network.protocol import NetworkFailed, Plugged


class NoWires:
    def missing(self) -> list[str]:
        return []

    def facts(self) -> dict[str, Any]:
        return {}

    def plug(self, server_id: str, nic: Mapping[str, Any]) -> Plugged:
        raise NetworkFailed('this host carries no networks ("network" of its agent.json is "none")')

    def unplug(self, server_id: str, port_id: str) -> None:
        """Nothing is plugged."""

    def unplug_all(self, server_id: str) -> None:
        """Nothing is plugged."""

    def resume(self) -> None:
        """There is nothing to make."""

    def update(self, network_id: str) -> None:
        """No guest would notice."""

    def refresh(self) -> None:
        """There is nothing to ask about."""

    def clear(self) -> None:
        """There is nothing to remove."""

    def stop(self) -> None:
        """Nothing goes on."""
