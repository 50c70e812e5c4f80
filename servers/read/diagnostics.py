"""How a server is doing on its host."""

from __future__ import annotations

import dataclasses

from django.utils import timezone

from servers.drivers.choose import NodeUnknown, driver_name_at
from servers.errors import WrongState
from servers.models import BlockDevice, Instance, PowerState

POWER_WORDS = {
    PowerState.NO_STATE: "pending",
    PowerState.RUNNING: "running",
    PowerState.PAUSED: "paused",
    PowerState.SHUT_DOWN: "shutdown",
    PowerState.CRASHED: "crashed",
    PowerState.SUSPENDED: "suspended",
}
WORDS_OF_DRIVERS = {"fake": "libvirt"}
"""Nova: its fake hosts give the word of real ones, since clients know a few words only."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostics:
    """``memory_mb`` MiB, ``uptime`` seconds; what a host does not measure is absent."""

    state: str
    driver: str
    uptime: int
    config_drive: bool
    cpus: int
    macs: tuple[str, ...]
    disks: int
    memory_mb: int


def read_diagnostics(instance: Instance) -> Diagnostics:
    """What is known of the server on its host.

    Raises:
        WrongState: it is on no host.
    """
    if instance.host is None:
        raise WrongState(f"The server {instance.uuid} is on no host yet.")
    up_since = instance.launched_at or timezone.now()
    return Diagnostics(
        state=POWER_WORDS[PowerState(instance.power_state)],
        driver=_driver_word(instance),
        uptime=int((timezone.now() - up_since).total_seconds()),
        config_drive=bool(instance.config_drive),
        cpus=instance.vcpus,
        macs=tuple(nic["mac"] for nic in instance.network_info),
        disks=BlockDevice.objects.filter(instance=instance).count(),
        memory_mb=instance.memory_mb,
    )


def _driver_word(instance: Instance) -> str:
    try:
        name = driver_name_at(instance.node)
    except NodeUnknown:
        return ""
    return WORDS_OF_DRIVERS.get(name, name)
