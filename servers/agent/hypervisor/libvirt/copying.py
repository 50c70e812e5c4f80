"""Copies disks of guests that go on writing."""

from __future__ import annotations

import contextlib
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

from servers.agent.failures import GuestFailed
from servers.agent.hypervisor.libvirt import library
from servers.agent.hypervisor.libvirt.machines import wait_for

COPY_SECONDS = 3600


@contextlib.contextmanager
def copied(domain: Any, name: str, target: ET.Element) -> Iterator[None]:
    """The disk is copied to what is there already, and is kept the same until the copying is ended
    in the block. It is given up where something fails.
    """
    flags = (
        library.lib.VIR_DOMAIN_BLOCK_COPY_REUSE_EXT
        | library.lib.VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB
    )
    domain.blockCopy(name, ET.tostring(target, encoding="unicode"), flags=flags)
    try:
        _wait_for(domain, name)
        yield
    except BaseException:
        with contextlib.suppress(library.lib.libvirtError):  # it has ended
            domain.blockJobAbort(name)
        raise


def _wait_for(domain: Any, name: str) -> None:
    if not wait_for(lambda: _is_copied(domain, name), COPY_SECONDS):
        raise GuestFailed("the copy of the disk was not ready in time", "too_slow")


def _is_copied(domain: Any, name: str) -> bool:
    known = domain.blockJobInfo(name)
    if not known:
        raise GuestFailed("the copy of the disk broke off", "copy_failed")
    return bool(known["end"] and known["cur"] == known["end"])
