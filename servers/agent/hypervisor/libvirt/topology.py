"""What the machine is made of, as the placement of guests must know it: NUMA cells with their CPUs
and pages, and the PCI devices that guests may get. Read from ``/sys``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from servers.agent.hypervisor.libvirt.in_use import PROC, needed_parts, text_of, used_part
from servers.agent.settings import Settings

SYS = Path("/sys")
SMALL_KB = 4
KIB_OF_MIB = 1024
RANGE = re.compile(r"(\d+)(?:-(\d+))?")
ADDRESS = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]")
KIND = re.compile(r"([0-9a-f]{4}):([0-9a-f]{4})")


def topology_of(settings: Settings, sys: Path = SYS, proc: Path = PROC) -> dict[str, Any]:
    """``cells`` and ``devices``, by the keys of a host's hardware in a cloud file."""
    dedicated = cpus_of(settings.dedicated_cpus)
    reserved = settings.reserved_memory_mb
    cells = []
    for node in _numbered(sys / "devices/system/node", "node"):
        cell = _cell(sys, node, dedicated)
        cell["memory_reserved_mb"] = min(reserved, cell["memory_mb"])
        reserved -= cell["memory_reserved_mb"]
        cells.append(cell)
    needed = needed_parts(proc)
    offered = [
        _device(path, kind, has_cells=bool(cells))
        for path, kind in _named(sys, settings.pci_devices)
        if not _obstacle(path, needed)
    ]
    return {"cells": cells, "devices": offered}


def shared_cpus(settings: Settings, sys: Path = SYS) -> dict[int, frozenset[int]]:
    """The CPUs on which those of guests float, by cell; none where all CPUs are for all guests."""
    dedicated = cpus_of(settings.dedicated_cpus)
    if not dedicated:
        return {}
    nodes = _numbered(sys / "devices/system/node", "node")
    return {_number(node): cpus_of(text_of(node / "cpulist")) - dedicated for node in nodes}


def faults_of(settings: Settings, sys: Path = SYS) -> list[str]:
    """What is wrong with the settings, in words."""
    faults = []
    try:
        asked = cpus_of(settings.dedicated_cpus)
    except ValueError as error:
        return [f'"dedicated_cpus" of agent.json: {error}']
    there = {cpu for node in _numbered(sys / "devices/system/node", "node") for cpu in _cpus(node)}
    if asked - there:
        faults.append(f'"dedicated_cpus" of agent.json: there is no CPU {min(asked - there)}')
    if asked and not there - asked:
        faults.append('"dedicated_cpus" of agent.json leaves no CPU to the host itself')
    faults += [
        f'"pci_devices" of agent.json: {word!r} is neither an address such as 0000:3b:00.1 nor '
        "vendor and product such as 8086:1572"
        for word in _words(settings.pci_devices)
        if not ADDRESS.fullmatch(word) and not KIND.fullmatch(word)
    ]
    return faults


def lacks_of_devices(settings: Settings, sys: Path = SYS, proc: Path = PROC) -> list[str]:
    """Why guests may not get devices that the settings name. Of ``faults_of`` they are none: a card
    that is broken keeps nothing else from guests.
    """
    needed = needed_parts(proc)
    named = {path.name: _obstacle(path, needed) for path, _ in _named(sys, settings.pci_devices)}
    addresses = [word for word in _words(settings.pci_devices) if ADDRESS.fullmatch(word)]
    return [
        *(
            f'"pci_devices" of agent.json: there is no device {address}'
            for address in addresses
            if address not in named
        ),
        *(
            f'"pci_devices" of agent.json: guests cannot get {address}, since {obstacle}'
            for address, obstacle in named.items()
            if obstacle
        ),
    ]


def cpus_of(text: str) -> frozenset[int]:
    """The numbers of a list such as ``0-3,8``; raises ``ValueError``."""
    found: set[int] = set()
    for word in _words(text):
        match = RANGE.fullmatch(word)
        if match is None:
            raise ValueError(f"{word!r} is no CPU, and no range of them such as 2-7")
        found.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return frozenset(found)


