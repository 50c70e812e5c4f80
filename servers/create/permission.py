"""Checks whether the caller may create servers, and how many at once."""

from __future__ import annotations

from compute_site.caller import Caller
from servers.create.errors import OneServerOnly, PortQuotaExceeded, TooManyServers
from servers.create.order import ServerOrder
from servers.policies.server import CREATE, CREATE_TRUSTED_CERTS

MOST_SERVERS = 10_000
"""As many come of one request at most, also where nothing is limited."""


def permit_create(caller: Caller, order: ServerOrder) -> None:
    """Check the rules that every create request needs (docs/contract/create-flow.md A8, A9)."""
    caller.permit(CREATE)
    if order.trusted_certificates:
        caller.permit(CREATE_TRUSTED_CERTS)


def check_several(order: ServerOrder) -> None:
    """Refuse requests for several servers with a name or resource that only one server can have
    (docs/contract/create-flow.md B1).
    """
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


def limit_count(order: ServerOrder, *, by_ports: int) -> int:
    """The largest number of servers that the request can make, at least ``min_count``
    (docs/contract/create-flow.md C13).
    """
    if by_ports < order.min_count:
        raise PortQuotaExceeded(
            f"The port quota has room for {by_ports} such servers, not for {order.min_count}.",
            field="server.min_count",
        )
    if order.min_count > MOST_SERVERS:
        raise TooManyServers(
            f"One request makes {MOST_SERVERS} servers at most, not {order.min_count}.",
            field="server.min_count",
        )
    return min(by_ports, MOST_SERVERS)
