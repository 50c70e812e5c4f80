"""Floating IPs, asked of the network service."""

from __future__ import annotations

from collections.abc import Sequence

from compute_site.caller import Caller
from compute_site.neighbours import network_service
from compute_site.neighbours.calls import around
from compute_site.neighbours.network.protocol import (
    FloatingIpData,
    FloatingIpQuotaReached,
    NetworkData,
    NoAddressLeft,
)
from servers.proxies.errors import (
    AmbiguousPool,
    FloatingIpsOverQuota,
    NoFloatingIpLeft,
    NoSuchFloatingIp,
    NoSuchPool,
)

DEFAULT_POOL = "nova"
"""Nova: the pool that is meant where none is named; an option there."""


def list_pools(caller: Caller) -> Sequence[NetworkData]:
    """The networks that floating IPs come from."""
    return network_service().find_pools(caller)


def list_floating_ips(caller: Caller) -> Sequence[FloatingIpData]:
    """Those of the project."""
    return network_service().find_floating_ips(caller)


def find_floating_ip(caller: Caller, floating_ip_id: str) -> FloatingIpData:
    """A floating IP of the project.

    Raises:
        NoSuchFloatingIp: there is none.
    """
    found = network_service().find_floating_ips(caller, [floating_ip_id])
    if not found:
        raise NoSuchFloatingIp(f"There is no floating IP {floating_ip_id[:80]}.")
    return found[0]


def take_floating_ip(caller: Caller, pool: str | None) -> FloatingIpData:
    """Give the project a floating IP of the pool, which is named by name or id.

    Raises:
        NoSuchPool, AmbiguousPool: none, or several, have the name.
        NoFloatingIpLeft: the pool is empty.
        FloatingIpsOverQuota: the project has too many.
    """
    word = pool or DEFAULT_POOL
    fitting = [one for one in list_pools(caller) if word in (one.id, one.name)]
    if not fitting:
        raise NoSuchPool(f"There is no floating IP pool {word[:80]}.")
    if len(fitting) > 1:
        raise AmbiguousPool(f"Several floating IP pools are named {word[:80]}; give an id.")
    try:
        with around(network_service().take_floating_ip):
            taken = network_service().take_floating_ip(caller, fitting[0].id)
    except NoAddressLeft:
        raise NoFloatingIpLeft(f"There is no floating IP left in the pool {word[:80]}.") from None
    except FloatingIpQuotaReached as error:
        raise FloatingIpsOverQuota(error.detail) from None
    return find_floating_ip(caller, taken)


def give_floating_ip_up(caller: Caller, floating_ip_id: str) -> None:
    """Raises: NoSuchFloatingIp: the project has none of this id."""
    found = find_floating_ip(caller, floating_ip_id)
    with around(network_service().give_floating_ip_up):
        network_service().give_floating_ip_up(caller, found.id)
