"""Which PCI devices of a host a guest gets (nova/pci/stats.py)."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Collection, Iterable, Mapping, Sequence

from servers.placement.fit.demand import DeviceRequest, DeviceSpec
from servers.placement.fit.guest import ChosenDevices, NoFit
from servers.placement.fit.pci_device import (
    PHYSICAL_FUNCTION,
    VDPA,
    PciDevice,
    free_devices,
)
from servers.placement.fit.topology import HostCell, HostTopology


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Free devices of one card that are alike."""

    devices: tuple[PciDevice, ...]
    properties: Mapping[str, str]
    """What a request can ask for by name, in small letters."""
    resource_class: str
    traits: frozenset[str]

    def matches(self, spec: DeviceSpec) -> bool:
        return (
            all(self.properties.get(name) == value for name, value in spec.properties.items())
            and spec.resource_class in {None, self.resource_class}
            and spec.traits <= self.traits
        )


def gather_pools(devices: Iterable[PciDevice]) -> list[Pool]:
    """Those first of which the operator tells least, so that special devices are kept for those who
    ask for them.
    """
    alike: dict[object, list[PciDevice]] = {}
    for device in free_devices(devices):
        alike.setdefault(device.pool_key, []).append(device)
    by_tags = []
    for members in alike.values():
        first = members[0]
        tags = first.given_tags
        pool = Pool(
            devices=tuple(members),
            properties=tags | first.ids,
            resource_class=first.full_resource_class,
            traits=first.all_traits,
        )
        by_tags.append((len(tags), pool))
    return [pool for _, pool in sorted(by_tags, key=operator.itemgetter(0))]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where the guest would lie: ``cells`` of its host, and all cells on the same sockets."""

    cells: frozenset[int]
    socket_cells: frozenset[int]

    @classmethod
    def of(cls, cells: Iterable[HostCell], chosen: Collection[int]) -> Surroundings:
        there = tuple(cells)
        sockets = {cell.socket for cell in there if cell.id in chosen}
        # Nova: on a host that does not tell the socket of each cell no device is on the same one.
        told = all(cell.socket is not None for cell in there)
        near = frozenset(cell.id for cell in there if told and cell.socket in sockets)
        return cls(cells=frozenset(chosen), socket_cells=near)


class DeviceChoice:
    """Chooses devices of a host for a guest's requests, for each set of cells that is tried."""

    def __init__(self, host: HostTopology, requests: Sequence[DeviceRequest]) -> None:
        pools = gather_pools(host.devices) if requests else []
        self._cells = host.cells
        self._wanted = [
            (
                request,
                [
                    device
                    for pool in pools
                    if any(map(pool.matches, request.specs))
                    for device in pool.devices
                ],
            )
            for request in requests
        ]
        self._functions: dict[str, set[str]] = {}
        for pool in pools:
            for device in pool.devices:
                if device.parent is not None:
                    self._functions.setdefault(device.parent, set()).add(device.address)

    def choose(self, cells: Collection[int] | None) -> tuple[ChosenDevices, ...]:
        """The devices of each request, for a guest on these cells of its host; ``None``: it has no
        cells. Nova: an earlier request may take what a later one would have needed.

        Raises:
            NoFit: a request does not get its devices.
        """
        around = None if cells is None else Surroundings.of(self._cells, cells)
        gone: set[str] = set()
        chosen = []
        for request, matching in self._wanted:
            free = [device for device in matching if device.address not in gone]
            devices = choose_for(request, free, around)
            for device in devices:
                gone |= self._lost_with(device)
            addresses = tuple(device.address for device in devices)
            chosen.append(ChosenDevices(name=request.name, addresses=addresses))
        return tuple(chosen)

    def _lost_with(self, device: PciDevice) -> set[str]:
        """What nobody can get once this device is taken."""
        functions = self._functions.get(device.address, set())
        return {device.address, device.owner_address} | functions


def choose_for(
    request: DeviceRequest, matching: Sequence[PciDevice], around: Surroundings | None
) -> Sequence[PciDevice]:
    """
    Raises:
        NoFit: fewer devices than the request asks for.
    """
    near = matching if around is None else choose_near(request, matching, around)
    # Nova: only now, so that devices that the request does not get may have counted as near ones.
    given = [device for device in near if may_be_given(device, request)]
    if len(given) < request.count:
        place = "" if around is None else f", as near as its policy {request.numa_policy} asks"
        raise NoFit(
            f"PCI devices needed for {request.name}: {request.count}, free of that kind:"
            f" {len(matching)}, of these to be given{place}: {len(given)}"
        )
    return given[: request.count]


def choose_near(
    request: DeviceRequest, devices: Sequence[PciDevice], around: Surroundings
) -> Sequence[PciDevice]:
    """Devices near the guest's cells where there are enough; else as far as the policy allows."""
    near = [device for device in devices if device.numa_node in around.cells]
    if request.numa_policy == "required" or len(near) >= request.count:
        return near
    if request.numa_policy == "socket":
        return [device for device in devices if device.numa_node in around.socket_cells]
    allowed = around.cells | {None}
    near_or_untold = [device for device in devices if device.numa_node in allowed]
    if request.numa_policy == "legacy" or len(near_or_untold) >= request.count:
        return near_or_untold
    return sorted(devices, key=lambda device: device.numa_node not in allowed)


def may_be_given(device: PciDevice, request: DeviceRequest) -> bool:
    """Some devices are only given to who asks for their kind by name."""
    if device.dev_type in {PHYSICAL_FUNCTION, VDPA} and not request.asks_for(device.dev_type):
        return False
    return not device.remote_managed or any(spec.is_remote_managed for spec in request.specs)
