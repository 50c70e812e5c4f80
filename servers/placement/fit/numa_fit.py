"""Which cells of a host take the cells of a guest (nova/virt/hardware.py)."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence

from servers.hardware.numa import NumaTopology
from servers.placement.fit.assignment import assignments
from servers.placement.fit.cells import fit_cell
from servers.placement.fit.demand import GuestDemand
from servers.placement.fit.devices import DeviceChoice
from servers.placement.fit.guest import ChosenDevices, GuestPlacement, NoFit, PlacedCell
from servers.placement.fit.networks import check_networks
from servers.placement.fit.pages import PINNED_POLICIES
from servers.placement.fit.pci_device import free_devices
from servers.placement.fit.topology import HostCell, HostLimits, HostTopology

SETS_MAX = 1000
"""The search gives up after so many sets of cells whose devices or networks do not suit. A host of
12 cells has fewer sets of any one size."""
REASONS_MAX = 4
"""So many of these are told."""


def fit_numa(host: HostTopology, demand: GuestDemand, guest: NumaTopology) -> GuestPlacement:
    """Try the host's cells in order of preference, and take the first that suit the whole guest.

    Raises:
        NoFit: none do.
    """
    if len(host.cells) < len(guest.cells):
        raise NoFit(
            f"NUMA cells of the guest: {len(guest.cells)}, of the host: {len(host.cells)}"
            if host.cells
            else "the guest asks for a NUMA layout; the host does not tell of its NUMA cells"
        )
    order = order_cells(host, demand, guest)
    pairs = CellPairs(order, guest, limits=host.limits)
    choice = DeviceChoice(host, demand.devices)
    refusals: list[str] = []
    ways = assignments(len(guest.cells), len(order), pairs.fits)
    for columns in itertools.islice(ways, SETS_MAX):
        placed = pairs.placed(columns)
        try:
            devices = suit_together(host, demand, placed, choice)
        except NoFit as error:
            refusals.append(f"on {_name(placed)}, {error}")
        else:
            return GuestPlacement(
                cells=placed, emulator_policy=guest.emulator_policy, devices=devices
            )
    if not refusals:
        raise NoFit(pairs.explain())
    told = refusals[:REASONS_MAX]
    if len(refusals) == SETS_MAX:
        told.append(f"the search ended after {SETS_MAX} sets of cells")
    raise NoFit("; ".join(told))


def suit_together(
    host: HostTopology, demand: GuestDemand, placed: Sequence[PlacedCell], choice: DeviceChoice
) -> tuple[ChosenDevices, ...]:
    """What depends on all cells together: networks, and the devices that are chosen.

    Raises:
        NoFit: they are too far from these cells.
    """
    chosen = frozenset(cell.host_cell for cell in placed)
    check_networks(host.cells, (cell for cell in host.cells if cell.id in chosen), demand)
    return choice.choose(chosen)


def order_cells(host: HostTopology, demand: GuestDemand, guest: NumaTopology) -> list[HostCell]:
    """The least used first (or the most used, by option); before all, those with free PCI devices
    for a guest that asks for some, those without for others. Each sort keeps the order of the one
    before among equals.
    """
    cells = list(host.cells)
    if len(cells) == len(guest.cells):
        return cells  # Nova: no preference where all are needed
    pack = host.limits.pack_cells
    cells.sort(key=lambda cell: cell.free_memory_mb, reverse=not pack)
    if guest.cells[0].cpu_policy in PINNED_POLICIES:
        cells.sort(key=lambda cell: len(cell.free_cpus), reverse=not pack)
    else:
        cells.sort(key=lambda cell: cell.shared_cpus_used, reverse=pack)
    devices = Counter(device.numa_node for device in free_devices(host.devices))
    cells.sort(key=lambda cell: devices[cell.id], reverse=bool(demand.devices))
    return cells


class CellPairs:
    """Which cells of the host, in this order, take which cells of the guest; each pair is tried
    once, when somebody asks.
    """

    def __init__(
        self, cells: Sequence[HostCell], guest: NumaTopology, *, limits: HostLimits
    ) -> None:
        self._cells = cells
        self._guest = guest
        self._limits = limits
        self._results: dict[tuple[int, int], PlacedCell | NoFit] = {}

    def fits(self, row: int, column: int) -> bool:
        return isinstance(self._result(row, column), PlacedCell)

    def placed(self, columns: Sequence[int]) -> tuple[PlacedCell, ...]:
        """The guest's cells, each on the host's cell of this column, which takes it."""
        results = [self._result(row, column) for row, column in enumerate(columns)]
        return tuple(result for result in results if isinstance(result, PlacedCell))

    def explain(self) -> str:
        """Why there is no way to lay the guest on the host."""
        for row, cell in enumerate(self._guest.cells):
            results = [self._result(row, column) for column in range(len(self._cells))]
            if all(isinstance(result, NoFit) for result in results):
                reasons = "; ".join(
                    f"on cell {host.id}, {reason}"
                    for host, reason in zip(self._cells, results, strict=True)
                )
                return f"no cell of the host takes cell {cell.id} of the guest: {reasons}"
        return "cells of the host take each cell of the guest, but not all of them at once"

    def _result(self, row: int, column: int) -> PlacedCell | NoFit:
        pair = (row, column)
        if pair not in self._results:
            self._results[pair] = self._try(row, column)
        return self._results[pair]

    def _try(self, row: int, column: int) -> PlacedCell | NoFit:
        # Nova: the emulator's threads lie on the host's cell that has the guest's first cell.
        emulator = row == 0 and self._guest.emulator_policy == "isolate"
        try:
            return fit_cell(
                self._cells[column], self._guest.cells[row], limits=self._limits, emulator=emulator
            )
        except NoFit as reason:
            return reason


def _name(placed: Sequence[PlacedCell]) -> str:
    cells = sorted(cell.host_cell for cell in placed)
    return f"cell{'s' if len(cells) > 1 else ''} {', '.join(map(str, cells))} of the host"
