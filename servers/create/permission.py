"""May the caller create servers at all, and how many together?"""

from __future__ import annotations

from compute_site.identity.caller import Caller
from servers.create.order import ServerOrder
from servers.errors import OneServerOnly
from servers.policies.server import CREATE, CREATE_TRUSTED_CERTS


def permit_create(caller: Caller, order: ServerOrder) -> None:
    """Ask the rules that hold whatever the details (A8, A9)."""
    caller.permit(CREATE)
    if order.trusted_certificates:
        caller.permit(CREATE_TRUSTED_CERTS)


def check_several(order: ServerOrder) -> None:
    """Refuse what only one server can have when more than one may come of it (B1)."""
    if order.max_count == 1:
        return
    for index, nic in enumerate(order.networks if isinstance(order.networks, tuple) else ()):
        if nic.fixed_ip is not None:
            raise OneServerOnly(
                f"Several servers cannot share the address {nic.fixed_ip}.",
                field=f"server.networks.{index}.fixed_ip",
            )
        if nic.port_id is not None:
            raise OneServerOnly(
                f"Several servers cannot share the port {nic.port_id}.",
                field=f"server.networks.{index}.port",
            )
    if order.hostname:
        raise OneServerOnly(
            f"Several servers cannot share the host name {order.hostname}; leave hostname out.",
            field="server.hostname",
        )
