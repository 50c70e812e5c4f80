"""The NICs of a server from its ``network_info``, and their addresses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from servers.errors import NoSuchItem
from servers.models import Instance

NicInfo = dict[str, Any]
"""``port_id``, ``network_id``, ``label``, ``mac``, ``addresses`` (pairs of address and version),
``security_groups`` (names), ``tag``, ``floating`` (addresses that lead to it from outside)."""


def nics_of(network_info: str) -> list[NicInfo]:
    """The NICs from the text of their column."""
    nics: list[NicInfo] = orjson.loads(network_info)
    return nics


def addresses_of(nics: Iterable[NicInfo], *, extended: bool = True) -> dict[str, list[Any]]:
    """Addresses by the name of their network; ``extended``: with the NIC's MAC address."""
    addresses: dict[str, list[Any]] = {}
    for nic in nics:
        shown = addresses.setdefault(nic["label"], [])
        for kind, pairs in (
            ("fixed", nic["addresses"]),
            ("floating", [(address, 4) for address in nic.get("floating", ())]),
        ):
            more = {"OS-EXT-IPS:type": kind, "OS-EXT-IPS-MAC:mac_addr": nic["mac"]}
            shown.extend(
                {"version": version, "addr": address, **(more if extended else {})}
                for address, version in pairs
            )
    return addresses


def find_network(instance: Instance, label: str) -> list[Any]:
    """The addresses of a server on the network of that name.

    Raises:
        NoSuchItem: the server has no NIC there.
    """
    addresses = addresses_of(instance.network_info, extended=False)
    if label not in addresses:
        raise NoSuchItem(f"The server {instance.uuid} is not on a network {label[:255]!r}.")
    return addresses[label]
