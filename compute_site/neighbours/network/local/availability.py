"""How many addresses networks have, and how many of them are in use."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Sequence

from django.db.models import Count, Prefetch, Q, QuerySet

from compute_site.neighbours.network.models import Network, Subnet


@dataclasses.dataclass(frozen=True, slots=True)
class SubnetUse:
    """A subnet, the addresses of its allocation pools, and those that ports have in it."""

    subnet: Subnet
    total: int
    used: int


@dataclasses.dataclass(frozen=True, slots=True)
class NetworkUse:
    """A network and the use of its subnets."""

    network: Network
    subnets: Sequence[SubnetUse]

    @property
    def total(self) -> int:
        return sum(use.total for use in self.subnets)

    @property
    def used(self) -> int:
        return sum(use.used for use in self.subnets)


def find_use(networks: QuerySet[Network], within: Q | None = None) -> list[NetworkUse]:
    """The use of the networks, sorted by name; of the subnets that are ``within`` alone, if that is
    given. Three statements.
    """
    subnets = Subnet.objects.filter(within or Q()).order_by("created_at", "pk")
    subnets = subnets.annotate(used=Count("fixed_ips"))
    found = networks.order_by("name", "pk").prefetch_related(Prefetch("subnets", subnets))
    return [
        NetworkUse(
            network,
            [
                SubnetUse(subnet, _size(subnet), getattr(subnet, "used", 0))
                for subnet in network.subnets.all()
            ],
        )
        for network in found
    ]


def _size(subnet: Subnet) -> int:
    ends = (
        (int(ipaddress.ip_address(pool["start"])), int(ipaddress.ip_address(pool["end"])))
        for pool in subnet.allocation_pools
    )
    return sum(last - first + 1 for first, last in ends)
