"""Adds and removes addresses of a server, for old clients that do not use the network service."""

from __future__ import annotations

from collections.abc import Callable

from compute_site.caller import Caller
from compute_site.neighbours import network_service
from compute_site.neighbours.network.protocol import FloatingIpData, NicFailed
from servers.attachments.errors import AddressNotHeld, FloatingIpElsewhere, NoSuchFloatingIp
from servers.attachments.network_events import change_nics
from servers.lifecycle.acting import acting_for
from servers.lifecycle.guard import check_unlocked
from servers.models import Instance


def add_fixed_ip(caller: Caller, instance: Instance, network_id: str) -> None:
    """Add an address on a network in which the server has a port.

    Raises:
        ServerLocked: 409.
        AddressNotHeld: it has no port there, or no address is left.
    """
    check_unlocked(caller, instance)

    def add() -> None:
        owner = acting_for(caller, instance)
        if not network_service().add_address(owner, str(instance.uuid), network_id):
            raise AddressNotHeld(
                f"The server {instance.uuid} has no port on a network {network_id[:36]!r}.",
                field="addFixedIp.networkId",
            )

    _change(instance, add)


def remove_fixed_ip(caller: Caller, instance: Instance, address: str) -> None:
    """Raises ``ServerLocked``, and ``AddressNotHeld`` where the server has no such address."""
    check_unlocked(caller, instance)

    def remove() -> None:
        owner = acting_for(caller, instance)
        if not network_service().remove_address(owner, str(instance.uuid), address):
            raise AddressNotHeld(
                f"The server {instance.uuid} has no address {address}.",
                field="removeFixedIp.address",
            )

    _change(instance, remove)


def add_floating_ip(
    caller: Caller, instance: Instance, address: str, fixed_address: str | None = None
) -> None:
    """Associate a floating IP with the server's first IPv4 address, or with the named one.

    Raises:
        AddressNotHeld: the server has no such address, or it has another floating IP.
        NoSuchFloatingIp: 404.
    """
    fixed = _choose_fixed(instance, fixed_address)
    floating = _find_floating(caller, address)
    others = [floating.server_id] if floating.server_id else []

    def lend() -> None:
        network_service().lend_floating_ip(caller, floating.id, str(instance.uuid), fixed)

    _change(instance, lend, *others)


def remove_floating_ip(caller: Caller, instance: Instance, address: str) -> None:
    """Disassociate the floating IP.

    Raises:
        NoSuchFloatingIp: 404.
        FloatingIpElsewhere: it is not associated with this server.
    """
    floating = _find_floating(caller, address)
    if floating.server_id != str(instance.uuid):
        raise FloatingIpElsewhere(
            f"The floating IP {address} does not lead to the server {instance.uuid}."
        )
    _change(instance, lambda: network_service().take_back_floating_ip(caller, floating.id))


def _change(instance: Instance, act: Callable[[], None], *others: str) -> None:
    """Make the change, and read the NICs of these servers again."""
    try:
        change_nics([str(instance.uuid), *others], act)
    except NicFailed as failure:
        raise AddressNotHeld(failure.detail) from failure


def _choose_fixed(instance: Instance, asked: str | None) -> str:
    held = [address for nic in instance.network_info for address, _ in nic["addresses"]]
    fitting = [address for address in held if address == asked or (not asked and "." in address)]
    if not fitting:
        wanted = f"address {asked}" if asked else "IPv4 address"
        raise AddressNotHeld(f"The server {instance.uuid} has no {wanted}.")
    return str(fitting[0])


def _find_floating(caller: Caller, address: str) -> FloatingIpData:
    floating = network_service().find_floating_ip(caller, address)
    if floating is None:
        raise NoSuchFloatingIp(f"The project has no floating IP {address}.")
    return floating
