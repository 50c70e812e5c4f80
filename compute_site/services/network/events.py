"""Tells whoever remembers the cards of servers that they are not the same any more.

A network service elsewhere tells Nova the same by ``os-server-external-events``.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.dispatch import Signal

cards_changed = Signal()
"""Sent within the transaction of the change, with ``server_ids``."""


def tell_changed(server_ids: Iterable[str]) -> None:
    """``server_ids`` as ports have them; the empty one is nobody's."""
    told = {server_id for server_id in server_ids if server_id}
    if told:
        cards_changed.send(sender=None, server_ids=told)
