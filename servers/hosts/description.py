"""What a host is, as its driver, a cloud file or the admin describes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings

from servers.drivers.abilities import abilities_of
from servers.models.provider import DISK_GB, LARGEST, MEMORY_MB, PCPU, VCPU

HYPERTHREADING = "HW_CPU_HYPERTHREADING"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """The inventory of one resource class. Without ``max_unit``, one allocation may take all."""

    total: int
    reserved: int = 0
    min_unit: int = 1
    max_unit: int | None = None
    step_size: int = 1
    allocation_ratio: float = 1.0

    def columns(self) -> dict[str, Any]:
        return dataclasses.asdict(self) | {
            "max_unit": max(1, self.total) if self.max_unit is None else self.max_unit
        }


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProviderDescription:
    """A resource provider with all below it; the names are unique in the cloud.

    ``exact``: it has these inventories and traits and no others; else others stay.
    """

    name: str
    stocks: Mapping[str, Stock] = dataclasses.field(default_factory=dict)
    traits: frozenset[str] = frozenset()
    children: tuple[ProviderDescription, ...] = ()
    exact: bool = False

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
    dedicated_cpus: int = 0,
    driver: str = "fake",
    traits: frozenset[str] = frozenset(),
    children: tuple[ProviderDescription, ...] = (),
    stocks: Mapping[str, Stock] | None = None,
    hardware: HardwareDescription = HardwareDescription(),
    devices: tuple[Mapping[str, Any], ...] = (),
) -> HostDescription:
    """A host with these CPUs that guests share, memory in MiB, disk in GiB. Allocation ratios are
    those of the site. ``stocks`` are inventories beside these, or in their place.
    """
    options = settings.OPTIONS
    amounts = {
        VCPU: Stock(total=vcpus, allocation_ratio=options.cpu_allocation_ratio),
        PCPU: Stock(total=dedicated_cpus),
        MEMORY_MB: Stock(total=memory_mb, allocation_ratio=options.ram_allocation_ratio),
        DISK_GB: Stock(total=local_gb, allocation_ratio=options.disk_allocation_ratio),
    }
    used = {name: stock for name, stock in amounts.items() if stock.total or name != PCPU}
    return HostDescription(
        hypervisor_hostname=name,
        driver=driver,
        provider=ProviderDescription(
            name=name,
            stocks={**used, **(stocks or {})},
            traits=abilities_of(driver).traits | traits,
            children=children,
        ),
        hardware=hardware,
        devices=devices,
    )


__all__ = [
    "LARGEST",
    "HardwareDescription",
    "HostDescription",
    "ProviderDescription",
    "Stock",
    "describe_host",
]
