"""File systems of a guest that stand still while its disks are saved, by the QEMU guest agent."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping
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
"""In the folder of a guest whose file systems stand still: until when, in seconds since 1970, and
for whom.
"""
LONGEST_SECONDS = 60
"""How long they stand still at most for a copy that has been made already."""


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
    try:
        freeze(domain, folder, LONGEST_SECONDS, "this host")
    except GuestFailed as error:
        if must_stand_still(guest):
            raise
        logger.warning("guest %s is saved as it is: %s", folder.path.name, error)
        yield
        return
    try:
        yield
    finally:
        _thaw(domain)
        folder.file(FROZEN).unlink(missing_ok=True)


def freeze(domain: Any, folder: Folder, seconds: float, whom: str) -> None:
    """Until ``thaw``, or for so long; should this agent die now, its next life knows.

    Raises:
        GuestFailed: they do not stand still, or do so for somebody else.
    """
    until, other = _mark_of(folder)
    if other != whom and time.time() < until:
        raise GuestFailed("the file systems of the guest stand still for another image", "frozen")
    thaw_left(domain, folder)
    folder.file(FROZEN).write_text(f"{time.time() + seconds} {whom}", encoding="utf-8")
    try:
        _freeze(domain)
    except GuestFailed:
        thaw_left(domain, folder)  # it may have frozen some
        raise


def thaw(domain: Any, folder: Folder, whom: str) -> bool:
    """Let them go on, unless they stand still for somebody else. Have they stood still until now?
    A guest that has come here while it stood still has no mark.
    """
    mark, count = folder.file(FROZEN), 0
    _, other = _mark_of(folder)
    if other not in ("", whom):
        return False
    with contextlib.suppress(GuestFailed):  # the guest has begun anew, or its agent has ended
        count = _thaw(domain)
    mark.unlink(missing_ok=True)
    return other == whom and count > 0


def thaw_overdue(find: Callable[[], Any], folder: Folder) -> None:
    """Let go on what stands still for longer than it was to; ``find`` finds the domain."""
    until, whom = _mark_of(folder)
    if whom and time.time() > until:
        logger.warning("guest %s stands still for too long, and goes on", folder.path.name)
        thaw_left(find(), folder)


def thaw_left(domain: Any, folder: Folder) -> None:
    """Let go on what was left frozen, if anything was."""
    mark = folder.file(FROZEN)
    if mark.exists():
        with contextlib.suppress(GuestFailed):  # nothing was frozen, or nobody answers
            _thaw(domain)
        mark.unlink(missing_ok=True)


def _mark_of(folder: Folder) -> tuple[float, str]:
    """Until when, and for whom; nobody: they do not stand still."""
    try:
        until, _, whom = folder.file(FROZEN).read_text(encoding="utf-8").partition(" ")
    except FileNotFoundError:
        return 0.0, ""
    return float(until or 0), whom or "an agent before"


def _freeze(domain: Any) -> None:
    with said("the file systems of the guest do not stand still"):
        domain.agentSetResponseTimeout(ANSWER_SECONDS)
        domain.fsFreeze()


def _thaw(domain: Any) -> int:
    """How many went on."""
    with said("the file systems of the guest still stand still"):
        return int(domain.fsThaw() or 0)
