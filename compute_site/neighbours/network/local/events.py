"""Tells whoever remembers the cards of servers that they are not the same any more.

A network service elsewhere tells Nova the same by ``os-server-external-events``.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.dispatch import Signal

cards_changing = Signal()
"""Sent in the same transaction before anything is written, with ``server_ids``."""

cards_changed = Signal()
"""Sent within the transaction of the change, with ``server_ids``."""


def tell_changing(server_ids: Iterable[str]) -> None:
    """Call this before ports are written: whoever remembers cards takes its locks first, in the
    order in which a change of servers takes them.
    """
    _tell(cards_changing, server_ids)


def tell_changed(server_ids: Iterable[str]) -> None:
    """``server_ids`` as ports have them; the empty one is nobody's."""
    _tell(cards_changed, server_ids)


def _tell(signal: Signal, server_ids: Iterable[str]) -> None:
    told = {server_id for server_id in server_ids if server_id}
    if told:
        signal.send(sender=None, server_ids=told)
