"""Lets only one worker at a time work on a server; a lost worker does not block it."""

from __future__ import annotations

import contextlib
import uuid

from compute_site.db.locks import Kind, hold


def exclusive(*server_ids: str) -> contextlib.AbstractContextManager[None]:
    """Hold the servers' locks inside the block; waits while another worker holds one."""
    return hold(Kind.SERVER, *map(key_of, server_ids))


def key_of(server_id: str) -> int:
    """The second number of the server's lock."""
    return uuid.UUID(server_id).int % 2**31
