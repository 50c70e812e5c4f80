"""The body of ``PUT /servers/{id}``."""

from __future__ import annotations

from typing import Any

from compute_site.api.microversions.fields import Choice
from compute_site.api.microversions.history import History
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.texts import (
    Fqdn,
    Ipv4,
    Ipv6,
    Label,
    LooseName,
    Name,
    Printable,
    Text,
)
from compute_site.api.microversions.version import Microversion
from servers.edit.update import ServerUpdate


class ServerChanges(VersionedSerializer):
    """The object ``server``."""

    display_name = History({"2.0": LooseName(key="name"), "2.1": Name(key="name")})
    auto_disk_config = Choice("AUTO", "MANUAL", key="OS-DCF:diskConfig")
    access_ip_v4 = Ipv4(key="accessIPv4")
    access_ip_v6 = Ipv6(key="accessIPv6")
    display_description = History({"2.19": Printable(0, 255, key="description", null=True)})
    hostname = History({"2.90": Label(), "2.94": Fqdn()})
    pinned_zone = History({"2.104": Text(1, 255, key="pinned_availability_zone", null=True)})

    def build(self, values: dict[str, Any], version: Microversion) -> ServerUpdate:
        pins = "pinned_zone" in values
        zone = values.pop("pinned_zone", None)
        if "display_name" in values:
            values["display_name"] = values["display_name"].strip()
        if "auto_disk_config" in values:
            values["auto_disk_config"] = values["auto_disk_config"] == "AUTO"
        return ServerUpdate(columns=values, pins=pins, pinned_zone=zone)


class ServerChange(VersionedSerializer):
    """The body."""

    server = ServerChanges(required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> ServerUpdate:
        update: ServerUpdate = values["server"]
        return update
