"""Checks whether the database has the tables of this release."""

from __future__ import annotations

import functools

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


def is_migrated() -> bool:
    """Has every migration been applied?"""
    return _all_migrations() <= MigrationRecorder(connection).applied_migrations().keys()


@functools.cache
def _all_migrations() -> frozenset[tuple[str, str]]:
    """By app and name. Found once: to look at all files takes longer than a request may."""
    return frozenset(MigrationLoader(None).graph.nodes)
