"""Chooses what runs guests on this host. Only this module loads all of it."""

from __future__ import annotations

from pathlib import Path

from servers.agent.hypervisor.libvirt.driver import Libvirt
from servers.agent.hypervisor.pretend import Pretend
from servers.agent.hypervisor.protocol import Hypervisor
from servers.agent.network.protocol import Wires
from servers.agent.settings import Settings

NAMES = ("libvirt", "pretend")


def hypervisor_of(settings: Settings, wires: Wires) -> Hypervisor:
    """The one that the host joined with; its guests have their NICs by ``wires``."""
    if settings.hypervisor == "libvirt":
        return Libvirt(settings, wires)
    return Pretend(Path(settings.state_dir), delay=settings.pretend_delay)
