"""Ends all guests of a host, so that the agent can start them again: before the machine or the site
is shut down (``agent halt``), and where the site was not heard for too long.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from servers.agent.failures import GuestFailed
from servers.agent.hypervisor.protocol import Hypervisor, Power
from servers.agent.kept_running import KeptRunning
from servers.agent.network.protocol import Wires

logger = logging.getLogger(__name__)

AT_ONCE = 16
ON = (Power.RUNNING, Power.PAUSED)


def halt(folder: Path, hypervisor: Hypervisor, wires: Wires, *, seconds: int) -> frozenset[str]:
    """End all guests, the networks that they had on this host, and what the agent has started for
    them. Returns the guests that ran; the next life of the agent starts them again.
    """
    kept = KeptRunning(folder)
    states = hypervisor.power_states()
    running = running_of(states)
    kept.note(running | (kept.guests if kept.ended else frozenset()), ended=True)
    end_guests(hypervisor, [one for one, power in states.items() if power in ON], seconds=seconds)
    wires.clear()
    hypervisor.close()
    return running


def running_of(states: dict[str, Power]) -> frozenset[str]:
    return frozenset(one for one, power in states.items() if power == Power.RUNNING)


def end_guests(hypervisor: Hypervisor, guests: Collection[str], *, seconds: int) -> None:
    """Each may take so long to shut down; then it is switched off."""

    def end(server_id: str) -> None:
        try:
            hypervisor.change_power(server_id, "stop", timeout=seconds)
        except GuestFailed as error:
            logger.warning("guest %s: %s", server_id, error)

    with ThreadPoolExecutor(AT_ONCE, "end") as pool:
        list(pool.map(end, guests))
