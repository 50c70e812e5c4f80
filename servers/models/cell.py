"""Cells: groups of hosts. ``cell0`` has no hosts; servers that could not be placed are in it."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models

CELL0 = "cell0"
CELL1 = "cell1"


class Cell(models.Model):
    """A cell; ``cell0`` and ``cell1`` always exist."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    name = models.CharField(max_length=255, unique=True)
    disabled = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.name


def make_cells(using: str = "default", **_: Any) -> None:
    """Make ``cell0`` and ``cell1`` if they are missing; runs after each ``migrate``."""
    Cell.objects.using(using).bulk_create(
        [Cell(name=CELL0), Cell(name=CELL1)], ignore_conflicts=True
    )
