"""What runs guests on this host."""

from __future__ import annotations

from pathlib import Path

from servers.agent.hypervisor.pretend import Pretend
from servers.agent.hypervisor.protocol import Hypervisor
from servers.agent.network.protocol import Wires
from servers.agent.settings import Settings

NAMES = ("pretend",)


def hypervisor_of(settings: Settings, wires: Wires) -> Hypervisor:  # noqa: ARG001 - files have no NICs
    """The one that the host joined with; its guests have their NICs by ``wires``."""
    return Pretend(Path(settings.state_dir), delay=settings.pretend_delay)
