"""Signals that the NICs of servers have changed, for those who cache them.

A remote network service tells Nova the same by ``os-server-external-events``.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.dispatch import Signal

nics_changing = Signal()
"""Sent in the same transaction before anything is written, with ``server_ids``."""

nics_changed = Signal()
"""Sent within the transaction of the change, with ``server_ids``."""


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
