"""Checks whether the database has the tables of this release."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from compute_site.db.locks import Lock, is_held

POLL_SECONDS = 0.5


def is_migrated() -> bool:
    """Has every migration been applied?"""
    return _all_migrations() <= MigrationRecorder(connection).applied_migrations().keys()


def wait_for_tables(tell: Callable[[], None]) -> None:
    """Wait until ``is_complete``; ``tell`` is called before a wait."""
    if is_complete():
        return
    tell()
    while not is_complete():
        time.sleep(POLL_SECONDS)


def is_complete() -> bool:
    """Has every migration been applied, and has its process ended, which writes permissions and
    other first rows after the last migration?
    """
    return is_migrated() and not is_held(Lock.MIGRATION)


@functools.cache
def _all_migrations() -> frozenset[tuple[str, str]]:
    """By app and name. Found once: to look at all files takes longer than a request may."""
    return frozenset(MigrationLoader(None).graph.nodes)
