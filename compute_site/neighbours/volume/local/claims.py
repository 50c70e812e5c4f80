"""What the attachments of a volume make of its status."""

from __future__ import annotations

from collections.abc import Collection

from compute_site.neighbours.volume.models import Attachment, Volume

CLAIMED = ("reserved", "in-use", "attaching", "detaching")
RESERVED, ATTACHING, ATTACHED, DETACHING = "reserved", "attaching", "attached", "detaching"
NOT_IN_USE = (RESERVED, ATTACHING)
"""Attachments that a volume does not show yet."""
STATUS_BY_CLAIM = (
    (DETACHING, "detaching"),
    (ATTACHED, "in-use"),
    (ATTACHING, "attaching"),
    (RESERVED, "reserved"),
)
"""What the claims on a volume make of it; the first that there is counts."""


def settle(volumes: Collection[str]) -> set[str]:
    """Set the status of locked volumes by their attachments; return those that have any."""
    left = Attachment.objects.filter(volume__in=list(volumes))
    found: dict[str, set[str]] = {}
    for claimed_id, status in left.values_list("volume", "status"):
        found.setdefault(str(claimed_id), set()).add(status)
    by_status: dict[str, list[str]] = {}
    for volume_id in volumes:
        statuses = found.get(volume_id, set())
        chosen = next((word for claim, word in STATUS_BY_CLAIM if claim in statuses), "available")
        by_status.setdefault(chosen, []).append(volume_id)
    for chosen, volume_ids in by_status.items():
        changed = Volume.objects.filter(pk__in=volume_ids, status__in=CLAIMED)
        changed.exclude(status=chosen).update(status=chosen)
    return set(found)
