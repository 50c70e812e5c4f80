"""Ends the move of a volume in use: Cinder had asked compute to swap it for the one that takes what
it holds.
"""

from __future__ import annotations

import logging

from compute_site.neighbours.calls import outside_transactions
from compute_site.neighbours.elsewhere.faults import Refused
from compute_site.neighbours.volume.openstack.attach import (
    act,
    attach,
    detach,
    find_attachments,
    stop_detaching,
)
from compute_site.neighbours.volume.openstack.service import CINDER
from compute_site.neighbours.volume.protocol import Swap

logger = logging.getLogger(__name__)


@outside_transactions
def finish_swap(swap: Swap) -> str:
    held = find_attachments(instance_id=swap.server_id, volume_id=swap.old_id)
    if any(entry["id"] == swap.claim for entry in held):  # Cinder has come to its end before
        return swap.old_id
    attach(swap.server_id, {swap.new_id: swap.device})
    detach(swap.server_id, swap.old_id)
    try:
        return _complete(swap, failed=False)
    except Refused as refused:
        logger.warning("the move of volume %s does not end: %s", swap.old_id, refused.detail)
        return swap.new_id


@outside_transactions
def give_up_swap(swap: Swap) -> None:
    stop_detaching(swap.server_id, swap.old_id)
    detach(swap.server_id, swap.new_id)
    try:
        _complete(swap, failed=True)
    except Refused as refused:
        logger.warning("the move of volume %s has ended already: %s", swap.old_id, refused.detail)


def _complete(swap: Swap, *, failed: bool) -> str:
    """Tell Cinder how it went; return the id of the volume that the server has."""
    action = "os-migrate_volume_completion"
    body = act(swap.old_id, action, new_volume=swap.new_id, error=failed)
    return CINDER.understand(body, lambda shown: str(shown["save_volume_id"]))
