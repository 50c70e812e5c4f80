"""File systems of a guest that stand still while its disk is saved, by the QEMU guest agent."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from servers.agent.failures import GuestFailed
from servers.agent.hypervisor.libvirt.demands import demands_of, is_true
from servers.agent.hypervisor.libvirt.folders import Folder
from servers.agent.hypervisor.libvirt.library import said
from servers.agent.hypervisor.protocol import Unsupported

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 30
"""How long the agent in the guest may take for each answer; it waits for what is being written."""
FROZEN = "frozen"
"""In the folder of a guest whose file systems stand still."""


def has_agent(guest: Mapping[str, Any]) -> bool:
    """Does its image say that an agent is in it?"""
    return demands_of(guest).flag("qemu_guest_agent")


def must_stand_still(guest: Mapping[str, Any]) -> bool:
    return is_true((guest.get("properties") or {}).get("os_require_quiesce", ""))


def check_quiesce(guest: Mapping[str, Any]) -> None:
    """Raises ``Unsupported`` where the image asks for what it has no agent for."""
    if must_stand_still(guest) and not has_agent(guest):
        raise Unsupported(
            "the image has os_require_quiesce, and not hw_qemu_guest_agent, without which nobody "
            "can make its file systems stand still"
        )


@contextlib.contextmanager
def quiesced(domain: Any, folder: Folder, guest: Mapping[str, Any]) -> Iterator[None]:
    """Meanwhile the file systems of the guest stand still, where it has an agent. Nova: where the
    agent does not answer it goes on without, unless the image requires it.
    """
    if not has_agent(guest):
        yield
        return
    mark = folder.file(FROZEN)
    mark.touch()  # should this agent die now, its next life knows
    try:
        _freeze(domain)
    except GuestFailed as error:
        thaw_left(domain, folder)  # it may have frozen some
        if must_stand_still(guest):
            raise
        logger.warning("guest %s is saved as it is: %s", folder.path.name, error)
        yield
        return
    try:
        yield
    finally:
        _thaw(domain)
        mark.unlink(missing_ok=True)


def thaw_left(domain: Any, folder: Folder) -> None:
    """Let go on what was left frozen, if anything was."""
    mark = folder.file(FROZEN)
    if mark.exists():
        with contextlib.suppress(GuestFailed):  # nothing was frozen, or nobody answers
            _thaw(domain)
        mark.unlink(missing_ok=True)


def _freeze(domain: Any) -> None:
    with said("the file systems of the guest do not stand still"):
        domain.agentSetResponseTimeout(ANSWER_SECONDS)
        domain.fsFreeze()


def _thaw(domain: Any) -> None:
    with said("the file systems of the guest still stand still"):
        domain.fsThaw()
