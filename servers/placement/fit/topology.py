"""What a host is made of: its NUMA cells with CPUs, memory and pages, its PCI devices, its limits;
and how much of it guests use.

The JSON forms are plain lists, numbers and texts. ``from_json`` trusts what ``as_json`` wrote; what
comes from people is read by ``servers.placement.fit.reading``, which checks it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Self

from servers.placement.fit.pci_device import PciDevice

KB_OF_MB = 1024


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """The memory pages of one size on a cell."""

    size_kb: int
    total: int
    reserved: int = 0
    used: int = 0
    """More than there are, where guests share ordinary pages beyond their number."""

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, form: Mapping[str, Any]) -> Self:
        return cls(**form)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HostCell:
    """A NUMA cell of a host."""

    id: int
    shared_cpus: frozenset[int] = frozenset()
    """The CPUs on which guests' CPUs float."""
    dedicated_cpus: frozenset[int] = frozenset()
    """The CPUs that a guest's CPU can have for itself: others than the shared ones, or the very
    same on a host that keeps both kinds of guests on all its CPUs."""
    siblings: tuple[frozenset[int], ...] = ()
    """The threads of each core. CPUs that none names are cores of their own, and CPUs that are
    neither shared nor dedicated do not count."""
    socket: int | None = None
    memory_mb: int
    memory_reserved_mb: int = 0
    """Kept for the host itself, of the ordinary (smallest) pages."""
    pages: tuple[Pages, ...] = ()
    """By size, the smallest first; empty where the host does not tell of pages."""
    physnets: frozenset[str] = frozenset()
    """The physical networks whose cards are near this cell."""
    tunneled: bool = False
    """Is the card of the tunneled networks near this cell?"""
    shared_cpus_used: int = 0
    """The number of guests' CPUs that float on the shared CPUs."""
    pinned_cpus: frozenset[int] = frozenset()
    """The dedicated CPUs that are taken."""
    memory_used_mb: int = 0

    @property
    def usable_memory_mb(self) -> int:
        return self.memory_mb - self.memory_reserved_mb

    @property
    def free_memory_mb(self) -> int:
        return self.usable_memory_mb - self.memory_used_mb

    def usable_pages(self, pages: Pages) -> int:
        """How many pages of this size there are for guests' ordinary memory."""
        if pages.size_kb != self.pages[0].size_kb:
            return pages.total
        return pages.total - -(-self.memory_reserved_mb * KB_OF_MB // pages.size_kb)

    def free_pages(self, pages: Pages) -> int:
        return self.usable_pages(pages) - pages.reserved - pages.used

    @property
    def free_cpus(self) -> frozenset[int]:
        """The dedicated CPUs that nobody has."""
        return self.dedicated_cpus - self.pinned_cpus

    @property
    def cores(self) -> list[frozenset[int]]:
        """The threads of each core, as far as guests may use them."""
        usable = self.shared_cpus | self.dedicated_cpus
        cores = [core for threads in self.siblings if (core := threads & usable)]
        alone = sorted(usable.difference(*cores))
        return [*cores, *(frozenset({cpu}) for cpu in alone)]

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "shared_cpus": sorted(self.shared_cpus),
            "dedicated_cpus": sorted(self.dedicated_cpus),
            "siblings": [sorted(threads) for threads in self.siblings],
            "socket": self.socket,
            "memory_mb": self.memory_mb,
            "memory_reserved_mb": self.memory_reserved_mb,
            "pages": [pages.as_json() for pages in self.pages],
            "physnets": sorted(self.physnets),
            "tunneled": self.tunneled,
            "shared_cpus_used": self.shared_cpus_used,
            "pinned_cpus": sorted(self.pinned_cpus),
            "memory_used_mb": self.memory_used_mb,
        }

    @classmethod
    def from_json(cls, form: Mapping[str, Any]) -> Self:
        return cls(
            id=form["id"],
            shared_cpus=frozenset(form["shared_cpus"]),
            dedicated_cpus=frozenset(form["dedicated_cpus"]),
            siblings=tuple(map(frozenset, form["siblings"])),
            socket=form["socket"],
            memory_mb=form["memory_mb"],
            memory_reserved_mb=form["memory_reserved_mb"],
            pages=tuple(map(Pages.from_json, form["pages"])),
            physnets=frozenset(form["physnets"]),
            tunneled=form["tunneled"],
            shared_cpus_used=form["shared_cpus_used"],
            pinned_cpus=frozenset(form["pinned_cpus"]),
            memory_used_mb=form["memory_used_mb"],
        )

    def without_usage(self) -> Self:
        return dataclasses.replace(
            self,
            pages=tuple(dataclasses.replace(pages, used=0) for pages in self.pages),
            shared_cpus_used=0,
            pinned_cpus=frozenset(),
            memory_used_mb=0,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HostLimits:
    """How far guests may use a cell's shared CPUs and memory beyond what there is. What a guest has
    for itself (dedicated CPUs, pages of a size it names, devices) is never given twice.
    """

    cpu_allocation_ratio: float = 4.0
    ram_allocation_ratio: float = 1.0
    pack_cells: bool = False
    """Try the most used cells first, instead of the least used."""

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, form: Mapping[str, Any]) -> Self:
        return cls(**form)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HostTopology:
    """Without cells the host takes only guests that ask for no NUMA layout."""

    cells: tuple[HostCell, ...] = ()
    devices: tuple[PciDevice, ...] = ()
    """Those first that are to be given away first, among equals."""
    limits: HostLimits = HostLimits()

    def as_json(self) -> dict[str, Any]:
        return {
            "cells": [cell.as_json() for cell in self.cells],
            "devices": [device.as_json() for device in self.devices],
            "limits": self.limits.as_json(),
        }

    @classmethod
    def from_json(cls, form: Mapping[str, Any]) -> Self:
        return cls(
            cells=tuple(map(HostCell.from_json, form["cells"])),
            devices=tuple(map(PciDevice.from_json, form["devices"])),
            limits=HostLimits.from_json(form["limits"]),
        )

    def without_usage(self) -> Self:
        """The host as it is before any guest."""
        return dataclasses.replace(
            self,
            cells=tuple(cell.without_usage() for cell in self.cells),
            devices=tuple(dataclasses.replace(device, held_by=None) for device in self.devices),
        )
