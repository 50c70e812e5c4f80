"""The ports of a server in answers."""

from __future__ import annotations

from compute_site.microversions.answers import (
    TEXT,
    TEXT_OR_NULL,
    UUID,
    AnswerSerializer,
    Shown,
)
from compute_site.microversions.history import History


class InterfaceAnswer(AnswerSerializer):
    """A port of a server."""

    net_id = Shown(UUID, "network_id")
    port_id = Shown(UUID, "id")
    mac_addr = Shown(TEXT, "mac")
    port_state = Shown(TEXT, "status")
    fixed_ips = Shown(
        {"type": "array", "items": {"type": "object"}},
        lambda port, _: [
            {"subnet_id": subnet, "ip_address": address} for subnet, address in port.addresses
        ],
    )
    tag = History({"2.70": Shown(TEXT_OR_NULL)})
