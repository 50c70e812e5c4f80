"""Signals that the NICs of servers have changed, for those who cache them.

A remote network service tells Nova the same by ``os-server-external-events``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from django.dispatch import Signal

nics_changing = Signal()
"""Sent in the same transaction before anything is written, with ``server_ids``."""

nics_changed = Signal()
"""Sent within the transaction of the change, with ``server_ids``."""

wires_changed = Signal()
"""Sent within the transaction of a change to what hosts carry, with ``find_carriers``, which tells
the hosts that must know of it, and the networks that each has to ask about. It is called only where
there are such hosts, since it costs statements.
"""

Carriers = Mapping[str, Iterable[str]]


def tell_hosts(find_carriers: Callable[[], Carriers]) -> None:
    """Call this while what changes still stands in the tables, or when it does already."""
    wires_changed.send(sender=None, find_carriers=find_carriers)


def tell_changing(server_ids: Iterable[str]) -> None:
    """Call this before ports are written, so that the receiver locks the servers first: a change
    of a server takes the locks in this order, too.
    """
    _tell(nics_changing, server_ids)


def tell_changed(server_ids: Iterable[str]) -> None:
    """Call this after ports were written. ``server_ids`` are the ports' ``device_id``s; empty ones
    are ignored.
    """
    _tell(nics_changed, server_ids)


def _tell(signal: Signal, server_ids: Iterable[str]) -> None:
    told = {server_id for server_id in server_ids if server_id}
    if told:
        signal.send(sender=None, server_ids=told)
