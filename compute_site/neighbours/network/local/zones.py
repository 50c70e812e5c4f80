"""The availability zones of networks and routers, which are hints where to carry them."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings

from compute_site.faults import NotFound


class UnknownZone(NotFound):
    """A hint names no zone."""

    code = "unknown_zone"


def zones() -> Sequence[str]:
    names: tuple[str, ...] = settings.OPTIONS.network_availability_zones
    return names


def check_hints(hints: Sequence[str] | None) -> None:
    """Raises ``UnknownZone`` where one of the hints is no zone."""
    for hint in hints or ():
        if hint not in zones():
            raise UnknownZone(
                f"There is no availability zone {hint[:60]}; there are {', '.join(zones())}.",
                field="availability_zone_hints",
            )
