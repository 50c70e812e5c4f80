"""The QoS rules of ports, as they are read."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from compute_site.neighbours.network.models import Port, QosRule

OF_NETWORKS = "network:"
"""Owners of ports to which the policy of their network does not apply."""


def policy_of(port: Port) -> uuid.UUID | None:
    """The policy of the port (``port`` comes with its ``network``)."""
    if port.qos_policy_id is not None or port.device_owner.startswith(OF_NETWORKS):
        return port.qos_policy_id
    return port.network.qos_policy_id


def rules_of(policy_ids: Collection[uuid.UUID | None]) -> dict[uuid.UUID | None, list[QosRule]]:
    found: dict[uuid.UUID | None, list[QosRule]] = {}
    for rule in QosRule.objects.filter(policy__in=policy_ids).order_by("kind", "direction"):
        found.setdefault(rule.policy_id, []).append(rule)
    return found
