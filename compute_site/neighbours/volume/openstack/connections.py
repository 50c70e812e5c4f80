"""Connections of hosts to volumes of a Cinder: none. Hosts with agents of this site do not connect
what Cinder tells, as they have no initiator that it knows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from compute_site.neighbours.calls import outside_transactions


@outside_transactions
def connect(volume_id: str, server_id: str, node: str) -> Mapping[str, Any] | None:
    return None


@outside_transactions
def keep_connection(server_id: str, node: str) -> None:
    """There is none."""


@outside_transactions
def disconnect(server_id: str, node: str) -> None:
    """As ``keep_connection``."""


def find_connections() -> Collection[tuple[str, str]]:
    return ()


def connect_again(server_ids: Collection[str], node: str) -> None:
    """As ``keep_connection``."""


@outside_transactions
def show_growth(volume_id: str, server_id: str, node: str) -> None:
    """As ``keep_connection``."""