def list_of(cpus: Iterable[int]) -> str:
    return ",".join(str(cpu) for cpu in sorted(cpus))


def _cell(sys: Path, node: Path, dedicated: frozenset[int]) -> dict[str, Any]:
    cpus = _cpus(node)
    facts = [sys / f"devices/system/cpu/cpu{cpu}/topology" for cpu in sorted(cpus)]
    siblings = {cpus_of(text_of(one / "thread_siblings_list")) & cpus for one in facts}
    sockets = {text_of(one / "physical_package_id") for one in facts} - {"", "-1"}
    memory_kb = _memory_kb(node)
    memory_mb = memory_kb // KIB_OF_MIB
    huge = {
        _number(one, "hugepages-", "kB"): int(text_of(one / "nr_hugepages") or 0)
        for one in _numbered(node / "hugepages", "hugepages-", "kB")
    }
    left_kb = memory_mb * KIB_OF_MIB - sum(size * total for size, total in huge.items())
    pages = {SMALL_KB: max(left_kb, 0) // SMALL_KB, **huge}
    cell: dict[str, Any] = {
        "id": _number(node),
        "shared_cpus": sorted(cpus - dedicated),
        "dedicated_cpus": sorted(cpus & dedicated),
        "siblings": sorted(sorted(one) for one in siblings if len(one) > 1),
        "memory_mb": memory_mb,
        "pages": [{"size_kb": size, "total": total} for size, total in sorted(pages.items())],
    }
    if len(sockets) == 1:
        cell["socket"] = int(sockets.pop())
    return cell


def _device(path: Path, kind: tuple[str, str], *, has_cells: bool) -> dict[str, Any]:
    device: dict[str, Any] = {
        "address": path.name,
        "vendor_id": kind[0],
        "product_id": kind[1],
        "dev_type": "type-PCI",
    }
    if (path / "physfn").exists():
        device |= {"dev_type": "type-VF", "parent": (path / "physfn").resolve().name}
    elif int(text_of(path / "sriov_totalvfs") or 0):
        device["dev_type"] = "type-PF"
    near = text_of(path / "numa_node")
    if has_cells and near.isdecimal():
        device["numa_node"] = int(near)
    return device


def _named(sys: Path, wanted: str) -> Iterator[tuple[Path, tuple[str, str]]]:
    """By address or by vendor and product, which come with each."""
    words = set(_words(wanted))
    folder = sys / "bus/pci/devices"
    for path in sorted(folder.iterdir()) if words and folder.is_dir() else ():
        vendor, product = (text_of(path / name).removeprefix("0x") for name in ("vendor", "device"))
        if {path.name, f"{vendor}:{product}"} & words:
            yield path, (vendor, product)


def _obstacle(device: Path, needed: Collection[str]) -> str:
    """Why guests cannot get the device, in words; empty: they can."""
    if not (device / "iommu_group").exists():  # it would reach all memory of the host
        return "the machine has no IOMMU, or it is off (firmware; intel_iommu=on for the kernel)"
    part = used_part(device, needed)
    return f"the host itself uses its {part}" if part else ""


def _cpus(node: Path) -> frozenset[int]:
    return cpus_of(text_of(node / "cpulist"))


def _memory_kb(node: Path) -> int:
    found = re.search(r"MemTotal:\s+(\d+) kB", text_of(node / "meminfo"))
    return int(found[1]) if found else 0


def _numbered(folder: Path, before: str, after: str = "") -> list[Path]:
    pattern = re.compile(rf"{before}\d+{after}")
    there = folder.iterdir() if folder.is_dir() else ()
    found = [path for path in there if pattern.fullmatch(path.name)]
    return sorted(found, key=lambda path: _number(path, before, after))


def _number(path: Path, before: str = "node", after: str = "") -> int:
    return int(path.name.removeprefix(before).removesuffix(after))


def _words(text: str) -> list[str]:
    return [word.strip().lower() for word in text.split(",") if word.strip()]


def floats_on(shared: Mapping[int, frozenset[int]]) -> str:
    """The CPUs of all cells on which guests float, as a list; empty: on all."""
    return list_of({cpu for cpus in shared.values() for cpu in cpus})
