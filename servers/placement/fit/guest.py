"""How a guest lies on its host: the answer of a fit, and what is claimed and given back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Self


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PlacedCell:
    """A NUMA cell of a guest on the cell ``host_cell`` of its host."""

    id: int
    host_cell: int
    cpus: frozenset[int]
    """The guest's CPUs that float on the shared CPUs of the host's cell."""
    pinning: Mapping[int, int]
    """The host's CPU of each guest's CPU that has one for itself."""
    emulator_cpus: frozenset[int] = frozenset()
    """The host's CPUs kept for the emulator's threads."""
    idle_cpus: frozenset[int] = frozenset()
    """The other threads of the cores of an isolated guest: nobody may use them."""
    cpu_policy: str | None
    thread_policy: str | None
    memory_mb: int
    page_size: int | None
    """KiB, where the guest asks for a size or a kind of pages; ``None``: ordinary memory."""
    counted_page_size: int | None
    """KiB, the pages whose use the memory counts as; ``None`` on a host that tells of no pages."""

    @property
    def taken_cpus(self) -> frozenset[int]:
        """The dedicated CPUs of the host that nobody else may have."""
        return self.emulator_cpus | self.idle_cpus | frozenset(self.pinning.values())

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "host_cell": self.host_cell,
            "cpus": sorted(self.cpus),
            "pinning": {str(cpu): host_cpu for cpu, host_cpu in self.pinning.items()},
            "emulator_cpus": sorted(self.emulator_cpus),
            "idle_cpus": sorted(self.idle_cpus),
            "cpu_policy": self.cpu_policy,
            "thread_policy": self.thread_policy,
            "memory_mb": self.memory_mb,
            "page_size": self.page_size,
            "counted_page_size": self.counted_page_size,
        }

    @classmethod
    def from_json(cls, form: Mapping[str, Any]) -> Self:
        return cls(
            **{
                **form,
                "cpus": frozenset(form["cpus"]),
                "pinning": {int(cpu): host_cpu for cpu, host_cpu in form["pinning"].items()},
                "emulator_cpus": frozenset(form["emulator_cpus"]),
                "idle_cpus": frozenset(form["idle_cpus"]),
            }
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChosenDevices:
    """The devices of one request, by their addresses."""

    name: str
    addresses: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "addresses": list(self.addresses)}

    @classmethod
    def from_json(cls, form: Mapping[str, Any]) -> Self:
        return cls(name=form["name"], addresses=tuple(form["addresses"]))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GuestPlacement:
    cells: tuple[PlacedCell, ...] = ()
    """By the guest's cells; empty for a guest without NUMA layout."""
    emulator_policy: str | None = None
    devices: tuple[ChosenDevices, ...] = ()
    """One for each request of the demand, in its order."""

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(address for chosen in self.devices for address in chosen.addresses)

    def as_json(self) -> dict[str, Any]:
        return {
            "cells": [cell.as_json() for cell in self.cells],
            "emulator_policy": self.emulator_policy,
            "devices": [chosen.as_json() for chosen in self.devices],
        }

    @classmethod
    def from_json(cls, form: Mapping[str, Any]) -> Self:
        return cls(
            cells=tuple(map(PlacedCell.from_json, form["cells"])),
            emulator_policy=form["emulator_policy"],
            devices=tuple(map(ChosenDevices.from_json, form["devices"])),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Misfit:
    """``reason`` tells an operator in a sentence why the guest cannot lie on the host."""

    reason: str


class NoFit(Exception):
    """Raised inside of the fit, where the reason is seen: part of a sentence."""
