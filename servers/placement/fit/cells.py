"""Does one cell of a guest fit on one cell of a host?"""

from __future__ import annotations

from servers.hardware.numa import NumaCell
from servers.placement.fit.guest import NoFit, PlacedCell
from servers.placement.fit.pages import PINNED_POLICIES, check_memory_limit, choose_pages
from servers.placement.fit.pinning import Pinning, pin_cpus
from servers.placement.fit.topology import HostCell, HostLimits

NOT_PINNED = Pinning(cpus={})


def fit_cell(
    host: HostCell, guest: NumaCell, *, limits: HostLimits, emulator: bool = False
) -> PlacedCell:
    """``emulator``: a dedicated CPU for the emulator's threads as well.

    Raises:
        NoFit: it does not fit.
    """
    page_size = choose_pages(host, guest)
    shares = guest.cpu_policy != "dedicated"
    if shares:
        _check_shared_cpus(host, guest, limits)
        check_memory_limit(host, guest, limits)
    pinned = guest.cpu_policy in PINNED_POLICIES
    pinning = pin_cpus(host, guest, emulator=emulator) if pinned else NOT_PINNED
    return PlacedCell(
        id=guest.id,
        host_cell=host.id,
        cpus=guest.cpus,
        pinning=pinning.cpus,
        emulator_cpus=pinning.emulator_cpus,
        idle_cpus=pinning.idle_cpus,
        cpu_policy=guest.cpu_policy,
        thread_policy=guest.thread_policy,
        memory_mb=guest.memory_mb,
        page_size=page_size if guest.page_size else None,
        counted_page_size=page_size,
    )


def _check_shared_cpus(host: HostCell, guest: NumaCell, limits: HostLimits) -> None:
    """However many guests share the CPUs, no guest has more of them than there are."""
    needed, there = len(guest.cpus), len(host.shared_cpus)
    if needed > there:
        raise NoFit(f"shared CPUs needed: {needed}, there: {there}")
    used = host.shared_cpus_used + needed
    limit = there * limits.cpu_allocation_ratio
    if used > limit:
        raise NoFit(f"CPUs that would share: {used}, limit: {limit:.10g}")
