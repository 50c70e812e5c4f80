"""What a host is, as its driver, a cloud file or the admin describes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings

from servers.drivers.abilities import abilities_of
from servers.models.provider import DISK_GB, MEMORY_MB, PCPU, USUAL_CLASSES, VCPU, Inventory

RATIO_OPTIONS = {
    VCPU: "cpu_allocation_ratio",
    MEMORY_MB: "ram_allocation_ratio",
    DISK_GB: "disk_allocation_ratio",
}
"""The options with the allocation ratios of hosts that are made without one."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """The inventory of one resource class. What is ``None`` stays as it is; in a new inventory
    nothing is reserved, one allocation may take all, in steps of 1, and the ratio is the site's.
    A total of 0 means that there is no inventory, but for the classes that every host has.
    """

    total: int
    reserved: int | None = None
    min_unit: int | None = None
    max_unit: int | None = None
    step_size: int | None = None
    allocation_ratio: float | None = None

    def exists_as(self, resource_class: str) -> bool:
        """Has the provider an inventory of this class?"""
        return self.total > 0 or resource_class in USUAL_CLASSES

    def columns(self, resource_class: str, known: Inventory | None = None) -> dict[str, Any]:
        """Of the row; ``known`` is the one that there is."""
        option = RATIO_OPTIONS.get(resource_class)
        all_of_it = max(1, self.total)
        columns = {
            "reserved": 0,
            "min_unit": 1,
            "max_unit": all_of_it,
            "step_size": 1,
            "allocation_ratio": getattr(settings.OPTIONS, option) if option else 1.0,
        }
        if known is not None:
            columns = {name: getattr(known, name) for name in columns}
            if known.max_unit == max(1, known.total):
                columns["max_unit"] = all_of_it
        given = dataclasses.asdict(self)
        return columns | {name: value for name, value in given.items() if value is not None}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProviderDescription:
    """A resource provider with all below it; the names are unique in the cloud.

    ``all_stocks``, ``all_traits``: it has no others than these; else others stay. Providers below
    that are not described stay.
    """

    name: str
    stocks: Mapping[str, Stock] = dataclasses.field(default_factory=dict)
    traits: frozenset[str] = frozenset()
    children: tuple[ProviderDescription, ...] = ()
    all_stocks: bool = False
    all_traits: bool = False

    def walk(self) -> Iterator[ProviderDescription]:
        yield self
        for child in self.children:
            yield from child.walk()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HardwareDescription:
    """As the columns of ``HostHardware``. Where something is left out, the driver's is taken."""

    hypervisor_type: str | None = None
    hypervisor_version: int | None = None
    supported_instances: tuple[tuple[str, str, str], ...] | None = None
    cpu_info: Mapping[str, Any] | None = None
    host_ip: str | None = None
    numa_topology: Mapping[str, Any] | None = None

    def columns(self, driver: str) -> dict[str, Any]:
        known = abilities_of(driver)
        supported = self.supported_instances
        if supported is None:
            supported = known.supported_instances
        return {
            "hypervisor_type": self.hypervisor_type or known.hypervisor_type,
            "hypervisor_version": self.hypervisor_version or known.hypervisor_version,
            "supported_instances": [list(kind) for kind in supported],
            "cpu_info": dict(known.cpu_info if self.cpu_info is None else self.cpu_info),
            "host_ip": self.host_ip,
            "numa_topology": self.numa_topology,
        }


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HostDescription:
    """A compute node. ``devices`` are the PCI devices, in the form of ``PciDevice.description``."""

    hypervisor_hostname: str
    provider: ProviderDescription
    driver: str = "fake"
    hardware: HardwareDescription = HardwareDescription()
    devices: tuple[Mapping[str, Any], ...] = ()


def describe_host(
    name: str,
    *,
    vcpus: int,
    memory_mb: int,
    local_gb: int,
    dedicated_cpus: int | None = None,
    driver: str = "fake",
    traits: frozenset[str] = frozenset(),
    children: tuple[ProviderDescription, ...] = (),
    stocks: Mapping[str, Stock] | None = None,
    hardware: HardwareDescription = HardwareDescription(),
    devices: tuple[Mapping[str, Any], ...] = (),
    all_stocks: bool = False,
    all_traits: bool = False,
) -> HostDescription:
    """A host with these CPUs that guests share, memory in MiB, disk in GiB. ``stocks`` are
    inventories beside these, or in their place; ``traits`` are those beside the driver's.
    """
    amounts = {VCPU: vcpus, PCPU: dedicated_cpus, MEMORY_MB: memory_mb, DISK_GB: local_gb}
    usual = {name: Stock(total=amount) for name, amount in amounts.items() if amount is not None}
    return HostDescription(
        hypervisor_hostname=name,
        driver=driver,
        provider=ProviderDescription(
            name=name,
            stocks={**usual, **(stocks or {})},
            traits=abilities_of(driver).traits | traits,
            children=children,
            all_stocks=all_stocks,
            all_traits=all_traits,
        ),
        hardware=hardware,
        devices=devices,
    )
