"""Takes the place of a guest on its host, and gives it back: the host afterwards."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from servers.hardware.values import format_cpu_list
from servers.placement.fit.guest import GuestPlacement, PlacedCell
from servers.placement.fit.pages import PINNED_POLICIES
from servers.placement.fit.pci_device import free_devices
from servers.placement.fit.topology import KB_OF_MB, HostCell, HostTopology, Pages


class CannotClaim(Exception):
    """The host is not as it was when the guest was fitted; fit it again."""


class NotHeld(Exception):
    """What is to be given back is not held: it was never claimed, or was given back before."""


def claim(host: HostTopology, placement: GuestPlacement, *, holder: str) -> HostTopology:
    """The host with the guest on it. Nothing that a guest has for itself is given twice; shared
    CPUs and shared memory are only counted, their limits are the fit's business.

    Raises:
        CannotClaim: a CPU, a page or a device is taken or gone.
    """
    _check_devices(host, placement)
    placed = _by_host_cell(host, placement, CannotClaim)
    wanted = frozenset(placement.addresses)
    return dataclasses.replace(
        host,
        cells=tuple(_claim_cells(cell, placed[cell.id]) for cell in host.cells),
        devices=tuple(
            dataclasses.replace(device, held_by=holder) if device.address in wanted else device
            for device in host.devices
        ),
    )


def give_back(host: HostTopology, placement: GuestPlacement, *, holder: str) -> HostTopology:
    """The host without the guest: the exact reverse of ``claim``.

    Raises:
        NotHeld: the host does not hold the guest.
    """
    placed = _by_host_cell(host, placement, NotHeld)
    held = {device.address for device in host.devices if device.held_by == holder}
    wanted = frozenset(placement.addresses)
    if wanted - held:
        raise NotHeld(f"{holder} does not have the PCI devices {_join(wanted - held)}.")
    return dataclasses.replace(
        host,
        cells=tuple(_give_back_cells(cell, placed[cell.id]) for cell in host.cells),
        devices=tuple(
            dataclasses.replace(device, held_by=None) if device.address in wanted else device
            for device in host.devices
        ),
    )


def claim_all(host: HostTopology, placements: Mapping[str, GuestPlacement]) -> HostTopology:
    """The host with these guests, by holder, and no others: what its usage must be.

    Raises:
        CannotClaim: they cannot lie there together.
    """
    host = host.without_usage()
    for holder, placement in placements.items():
        host = claim(host, placement, holder=holder)
    return host


def _by_host_cell(
    host: HostTopology, placement: GuestPlacement, error: type[Exception]
) -> dict[int, list[PlacedCell]]:
    placed: dict[int, list[PlacedCell]] = {cell.id: [] for cell in host.cells}
    for cell in placement.cells:
        if cell.host_cell not in placed:
            raise error(f"The host has no NUMA cell {cell.host_cell}.")
        placed[cell.host_cell].append(cell)
    return placed


def _check_devices(host: HostTopology, placement: GuestPlacement) -> None:
    wanted = placement.addresses
    if not wanted:
        return
    free = {device.address: device for device in free_devices(host.devices)}
    gone = set(wanted) - free.keys()
    if gone:
        raise CannotClaim(f"The PCI devices {_join(gone)} are taken or gone.")
    twice = len(wanted) - len(set(wanted)) or any(free[name].parent in wanted for name in wanted)
    if twice:
        raise CannotClaim("The guest would have a PCI device twice, as a whole or in part.")


def _claim_cells(host: HostCell, placed: Sequence[PlacedCell]) -> HostCell:
    for guest in placed:
        taken = guest.taken_cpus
        if taken - host.free_cpus:
            raise CannotClaim(
                f"The dedicated CPUs {format_cpu_list(taken - host.free_cpus)} of cell {host.id}"
                " are taken or gone."
            )
        host = dataclasses.replace(
            host,
            shared_cpus_used=host.shared_cpus_used + len(guest.cpus),
            pinned_cpus=host.pinned_cpus | taken,
            memory_used_mb=host.memory_used_mb + guest.memory_mb,
            pages=_claim_pages(host, guest),
        )
    return host


def _claim_pages(host: HostCell, guest: PlacedCell) -> tuple[Pages, ...]:
    counted = _count_pages(host, guest, CannotClaim)
    if counted is None:
        return host.pages
    pages, count = counted
    has_own_pages = guest.page_size is not None or guest.cpu_policy in PINNED_POLICIES
    free = host.free_pages(pages)
    if has_own_pages and count > free:
        raise CannotClaim(
            f"{count} pages of {pages.size_kb} KiB are needed on cell {host.id}; free are"
            f" {max(0, free)}."
        )
    return _with_pages(host, pages, pages.used + count)


def _give_back_cells(host: HostCell, placed: Sequence[PlacedCell]) -> HostCell:
    for guest in placed:
        taken = guest.taken_cpus
        if taken - host.pinned_cpus:
            raise NotHeld(
                f"The dedicated CPUs {format_cpu_list(taken - host.pinned_cpus)} of cell {host.id}"
                " are not taken."
            )
        host = dataclasses.replace(
            host,
            shared_cpus_used=_take_off(host.shared_cpus_used, len(guest.cpus), host, "CPUs"),
            pinned_cpus=host.pinned_cpus - taken,
            memory_used_mb=_take_off(host.memory_used_mb, guest.memory_mb, host, "MiB"),
            pages=_give_back_pages(host, guest),
        )
    return host


def _give_back_pages(host: HostCell, guest: PlacedCell) -> tuple[Pages, ...]:
    counted = _count_pages(host, guest, NotHeld)
    if counted is None:
        return host.pages
    pages, count = counted
    return _with_pages(host, pages, _take_off(pages.used, count, host, "pages"))


def _count_pages(
    host: HostCell, guest: PlacedCell, error: type[Exception]
) -> tuple[Pages, int] | None:
    """The pages of the host that the guest's memory counts as, and how many."""
    size = guest.counted_page_size
    if size is None:
        return None
    for pages in host.pages:
        if pages.size_kb == size:
            return pages, guest.memory_mb * KB_OF_MB // size
    raise error(f"Cell {host.id} has no pages of {size} KiB.")


def _with_pages(host: HostCell, changed: Pages, used: int) -> tuple[Pages, ...]:
    return tuple(
        dataclasses.replace(pages, used=used) if pages is changed else pages for pages in host.pages
    )


def _take_off(used: int, count: int, host: HostCell, unit: str) -> int:
    if count > used:
        raise NotHeld(f"Of cell {host.id} {used} {unit} are used, not {count}.")
    return used - count


def _join(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
