"""Reads a host's topology as people write it, and checks it: the reader of a key, as in
``compute_site.values.keys``.

Every fault names its place, such as ``key cells: item 0: key pages: item 1: key total``. CPUs are a
list (``0-3,8``, as a text) or numbers. What guests use is read as well, so that the form of a host
that is in use can be shown, changed and read again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from compute_site.values.keys import (
    Key,
    Reader,
    WrongValue,
    filled_text,
    flag,
    list_of,
    number,
    one_of,
    positive,
    record,
    text,
    texts_by_name,
    whole,
    without,
)
from servers.hardware.values import cpu_list, format_cpu_list
from servers.placement.fit.pci_device import (
    DEVICE_TYPES,
    FUNCTIONS_OF_A_PARENT,
    PHYSICAL_FUNCTION,
    PciDevice,
    resource_class_name,
    trait_names,
)
from servers.placement.fit.topology import KB_OF_MB, HostCell, HostLimits, HostTopology, Pages

CPUS_MAX = 100_000
"""CPU numbers have five digits at most, as in a CPU list."""

CORES_MAX, DEVICES_MAX = 4096, 16384

_ADDRESS = re.compile(r"[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]")
_DEVICE_ID = re.compile(r"[0-9a-f]{4}")


def host_topology(value: Any) -> HostTopology:
    """
    Raises:
        WrongValue: something is wrong; the text names every place.
    """
    form = _HOST(value)
    host = HostTopology(
        cells=tuple(form["cells"]), devices=tuple(form["devices"]), limits=form["limits"]
    )
    _check(_faults_of_host(host))
    return host


def described_host(value: Any) -> HostTopology:
    """The same of a host as its operator describes it: without guests, and with limits that are
    said elsewhere.

    Raises:
        WrongValue: as above.
    """
    form = _DESCRIBED(value)
    host = HostTopology(cells=tuple(form["cells"]), devices=tuple(form["devices"]))
    _check(_faults_of_host(host))
    return host


def cpus(value: Any) -> frozenset[int]:
    if isinstance(value, str):
        try:
            return cpu_list(value)
        except ValueError as error:
            raise WrongValue(str(error)) from None
    return frozenset(list_of(_cpu, most=CPUS_MAX)(value))


def _cpu(value: Any) -> int:
    if whole(value) >= CPUS_MAX:
        raise WrongValue(f"give CPU numbers below {CPUS_MAX}, not {value}")
    return int(value)


def _pattern(pattern: re.Pattern[str], example: str) -> Reader:
    def read(value: Any) -> str:
        found = text(value).lower()
        if not pattern.fullmatch(found):
            raise WrongValue(f"give {example}, not {value!r}")
        return found

    return read


def _made(keys: Mapping[str, Key], make: Callable[[dict[str, Any]], Any]) -> Reader:
    """An object with these keys, and what is made of it."""
    read_keys = record(keys)
    return lambda value: make(read_keys(value))


def _make_cell(values: dict[str, Any]) -> HostCell:
    values["pages"] = tuple(sorted(values["pages"], key=lambda pages: pages.size_kb))
    values["siblings"] = tuple(values["siblings"])
    values["physnets"] = frozenset(values["physnets"])
    cell = HostCell(**values)
    _check(_faults_of_cell(cell))
    return cell


def _make_pages(values: dict[str, Any]) -> Pages:
    pages = Pages(**values)
    if pages.reserved > pages.total:
        raise WrongValue(f"key reserved: {pages.reserved} of {pages.total} pages cannot be kept")
    return pages


def _make_device(values: dict[str, Any]) -> PciDevice:
    values["traits"] = trait_names(values["traits"])
    device = PciDevice(**values)
    if device.parent is not None and device.dev_type not in FUNCTIONS_OF_A_PARENT:
        raise WrongValue(
            f"key parent: a device of {device.dev_type} has none; those of"
            f" {' and '.join(sorted(FUNCTIONS_OF_A_PARENT))} have"
        )
    return device


def _class_name(value: Any) -> str:
    return resource_class_name(filled_text(value))


_PAGES = {
    "size_kb": Key(positive, required=True),
    "total": Key(whole, required=True),
    "reserved": Key(whole, default=0),
    "used": Key(whole, default=0),
}
_CELL = {
    "id": Key(whole, required=True),
    "shared_cpus": Key(cpus, default=frozenset()),
    "dedicated_cpus": Key(cpus, default=frozenset()),
    "siblings": Key(list_of(cpus, most=CORES_MAX), default=()),
    "socket": Key(whole),
    "memory_mb": Key(whole, required=True),
    "memory_reserved_mb": Key(whole, default=0),
    "pages": Key(list_of(_made(_PAGES, _make_pages)), default=()),
    "physnets": Key(list_of(filled_text), default=()),
    "tunneled": Key(flag, default=False),
    "shared_cpus_used": Key(whole, default=0),
    "pinned_cpus": Key(cpus, default=frozenset()),
    "memory_used_mb": Key(whole, default=0),
}
_DEVICE = {
    "address": Key(_pattern(_ADDRESS, "an address such as 0000:3b:00.1"), required=True),
    "vendor_id": Key(_pattern(_DEVICE_ID, "four hexadecimal digits"), required=True),
    "product_id": Key(_pattern(_DEVICE_ID, "four hexadecimal digits"), required=True),
    "dev_type": Key(one_of(*DEVICE_TYPES), default="type-PCI"),
    "numa_node": Key(whole),
    "parent": Key(_pattern(_ADDRESS, "an address such as 0000:3b:00.0")),
    "physical_network": Key(filled_text),
    "trusted": Key(flag),
    "remote_managed": Key(flag, default=False),
    "live_migratable": Key(flag),
    "resource_class": Key(_class_name),
    "traits": Key(list_of(filled_text), default=()),
    "tags": Key(texts_by_name, default={}),
    "reserved": Key(flag, default=False),
    "held_by": Key(filled_text),
}
_USUAL = HostLimits()
_LIMITS = {
    "cpu_allocation_ratio": Key(number, default=_USUAL.cpu_allocation_ratio),
    "ram_allocation_ratio": Key(number, default=_USUAL.ram_allocation_ratio),
    "pack_cells": Key(flag, default=_USUAL.pack_cells),
}
_HOST = record(
    {
        "cells": Key(list_of(_made(_CELL, _make_cell)), default=()),
        "devices": Key(list_of(_made(_DEVICE, _make_device)), default=()),
        "limits": Key(_made(_LIMITS, lambda values: HostLimits(**values)), default=_USUAL),
    }
)


_USAGE = ("shared_cpus_used", "pinned_cpus", "memory_used_mb", "used", "held_by")
"""Keys that tell what guests use."""
_FREE_CELL = without(_CELL, *_USAGE) | {
    "pages": Key(list_of(_made(without(_PAGES, *_USAGE), _make_pages)), default=()),
}
_DESCRIBED = record(
    {
        "cells": Key(list_of(_made(_FREE_CELL, _make_cell)), default=()),
        "devices": Key(
            list_of(_made(without(_DEVICE, *_USAGE), _make_device), most=DEVICES_MAX), default=()
        ),
    }
)


def _check(faults: Iterable[str]) -> None:
    found = "; ".join(faults)
    if found:
        raise WrongValue(found)


def _faults_of_cell(cell: HostCell) -> Iterator[str]:
    both = cell.shared_cpus & cell.dedicated_cpus
    if both and cell.shared_cpus != cell.dedicated_cpus:
        yield (
            f"key dedicated_cpus: the CPUs {format_cpu_list(both)} are shared too; the two sets"
            " have no CPU in common, or are the same"
        )
    on_cores = Counter(cpu for threads in cell.siblings for cpu in threads)
    twice = frozenset(cpu for cpu, count in on_cores.items() if count > 1)
    if twice:
        yield f"key siblings: the CPUs {format_cpu_list(twice)} stand there twice"
    if cell.pinned_cpus - cell.dedicated_cpus:
        yield (
            f"key pinned_cpus: the CPUs {format_cpu_list(cell.pinned_cpus - cell.dedicated_cpus)}"
            " are not dedicated"
        )
    if cell.memory_reserved_mb > cell.memory_mb:
        yield (
            f"key memory_reserved_mb: {cell.memory_reserved_mb} MiB of {cell.memory_mb} cannot be"
            " kept"
        )
    sizes = [pages.size_kb for pages in cell.pages]
    if len(set(sizes)) < len(sizes):
        yield "key pages: a size stands there twice"
    paged_kb = sum(pages.size_kb * pages.total for pages in cell.pages)
    if paged_kb >= (cell.memory_mb + 1) * KB_OF_MB:
        yield (
            f"key pages: they are {paged_kb // KB_OF_MB} MiB together, the memory is"
            f" {cell.memory_mb} MiB"
        )


def _faults_of_host(host: HostTopology) -> Iterator[str]:
    yield from _repeated("cells", "id", [cell.id for cell in host.cells])
    yield from _repeated("devices", "address", [device.address for device in host.devices])
    yield from _faults_between_cells(host.cells)
    ids = {cell.id for cell in host.cells}
    by_address = {device.address: device for device in host.devices}
    for index, device in enumerate(host.devices):
        place = f"key devices: item {index} ({device.address})"
        if ids and device.numa_node is not None and device.numa_node not in ids:
            yield f"{place}: key numa_node: the host has no cell {device.numa_node}"
        parent = by_address.get(device.parent or "")
        if parent is None:
            continue
        if parent.dev_type != PHYSICAL_FUNCTION:
            yield f"{place}: key parent: {parent.address} is no {PHYSICAL_FUNCTION}"
        if parent.held_by is not None and device.held_by is not None:
            yield f"{place}: key held_by: {parent.address} is held as a whole"


def _repeated(section: str, key: str, values: Sequence[object]) -> Iterator[str]:
    seen: dict[object, int] = {}
    for index, value in enumerate(values):
        if value in seen:
            place = f"key {section}: item {index}: key {key}"
            yield f"{place}: {value} stands at item {seen[value]} too"
        seen.setdefault(value, index)


def _faults_between_cells(cells: Iterable[HostCell]) -> Iterator[str]:
    """A CPU, and a core with all its threads, lies on one cell."""
    owners: dict[int, int] = {}
    for index, cell in enumerate(cells):
        named = (cell.shared_cpus | cell.dedicated_cpus).union(*cell.siblings)
        elsewhere = frozenset(cpu for cpu in named if owners.setdefault(cpu, index) != index)
        if elsewhere:
            yield (
                f"key cells: item {index}: the CPUs {format_cpu_list(elsewhere)} stand at item"
                f" {owners[min(elsewhere)]} too"
            )
