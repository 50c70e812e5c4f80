"""Reads what a server has written on its console."""

from __future__ import annotations

from servers.drivers.choose import driver_of
from servers.errors import WrongState
from servers.models import ComputeNode, Instance


def read_console(instance: Instance, lines: int | None) -> str:
    """The last lines; −1 or ``None``: all.

    Raises:
        WrongState: the server is on no host.
        DriverFailed: the host cannot tell.
    """
    node = ComputeNode.objects.filter(hypervisor_hostname=instance.node or "").first()
    if instance.host is None or node is None:
        raise WrongState(f"The server {instance.uuid} is on no host yet, so it has no console.")
    output = driver_of(node.driver).read_console(str(instance.uuid), node.hypervisor_hostname)
    if lines is None or lines < 0:
        return output
    return "\n".join(output.split("\n")[-lines:]) if lines else ""
