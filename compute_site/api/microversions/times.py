"""How answers write a time."""

from __future__ import annotations

from datetime import UTC, datetime


def exact_time(value: datetime | None) -> str | None:
    """In UTC, to the microsecond and without a zone, as most of the API has it."""
    if value is None:
        return None
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def whole_time(value: datetime | None) -> str | None:
    """In UTC, to the second and with the zone, as servers and images have it."""
    return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
