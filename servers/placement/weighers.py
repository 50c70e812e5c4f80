"""How good a host is among those that will do, by the names and options of Nova's weighers.

Each weigher gives a number. The numbers of all hosts are brought between 0 and 1, multiplied as the
option of the weigher says (or the metadata of the host's aggregates under that name), and added.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from django.conf import settings

from servers.models.server_group import Policy
from servers.placement.demand import Demand
from servers.placement.rules import number_of
from servers.placement.state import HostState

Weigh = Callable[[Demand, HostState, int], float]
MOST_DEVICES = 100


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Weigher:
    """``least``: what counts as 0; else the lowest number does. ``sign``: of the multiplier.
    ``policy``: it is for server groups of this policy alone.
    """

    name: str
    option: str
    weigh: Weigh
    policy: str = ""
    least: float | None = None
    sign: int = 1


def _memory(demand: Demand, host: HostState, taken: int) -> float:
    given = taken and taken * demand.resources.total("MEMORY_MB")
    return max(0, host.free_ram_mb - given)


def _cpus(demand: Demand, host: HostState, taken: int) -> float:
    given = taken and taken * demand.resources.total("VCPU")
    return max(0, host.free_vcpus - given)


def _disk(demand: Demand, host: HostState, taken: int) -> float:
    given = taken and taken * demand.resources.total("DISK_GB")
    return max(0, host.free_disk_mb - given * 1024)


def _operations(_: Demand, host: HostState, taken: int) -> float:
    return host.io_ops + taken


def _devices(_: Demand, host: HostState, taken: int) -> float:
    """Hosts with devices are for servers that ask for some."""
    return MOST_DEVICES - min(max(0, host.free_devices - taken), MOST_DEVICES - 1)


def _version(_: Demand, host: HostState, taken: int) -> float:  # noqa: ARG001 - one signature
    return host.hypervisor_version


def _servers(_: Demand, host: HostState, taken: int) -> float:
    return host.running_vms + taken


def _like_images(_: Demand, host: HostState, taken: int) -> float:  # noqa: ARG001 - one signature
    return host.like_images


def read_weights(setting: Sequence[str]) -> dict[str, float]:
    """The option ``image_props_weight_setting``: pairs such as ``os_distro=2``.

    Raises:
        ValueError: one of them is no such pair; it is named.
    """
    found = {}
    for pair in setting:
        name, _, number = pair.partition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError as fault:
            raise ValueError(f"{pair} is no pair such as os_distro=2") from fault
    return found


def _near_group(_: Demand, host: HostState, taken: int) -> float:
    return host.members + taken


def _far_from_group(_: Demand, host: HostState, taken: int) -> float:
    return -(host.members + taken)


def _failures(_: Demand, host: HostState, taken: int) -> float:  # noqa: ARG001 - one signature
    return host.failed_builds


WEIGHERS: tuple[Weigher, ...] = (
    Weigher(name="RAMWeigher", option="ram_weight_multiplier", weigh=_memory, least=0),
    Weigher(name="CPUWeigher", option="cpu_weight_multiplier", weigh=_cpus, least=0),
    Weigher(name="DiskWeigher", option="disk_weight_multiplier", weigh=_disk, least=0),
    Weigher(name="IoOpsWeigher", option="io_ops_weight_multiplier", weigh=_operations, least=0),
    Weigher(name="PCIWeigher", option="pci_weight_multiplier", weigh=_devices),
    Weigher(
        name="HypervisorVersionWeigher",
        option="hypervisor_version_weight_multiplier",
        weigh=_version,
    ),
    Weigher(name="NumInstancesWeigher", option="num_instances_weight_multiplier", weigh=_servers),
    Weigher(
        name="ImagePropertiesWeigher",
        option="image_props_weight_multiplier",
        weigh=_like_images,
    ),
    Weigher(
        name="ServerGroupSoftAffinityWeigher",
        option="soft_affinity_weight_multiplier",
        weigh=_near_group,
        policy=Policy.SOFT_AFFINITY,
    ),
    Weigher(
        name="ServerGroupSoftAntiAffinityWeigher",
        option="soft_anti_affinity_weight_multiplier",
        weigh=_far_from_group,
        policy=Policy.SOFT_ANTI_AFFINITY,
    ),
    Weigher(
        name="BuildFailureWeigher",
        option="build_failure_weight_multiplier",
        weigh=_failures,
        sign=-1,
    ),
)


class Scale:
    """Weighs the hosts of one search. What counts as 0 and as 1 is set by the hosts as they were
    read, so that a host that has been given a server is weighed anew without the others.
    """

    def __init__(self, demand: Demand, hosts: Sequence[HostState]) -> None:
        self.demand = demand
        self.hosts = hosts
        self.parts = list(_parts(demand, hosts))

    def weigh_all(self) -> list[float]:
        """The weight of each host as it was read."""
        weights = [0.0] * len(self.hosts)
        for part in self.parts:
            for index, number in enumerate(part.numbers):
                weights[index] += part.share(self.hosts[index], number)
        return weights

    def weigh(self, host: HostState, taken: int) -> float:
        """The weight of a host with so many servers of the search on it."""
        weight = 0.0
        for part in self.parts:
            weight += part.share(host, part.weigher.weigh(self.demand, host, taken))
        return weight


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A weigher in one search: its multiplier, whether aggregates have others (``overridden``), the
    number that counts as 0 and the distance to 1. ``numbers`` are those of the hosts as read.
    """

    weigher: Weigher
    multiplier: float
    overridden: bool
    low: float
    width: float
    numbers: Sequence[float]

    def share(self, host: HostState, number: float) -> float:
        """What this number adds to the weight of the host."""
        factor = self.multiplier
        if self.overridden:
            factor = number_of(host, self.weigher.option, factor)
        return self.weigher.sign * factor * ((number - self.low) / (self.width or 1.0))


def _parts(demand: Demand, hosts: Sequence[HostState]) -> Iterator[Part]:
    """Of the weighers that can tell hosts apart."""
    options = settings.OPTIONS
    policy = demand.group.policy if demand.group is not None else ""
    named = {key for host in hosts for metadata in host.aggregates for key in metadata}
    for weigher in WEIGHERS:
        multiplier: float = getattr(options, weigher.option)
        overridden = weigher.option in named
        if (multiplier or overridden) and weigher.policy in ("", policy):
            part = _part(weigher, demand, hosts, multiplier, overridden)
            if part.width or weigher.policy:  # servers of the search count as members too
                yield part


def _part(
    weigher: Weigher,
    demand: Demand,
    hosts: Sequence[HostState],
    multiplier: float,
    overridden: bool,
) -> Part:
    numbers = [weigher.weigh(demand, host, 0) for host in hosts]
    low = min(numbers, default=0.0) if weigher.least is None else weigher.least
    return Part(
        weigher=weigher,
        multiplier=multiplier,
        overridden=overridden,
        low=low,
        width=max(numbers, default=low) - low,
        numbers=numbers,
    )
