"""Locks single rows of the service before they are changed."""

from __future__ import annotations

import uuid
from typing import TypeVar

from django.db.models import Model, QuerySet

from compute_site.faults import NotFound

Row = TypeVar("Row", bound=Model)


def lock_row(rows: QuerySet[Row], row_id: uuid.UUID, noun: str) -> Row:
    """The row as it is now; others that change it wait.

    Raises:
        NotFound: it has been deleted meanwhile.
    """
    locked = rows.select_for_update(of=("self",)).filter(pk=row_id).first()
    if locked is None:
        raise NotFound(f"There is no {noun} {row_id}.")
    return locked
