"""What runs guests on this host."""

from __future__ import annotations

from pathlib import Path

from servers.agent.hypervisor.pretend import Pretend
from servers.agent.hypervisor.protocol import Hypervisor
from servers.agent.settings import Settings

NAMES = ("pretend",)


def hypervisor_of(settings: Settings) -> Hypervisor:
    """The one that the host joined with."""
    return Pretend(Path(settings.state_dir), delay=settings.pretend_delay)
