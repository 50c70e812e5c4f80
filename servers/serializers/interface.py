"""The ports of a server: in answers, and as they are asked for."""

from __future__ import annotations

from typing import Any

from compute_site.api.microversions.answers import (
    TEXT,
    TEXT_OR_NULL,
    UUID,
    AnswerSerializer,
    Shown,
)
from compute_site.api.microversions.containers import ListOf
from compute_site.api.microversions.history import History
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.texts import Ip, Tag, Uuid
from compute_site.api.microversions.version import Microversion
from compute_site.neighbours.network.protocol import NicRequest


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


class WantedAddress(VersionedSerializer):
    address = Ip(key="ip_address", required=True)


class NewInterface(VersionedSerializer):
    network_id = Uuid(key="net_id")
    port_id = Uuid()
    fixed_ips = ListOf(WantedAddress, 1, 1)
    tag = History({"2.49": Tag()})


class InterfaceCreate(VersionedSerializer):
    """The body; the result is a ``NicRequest``, which may name nothing at all."""

    attachment = NewInterface(key="interfaceAttachment", default={})

    def build(self, values: dict[str, Any], version: Microversion) -> NicRequest:
        wanted = dict(values["attachment"])
        addresses = wanted.pop("fixed_ips", [])
        fixed_ip = addresses[0]["address"] if addresses else None
        return NicRequest(fixed_ip=fixed_ip, **wanted)
