"""Lets one worker at a time work on a server, whatever becomes of the worker."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator

from django.db import connection

# An advisory lock belongs to the database session: a worker that is killed loses it at once, and
# nobody has to guess whether it still lives. Its first number keeps ours apart from others'.
LOCK = "SELECT pg_advisory_lock(7101, %s)"
UNLOCK = "SELECT pg_advisory_unlock(7101, %s)"


@contextlib.contextmanager
def exclusive(server_id: str) -> Iterator[None]:
    """Wait until nobody else works on the server, and keep others waiting until the end."""
    key = uuid.UUID(server_id).int % 2**31
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [key])
    try:
        yield
    finally:
        if connection.connection is not None and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute(UNLOCK, [key])
