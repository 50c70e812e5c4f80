"""The site's part while a host lets a guest see that a volume has grown."""

from __future__ import annotations

import uuid

import orjson

from compute_site.neighbours import volume_service
from compute_site.secrets.sealing import unseal
from servers.host_orders.take import find_open
from servers.models import HostAgent

GROW = "grow_disk"


def show_growth(agent: HostAgent, order_id: uuid.UUID) -> None:
    """Raises ``NoSuchOrder``: the agent is not at such an order."""
    order = find_open(agent, order_id, GROW)
    volume_id = str(orjson.loads(unseal(order.sealed))["volume_id"])
    node = agent.service.node.hypervisor_hostname
    volume_service().show_growth(volume_id, order.server_id, node)
