"""Says whether a placement is a valid answer to a demand, by rules that are written down here again
and share nothing with the search for placements.
"""

from __future__ import annotations

from collections import Counter

from servers.hardware.numa import NumaCell
from servers.placement.fit import (
    GuestDemand,
    GuestPlacement,
    HostCell,
    HostTopology,
    PciDevice,
    PlacedCell,
)

KB = 1024


def check_placement(host: HostTopology, demand: GuestDemand, placement: GuestPlacement) -> None:
    """The guest gets what it asks for, of what is free on the host."""
    asked = demand.numa.cells if demand.numa else ()
    assert len(placement.cells) == len(asked)
    cells = {cell.id: cell for cell in host.cells}
    used = [placed.host_cell for placed in placement.cells]
    assert len(set(used)) == len(used), "two cells of the guest lie on one cell of the host"
    emulator = demand.numa is not None and demand.numa.emulator_policy == "isolate"
    for index, (guest, placed) in enumerate(zip(asked, placement.cells, strict=True)):
        cell = cells[placed.host_cell]
        assert placed.id == guest.id
        check_cpus(cell, guest, placed, emulators=int(emulator and index == 0))
        check_threads(cell, guest, placed)
        check_memory(cell, guest, placed, host.limits.ram_allocation_ratio)
        floating = cell.shared_cpus_used + len(guest.cpus)
        if guest.cpu_policy != "dedicated":
            assert len(guest.cpus) <= len(cell.shared_cpus)
            assert floating <= len(cell.shared_cpus) * host.limits.cpu_allocation_ratio
    check_devices(host, demand, placement, set(used) if demand.numa else None)


def check_cpus(cell: HostCell, guest: NumaCell, placed: PlacedCell, *, emulators: int) -> None:
    """Each dedicated CPU has one of its own, free until now."""
    assert placed.cpus == guest.cpus
    pins = guest.cpu_policy in {"dedicated", "mixed"}
    assert set(placed.pinning) == (guest.dedicated_cpus if pins else set())
    taken = [*placed.pinning.values(), *placed.emulator_cpus, *placed.idle_cpus]
    assert max(Counter(taken).values(), default=1) == 1, "a CPU is given twice"
    assert set(taken) <= cell.dedicated_cpus - cell.pinned_cpus
    assert len(placed.emulator_cpus) == (emulators if pins else 0)
    assert placed.taken_cpus == set(taken)


def check_threads(cell: HostCell, guest: NumaCell, placed: PlacedCell) -> None:
    """The guest's CPUs lie on threads as its thread policy asks."""
    usable = cell.shared_cpus | cell.dedicated_cpus
    cores = {cpu: threads & usable for threads in cell.siblings for cpu in threads}
    mine = set(placed.pinning.values())
    on_core = Counter(cores.get(cpu, frozenset({cpu})) for cpu in mine)
    if guest.thread_policy == "isolate" and mine:
        assert max(on_core.values()) == 1, "two isolated CPUs lie on one core"
        every = frozenset().union(*on_core, *(cores.get(c, {c}) for c in placed.emulator_cpus))
        assert placed.taken_cpus == every, "a thread beside an isolated CPU is left to others"
    else:
        assert not placed.idle_cpus
    if guest.thread_policy == "require" and mine:
        assert max(map(len, on_core)) > 1, "the cores have one thread only"
        single = [core for core, count in on_core.items() if count == 1]
        assert len(single) <= 1, "CPUs lie apart that must lie on one core"


def check_memory(cell: HostCell, guest: NumaCell, placed: PlacedCell, ratio: float) -> None:
    assert placed.memory_mb == guest.memory_mb
    has_own = guest.cpu_policy in {"dedicated", "mixed"}
    usable = cell.memory_mb - cell.memory_reserved_mb
    if guest.cpu_policy != "dedicated":
        assert cell.memory_used_mb + guest.memory_mb <= usable * ratio
    assert bool(placed.page_size) == bool(guest.page_size)
    if not cell.pages:
        assert placed.counted_page_size is None
        assert guest.memory_mb <= usable - (cell.memory_used_mb if has_own else 0)
        return
    (pages,) = [pages for pages in cell.pages if pages.size_kb == placed.counted_page_size]
    smallest = min(pages.size_kb for pages in cell.pages)
    there = pages.total
    if pages.size_kb == smallest:
        there -= -(-cell.memory_reserved_mb * KB // smallest)
    count, rest = divmod(guest.memory_mb * KB, pages.size_kb)
    assert rest == 0, "part of a page"
    if has_own or guest.page_size:
        assert pages.used + pages.reserved + count <= there, "more pages than are free"
    else:
        assert count <= there
    sizes = {"small": {smallest}, "large": {p.size_kb for p in cell.pages} - {smallest}}
    match guest.page_size:
        case None:
            assert pages.size_kb == smallest
        case int(size):
            assert pages.size_kb == placed.page_size == size
        case "any":
            assert pages.size_kb == placed.page_size
        case word:
            assert pages.size_kb == placed.page_size
            assert pages.size_kb in sizes[word]


def check_devices(
    host: HostTopology, demand: GuestDemand, placement: GuestPlacement, used: set[int] | None
) -> None:
    devices = {device.address: device for device in host.devices}
    assert [chosen.name for chosen in placement.devices] == [r.name for r in demand.devices]
    addresses = [address for chosen in placement.devices for address in chosen.addresses]
    assert len(set(addresses)) == len(addresses), "a device is given twice"
    held = {device.address for device in host.devices if device.held_by} | set(addresses)
    for address in addresses:
        device = devices[address]
        assert device.held_by is None
        assert not device.reserved
        assert device.parent not in held, "the whole device is held"
        assert not any(other.parent == address for other in host.devices if other.address in held)
    for request, chosen in zip(demand.devices, placement.devices, strict=True):
        assert len(chosen.addresses) == request.count
        for address in chosen.addresses:
            check_nearness(host, devices[address], request.numa_policy, used)
            assert any(
                matches(devices[address], dict(spec.properties)) for spec in request.specs
            ), "a device of another kind"


def check_nearness(
    host: HostTopology, device: PciDevice, policy: str, used: set[int] | None
) -> None:
    if used is None or policy == "preferred":
        return
    if policy == "required":
        assert device.numa_node in used
    elif policy == "legacy":
        assert device.numa_node is None or device.numa_node in used
    elif device.numa_node not in used:
        sockets = {cell.id: cell.socket for cell in host.cells}
        assert sockets[device.numa_node] in {sockets[cell] for cell in used}  # type: ignore[index]
        assert None not in sockets.values()


def matches(device: PciDevice, wanted: dict[str, str | None]) -> bool:
    if device.dev_type in {"type-PF", "vdpa"} and "dev_type" not in wanted:
        return False
    told = {**device.tags, "vendor_id": device.vendor_id, "product_id": device.product_id}
    told |= {"dev_type": device.dev_type, "physical_network": device.physical_network}
    told |= {
        name: None if value is None else str(value)
        for name in ("trusted", "live_migratable", "remote_managed")
        for value in [getattr(device, name)]
    }
    return device.remote_managed <= (wanted.get("remote_managed") == "true") and all(
        (told.get(name) or "").lower() == (value or "") for name, value in wanted.items()
    )
