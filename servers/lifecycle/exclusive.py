"""Lets one worker at a time work on a server, whatever becomes of the worker."""

from __future__ import annotations

import contextlib
import uuid

from compute_site.db.locks import Kind, hold


def exclusive(server_id: str) -> contextlib.AbstractContextManager[None]:
    """Wait until nobody else works on the server, and keep others waiting until the end."""
    return hold(Kind.SERVER, uuid.UUID(server_id).int % 2**31)
