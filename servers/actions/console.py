"""Reads what a server has written on its console."""

from __future__ import annotations

from servers.drivers.choose import NodeUnknown, driver_at
from servers.drivers.protocol import ComputeDriver
from servers.errors import WrongState
from servers.models import Instance


def read_console(instance: Instance, lines: int | None) -> str:
    """The last lines; −1 or ``None``: all.

    Raises:
        WrongState: the server is on no host.
        DriverFailed: the host cannot tell.
    """
    output = driver_with_console(instance).read_console(str(instance.uuid), str(instance.node))
    if lines is None or lines < 0:
        return output
    return "\n".join(output.split("\n")[-lines:]) if lines else ""


def driver_with_console(instance: Instance) -> ComputeDriver:
    """The driver of the server's host; raises ``WrongState`` where the server is on none."""
    reason = f"The server {instance.uuid} runs on no host, so it has no console."
    if instance.host is None:
        raise WrongState(reason)
    try:
        return driver_at(instance.node)
    except NodeUnknown:
        raise WrongState(reason) from None
