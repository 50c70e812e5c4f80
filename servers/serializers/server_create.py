"""The body of ``POST /servers`` at every microversion (docs/contract/create-request.md)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from compute_site.api.microversions.containers import Either, ListOf, MapOf
from compute_site.api.microversions.fields import (
    Boolish,
    Choice,
    Count,
    Refused,
    Schema,
    StrictField,
    check_storable,
    wrong_type,
)
from compute_site.api.microversions.history import History
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.texts import (
    Base64,
    Fqdn,
    Ipv4,
    Ipv6,
    Label,
    LooseName,
    Name,
    Printable,
    Tag,
    Text,
    Uuid,
)
from compute_site.api.microversions.version import Microversion
from servers.create.order import FileOrder, ServerOrder
from servers.serializers.server_disks import Disk, LegacyDisk
from servers.serializers.server_hints import SchedulerHints
from servers.serializers.server_networks import Network

DESCRIPTION_IS_ITS_OWN = Microversion(2, 19)
MULTIATTACH = Microversion(2, 60)
PORT_RESOURCES = Microversion(2, 72)


class FlavorReference(StrictField):
    """The id of a flavor as text, number or link; the result is the id as text."""

    def convert(self, value: Any) -> str:
        if type(value) not in (str, int, float):
            raise wrong_type("the id of a flavor", value)
        if value == "":
            raise Refused("the text is empty; give the id of a flavor", code="too_short")
        if type(value) is float and not value.is_integer():
            raise wrong_type("the id of a flavor", value)
        text = str(value)
        check_storable(text)
        try:
            return urlsplit(text).path.split("/")[-1]
        except ValueError:
            raise Refused(f"{text[:60]!r} is neither an id nor a link", code="pattern") from None

    def describe(self) -> Schema:
        return {"type": ["string", "integer"], "minLength": 1}


class AsksForReservation(Boolish):
    """A flag. Nova: any text counts as true, even ``False``."""

    def convert(self, value: Any) -> bool:
        super().convert(value)
        return bool(value)


class File(VersionedSerializer):
    """An item of ``personality``."""

    path = Text(required=True)
    contents = Base64(required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> FileOrder:
        return FileOrder(**values)


class SecurityGroup(VersionedSerializer):
    """An item of ``security_groups``: ``name`` holds a name or an id."""

    name = History({"2.0": LooseName(), "2.1": Name()})

    @classmethod
    def unknown_mode(cls, version: Microversion) -> str:
        return "keep" if version.is_legacy else super().unknown_mode(version)

    def build(self, values: dict[str, Any], version: Microversion) -> dict[str, Any]:
        """Nova: on ``/v2`` an item without a name is told again as it came, whatever it holds."""
        return {"name": values["name"]} if "name" in values else values


class Server(VersionedSerializer):
    """The object ``server``."""

    name = History({"2.0": LooseName(required=True), "2.1": Name(required=True)})
    flavor_ref = FlavorReference(
        key="flavorRef", required=True, help_text="the id of a flavor, or a link to it"
    )
    image_ref = Uuid(
        key="imageRef", empty=True, help_text="the id of an image; empty to boot from a volume"
    )
    admin_password = Text(key="adminPass", stored=False, help_text="made for you when it is absent")
    metadata = MapOf(
        Text(0, 255),
        keys=r"[a-zA-Z0-9_:. -]{1,255}",
        means="is not 1 to 255 letters, digits, spaces and -_:.",
    )
    networks = History(
        {
            "2.1": ListOf(Network),
            "2.37": Either(
                Choice("auto", "none"),
                ListOf(Network),
                required=True,
                help_text="auto, none, or a list of networks and ports",
            ),
        }
    )
    auto_disk_config = Choice("AUTO", "MANUAL", key="OS-DCF:diskConfig")
    access_ip_v4 = Ipv4(key="accessIPv4")
    access_ip_v6 = Ipv6(key="accessIPv6")
    files = History({"2.1": ListOf(File, key="personality"), "2.57": None})
    zone = History(
        {
            "2.0": LooseName(key="availability_zone"),
            "2.1": Name(key="availability_zone", help_text="zone, zone:host or zone:host:node"),
        }
    )
    legacy_disks = ListOf(LegacyDisk, key="block_device_mapping")
    disks = ListOf(Disk, key="block_device_mapping_v2")
    config_drive = Boolish()
    key_name = History({"2.0": LooseName(), "2.1": Name()})
    min_count = Count()
    max_count = Count()
    return_reservation_id = AsksForReservation()
    security_groups = ListOf(SecurityGroup)
    user_data = History(
        {"2.0": Base64(0, 65535, null=True), "2.1": Base64(0, 65535, help_text="base64")}
    )
    description = History({"2.19": Printable(0, 255, null=True)})
    tags = History({"2.52": ListOf(Tag(), 0, 50)})
    trusted_certificates = History(
        {"2.63": ListOf(Text(1), 1, 50, key="trusted_image_certificates", distinct=True, null=True)}
    )
    host = History({"2.74": Fqdn()})
    hypervisor_hostname = History({"2.74": Fqdn()})
    hostname = History({"2.90": Label(), "2.94": Fqdn()})

    def build(self, values: dict[str, Any], version: Microversion) -> dict[str, Any]:
        """Values of ``ServerOrder``, all but the hints."""
        name = values["name"].strip()
        least = values.get("min_count", 1)
        most = values.get("max_count", least)
        if least > most:
            raise Refused(
                f"{least} is more than max_count, {most}", code="too_large", field="min_count"
            )
        if version < DESCRIPTION_IS_ITS_OWN:
            values["description"] = name
        if "auto_disk_config" in values:
            values["auto_disk_config"] = values["auto_disk_config"] == "AUTO"
        groups = values.pop("security_groups", None)
        if groups is not None:
            named = dict.fromkeys(group["name"] for group in groups if "name" in group)
            values |= {"security_groups": tuple(named), "security_groups_echo": groups}
        return values | {
            "name": name,
            "min_count": least,
            "max_count": most,
            "tags": tuple(values.get("tags", ())),
            "trusted_certificates": values.get("trusted_certificates") or (),
            "multiattach_allowed": version >= MULTIATTACH,
            "port_resources_allowed": version >= PORT_RESOURCES,
        }


class ServerCreate(VersionedSerializer):
    """The whole body; the newer spelling of the hints wins, even when it is empty."""

    server = Server(required=True)
    hints = SchedulerHints(key="os:scheduler_hints")
    older_hints = SchedulerHints(key="OS-SCH-HNT:scheduler_hints")

    def build(self, values: dict[str, Any], version: Microversion) -> ServerOrder:
        hints = values.get("hints", values.get("older_hints", {}))
        return ServerOrder(**values["server"], hints=hints)
