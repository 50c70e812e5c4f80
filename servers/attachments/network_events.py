"""Keeps what servers remember of their cards in step with the network service."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

from compute_site.services import network_service
from compute_site.services.ids import canonical_ids
from servers.models import Instance


def refresh_cards(server_ids: Collection[str], **_: Any) -> None:
    """Read the cards of these servers anew; one that has none yet is being built and reads them
    itself.
    """
    servers = list(
        Instance.objects.alive()
        .filter(uuid__in=canonical_ids(server_ids))
        .exclude(network_info=[])
        .only("uuid", "network_info")
    )
    nics = network_service().nics([str(server.uuid) for server in servers])
    for server in servers:
        server.network_info = [dataclasses.asdict(nic) for nic in nics.get(str(server.uuid), ())]
    Instance.objects.bulk_update(servers, ["network_info"])
