"""Formats times for answers."""

from __future__ import annotations

from datetime import UTC, datetime


def exact_time(value: datetime | None) -> str | None:
    """UTC with microseconds and without a zone, the format in most answers of the API."""
    if value is None:
        return None
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def whole_time(value: datetime | None) -> str | None:
    """UTC in whole seconds with the zone, the format of servers and images."""
    return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
