"""Which module drives a host: the ``driver`` of its node decides."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import cast

from servers.drivers.protocol import ComputeDriver, DriverFailed
from servers.models import ComputeNode, Instance

AGENT = "agent"
DRIVERS = {"fake": "servers.drivers.fake", AGENT: "servers.drivers.agent"}


def driver_of(name: str) -> ComputeDriver:
    """The driver of that name.

    Raises:
        DriverFailed: there is none.
    """
    if name not in DRIVERS:
        raise DriverFailed(f"No driver {name!r} is known here; there are: {', '.join(DRIVERS)}.")
    return cast("ComputeDriver", import_module(DRIVERS[name]))


def are_slow(names: Iterable[str]) -> bool:
    """Do calls of one of these drivers take so long that several should be made at once?"""
    return any(driver_of(name).is_slow() for name in set(names) & DRIVERS.keys())


class NodeUnknown(DriverFailed):
    """There is no such node, or not any more."""

    code = "node_unknown"


def driver_at(node: str | None) -> ComputeDriver:
    """The driver of the node of that name.

    Raises:
        DriverFailed: nobody knows that node, or its driver.
    """
    return driver_of(driver_name_at(node))


FindDriver = Callable[[Instance], ComputeDriver | None]
"""The driver of a server's node; ``None``: no host has it, or its node is not known any more."""


def finding_driver() -> FindDriver:
    """Looks up each node once: for a request that needs to know the driver in several places."""
    look_up = functools.cache(lambda node: drivers_at([node]).get(node))
    return lambda instance: look_up(instance.node) if instance.host else None


def driver_name_at(node: str | None) -> str:
    """The name of the node's driver; raises ``NodeUnknown``."""
    name = ComputeNode.objects.filter(hypervisor_hostname=node or "").values_list("driver").first()
    if name is None:
        raise NodeUnknown(f"The node {node} is not known any more.")
    return str(name[0])


def has_agent(node: str | None) -> bool:
    """Does an agent drive the node of that name? One that nobody knows has none."""
    nodes = ComputeNode.objects.filter(hypervisor_hostname=node or "", driver=AGENT)
    return nodes.exists()


def drivers_at(nodes: Iterable[str | None]) -> dict[str, ComputeDriver]:
    """The drivers of those of the nodes that are known, by their names, in the order in which the
    nodes came (one statement).

    Raises:
        DriverFailed: nobody knows such a driver.
    """
    known = ComputeNode.objects.filter(hypervisor_hostname__in=[node for node in nodes if node])
    rows = known.order_by("pk").values_list("hypervisor_hostname", "driver")
    return {node: driver_of(driver) for node, driver in rows}
