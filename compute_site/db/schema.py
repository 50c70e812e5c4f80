"""Checks whether the database has the tables of this release."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

POLL_SECONDS = 0.5


def is_migrated() -> bool:
    """Has every migration been applied?"""
    return _all_migrations() <= MigrationRecorder(connection).applied_migrations().keys()


def wait_for_tables(tell: Callable[[], None]) -> None:
    """Wait until every migration has been applied; ``tell`` is called before a wait."""
    if is_migrated():
        return
    tell()
    while not is_migrated():
        time.sleep(POLL_SECONDS)


@functools.cache
def _all_migrations() -> frozenset[tuple[str, str]]:
    """By app and name. Found once: to look at all files takes longer than a request may."""
    return frozenset(MigrationLoader(None).graph.nodes)
