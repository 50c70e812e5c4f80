"""Lets only one worker at a time work on a server; a lost worker does not block it."""

from __future__ import annotations

import contextlib
import uuid

from compute_site.db.locks import Kind, hold


def exclusive(server_id: str) -> contextlib.AbstractContextManager[None]:
    """Hold the server's lock inside the block; waits while another worker holds it."""
    return hold(Kind.SERVER, uuid.UUID(server_id).int % 2**31)
