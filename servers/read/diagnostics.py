"""How a server is doing on its host."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from servers.drivers.choose import NodeUnknown, driver_name_at, driver_of
from servers.drivers.protocol import DriverFailed
from servers.errors import WrongState
from servers.models import BlockDevice, Instance, PowerState

logger = logging.getLogger(__name__)

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
    measured: Mapping[str, Any]
    """What the host itself tells, by the keys of answers from 2.48 on."""


def read_diagnostics(instance: Instance) -> Diagnostics:
    """What is known of the server on its host.

    Raises:
        WrongState: it is on no host.
    """
    if instance.host is None:
        raise WrongState(f"The server {instance.uuid} runs on no host.")
    up_since = instance.launched_at or timezone.now()
    name, measured = _ask_host(instance)
    return Diagnostics(
        state=POWER_WORDS[PowerState(instance.power_state)],
        driver=WORDS_OF_DRIVERS.get(name, name),
        uptime=int((timezone.now() - up_since).total_seconds()),
        config_drive=bool(instance.config_drive),
        cpus=instance.vcpus,
        macs=tuple(nic["mac"] for nic in instance.network_info),
        disks=BlockDevice.objects.filter(instance=instance).count(),
        memory_mb=instance.memory_mb,
        measured=measured,
    )


def _ask_host(instance: Instance) -> tuple[str, Mapping[str, Any]]:
    """The name of the driver, and what the host measures; nothing where it does not say."""
    try:
        name = driver_name_at(instance.node)
    except NodeUnknown:
        return "", {}
    try:
        return name, driver_of(name).diagnose(str(instance.uuid), str(instance.node))
    except DriverFailed as error:
        logger.info("server %s: its host tells nothing of it: %s", instance.uuid, error.detail)
        return name, {}
