"""Networks in the body of ``POST /servers`` (docs/contract/create-request.md 6.1)."""

from __future__ import annotations

from typing import Any

from compute_site.api.microversions.history import History
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.texts import Ip, Tag, Text, Uuid
from compute_site.api.microversions.version import Microversion
from servers.create.order import NicOrder


class Network(VersionedSerializer):
    """An item of ``networks``: a network or a port."""

    network_id = History({"2.1": Text(key="uuid"), "2.37": Uuid(key="uuid")})
    port_id = Uuid(key="port", null=True)
    fixed_ip = Ip()
    tag = History({"2.32": Tag(), "2.37": None, "2.42": Tag()})

    def build(self, values: dict[str, Any], version: Microversion) -> NicOrder:
        return NicOrder(**values)
