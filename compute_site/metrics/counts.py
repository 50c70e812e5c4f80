"""Reads what all processes have counted."""

from __future__ import annotations

import json

from compute_site.metrics.models import Counter


def read_counts() -> list[tuple[str, list[str], float]]:
    """Name, labels and value of each counter, in order (one statement)."""
    return [
        (row.name, json.loads(row.labels), row.value)
        for row in Counter.objects.order_by("name", "labels")
    ]
