"""The bodies of ``POST /servers/{id}/action``: one key names the action, its value says how."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.conf import settings

from compute_site.api.microversions.actions import check_names_action
from compute_site.api.microversions.containers import ListOf
from compute_site.api.microversions.fields import (
    Anything,
    Boolish,
    Choice,
    Integer,
    NonNegative,
    Null,
    Refused,
    Schema,
)
from compute_site.api.microversions.history import History, all_forms, when_in_force
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.texts import (
    Base64,
    Fqdn,
    Ip,
    Ipv4,
    Ipv6,
    Label,
    LooseName,
    Name,
    Printable,
    Text,
    Uuid,
)
from compute_site.api.microversions.version import Microversion
from compute_site.faults import Gone, NotFound
from servers.actions.image import BackupOrder, ImageOrder
from servers.actions.rebuild import RebuildOrder
from servers.moves.evacuate import EvacuationOrder
from servers.serializers.metadata import Items
from servers.serializers.server_create import File, FlavorReference

IMAGE_ID_SHOWN = Microversion.parse("2.45")
VOLUMES_RESCUED = Microversion.parse("2.87")
VOLUMES_REIMAGED = Microversion.parse("2.93")
REBUILT_COLUMNS = (
    "display_name",
    "display_description",
    "hostname",
    "user_data",
    "trusted_certs",
    "access_ip_v4",
    "access_ip_v6",
    "auto_disk_config",
)
FORCE_OF_LIVE = Microversion.parse("2.30")
FORCE_OF_EVACUATIONS = Microversion.parse("2.29")
LIVE_LATER = Microversion.parse("2.34")
"""From here on nobody waits for the destination of a live migration."""
EVACUATED_SILENTLY = Microversion.parse("2.14")
EVACUATED_OFF = Microversion.parse("2.95")
METADATA_UNLIMITED = Microversion.parse("2.39")
GONE_ACTIONS = frozenset(("resetNetwork",))
REBOOTS = ("HARD", "Hard", "hard", "SOFT", "Soft", "soft")


@dataclasses.dataclass(frozen=True, slots=True)
class AskedAction:
    """``name`` is the key of the body; ``values`` its value, read."""

    name: str
    values: Any


def check_action_known(body: Any, version: Microversion) -> None:
    """Nova: an action of another microversion is 404, one that there never was is 400.

    Raises:
        Gone: there is no such action any more, in whatever version.
        NotFound: the version does not know the action, or the body names none.
    """
    check_names_action(body)
    if not isinstance(body, dict):
        return
    if len(body) == 1 and GONE_ACTIONS.intersection(body):
        raise Gone("This action was removed.")
    for field in ServerActionBody.declared().values():
        if isinstance(field, History) and field.at(version) is None:
            for form in all_forms(field):
                if form.key in body:
                    raise NotFound(f"{form.key} {when_in_force(field, version)}.")


def shows_image_id(version: Microversion) -> bool:
    """Does the answer name a new image in its body, and not by a link in its header?"""
    return version >= IMAGE_ID_SHOWN


def shows_password() -> bool:
    """Does the site tell passwords at all?"""
    return bool(settings.OPTIONS.enable_instance_password)


class Lock(VersionedSerializer):
    reason = Text(1, 255, key="locked_reason")


class Reboot(VersionedSerializer):
    kind = Choice(*REBOOTS, key="type", required=True)


class ResetState(VersionedSerializer):
    state = Choice("active", "error", required=True)


class ChangePassword(VersionedSerializer):
    password = Text(key="adminPass", required=True)


class Rescue(VersionedSerializer):
    password = Text(key="adminPass")
    image = Uuid(key="rescue_image_ref")


class ConsoleOutput(VersionedSerializer):
    length = Integer(-1, text=True, null=True)


class CreateImage(VersionedSerializer):
    name = History({"2.0": LooseName(required=True), "2.1": Name(required=True)})
    metadata = Items(default={})

    def build(self, values: dict[str, Any], version: Microversion) -> ImageOrder:
        return ImageOrder(**_image_to_make(values, version))


class CreateBackup(VersionedSerializer):
    name = History({"2.0": LooseName(required=True), "2.1": Name(required=True)})
    kind = Text(key="backup_type", required=True)
    rotation = NonNegative(required=True)
    metadata = Items(default={})

    def build(self, values: dict[str, Any], version: Microversion) -> BackupOrder:
        return BackupOrder(**_image_to_make(values, version))


def _image_to_make(values: dict[str, Any], version: Microversion) -> dict[str, Any]:
    return {**values, "name": values["name"].strip(), "limited": version < METADATA_UNLIMITED}


class Resize(VersionedSerializer):
    flavor_ref = FlavorReference(key="flavorRef", required=True)
    auto_disk_config = Choice("AUTO", "MANUAL", key="OS-DCF:diskConfig")

    def build(self, values: dict[str, Any], version: Microversion) -> dict[str, Any]:
        if "auto_disk_config" in values:
            values["auto_disk_config"] = values["auto_disk_config"] == "AUTO"
        return values


class Rebuild(VersionedSerializer):
    image_ref = Uuid(key="imageRef", required=True)
    display_name = History({"2.0": LooseName(key="name"), "2.1": Name(key="name")})
    password = Text(key="adminPass")
    metadata = Items()
    preserve_ephemeral = Boolish()
    auto_disk_config = Choice("AUTO", "MANUAL", key="OS-DCF:diskConfig")
    access_ip_v4 = Ipv4(key="accessIPv4")
    access_ip_v6 = Ipv6(key="accessIPv6")
    files = History({"2.1": ListOf(File, key="personality"), "2.57": None})
    display_description = History({"2.19": Printable(0, 255, key="description", null=True)})
    new_key = History({"2.54": Text(1, 255, key="key_name", null=True)})
    user_data = History({"2.57": Base64(0, 65535, null=True)})
    trusted_certs = History(
        {"2.63": ListOf(Text(1), 1, 50, key="trusted_image_certificates", distinct=True, null=True)}
    )
    hostname = History({"2.90": Label(), "2.94": Fqdn()})

    def build(self, values: dict[str, Any], version: Microversion) -> RebuildOrder:
        columns = {name: values[name] for name in REBUILT_COLUMNS if name in values}
        if "display_name" in columns:
            columns["display_name"] = columns["display_name"].strip()
        if "auto_disk_config" in columns:
            columns["auto_disk_config"] = columns["auto_disk_config"] == "AUTO"
        return RebuildOrder(
            image_ref=values["image_ref"],
            columns=columns,
            password=values.get("password"),
            metadata=values.get("metadata"),
            files=[(file.path, file.contents) for file in values.get("files", ())],
            sets_key="new_key" in values,
            new_key=values.get("new_key"),
            reimages_volumes=version >= VOLUMES_REIMAGED,
        )


class TextOrNumber(Text):
    """A text, or a number that is taken for its digits."""

    def convert(self, value: Any) -> str:
        return super().convert(str(value) if type(value) in (int, float) else value)

    def describe(self) -> Schema:
        return super().describe() | {"type": ["string", "number"]}


class Ignored(Anything):
    """Any value, which does not matter."""

    def convert(self, value: Any) -> None:
        return None


class VncConsole(VersionedSerializer):
    console_type = Choice("novnc", "xvpvnc", key="type", required=True)


class SpiceConsole(VersionedSerializer):
    console_type = Choice("spice-html5", key="type", required=True)


class SerialConsole(VersionedSerializer):
    console_type = Choice("serial", key="type", required=True)


class RdpConsole(Anything):
    """Nova: no hypervisor has such consoles any more, whatever is asked."""

    def convert(self, value: Any) -> None:
        raise Refused("there are no RDP consoles any more")


class UnshelveToZone(VersionedSerializer):
    zone = Name(key="availability_zone", required=True)


class Unshelve(VersionedSerializer):
    zone = Text(key="availability_zone", null=True)
    host = Text()


class Migrate(VersionedSerializer):
    host = Fqdn(null=True)


class BoolishOrAuto(Boolish):
    """A truth value, or ``auto``: the hosts decide."""

    MEANING: dict[Any, Any] = {**Boolish.MEANING, "auto": None}


class MigrateLive(VersionedSerializer):
    host = Fqdn(null=True, required=True)
    block_migration = History(
        {
            "2.1": Boolish(required=True),
            "2.25": BoolishOrAuto(required=True),
        }
    )
    disk_over_commit = History({"2.1": Boolish(required=True), "2.25": None})
    force = History({"2.30": Boolish(default=False), "2.68": None})

    def build(self, values: dict[str, Any], version: Microversion) -> dict[str, Any]:
        host = values["host"]
        return {
            "host": host,
            "forced": _read_force(values, host, forced_before=version < FORCE_OF_LIVE),
            "waits": version < LIVE_LATER,
            "copies": values["block_migration"],
        }


class Evacuate(VersionedSerializer):
    host = Fqdn()
    keeps_disk = History({"2.1": Boolish(key="onSharedStorage", required=True), "2.14": None})
    password = Text(key="adminPass")
    force = History({"2.29": Boolish(default=False), "2.68": None})

    def build(self, values: dict[str, Any], version: Microversion) -> EvacuationOrder:
        host, keeps_disk = values.get("host"), values.get("keeps_disk", False)
        if keeps_disk and "password" in values:
            raise Refused("the disk is kept, and the password on it", field="adminPass")
        return EvacuationOrder(
            host=host,
            password=values.get("password"),
            keeps_disk=keeps_disk,
            forced=_read_force(values, host, forced_before=version < FORCE_OF_EVACUATIONS),
            stopped=version >= EVACUATED_OFF,
            tells_password=version < EVACUATED_SILENTLY,
        )


def _read_force(values: dict[str, Any], host: str | None, *, forced_before: bool = False) -> bool:
    """Is the named host forced? Always, before the microversion that added ``force``."""
    if values.get("force") and not host:
        raise Refused("no host is named that could be forced", field="force")
    return bool(host) and (forced_before or bool(values.get("force")))


class NamedGroup(VersionedSerializer):
    name = Text(1, required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> str:
        name: str = values["name"]
        if not name.strip():
            raise Refused("the name holds nothing but spaces", code="name", field="name")
        return name


class NetworkToJoin(VersionedSerializer):
    network_id = TextOrNumber(1, 36, key="networkId", required=True)


class HeldAddress(VersionedSerializer):
    address = Ip(required=True)


class AddressToLend(VersionedSerializer):
    address = Ip(required=True)
    fixed_address = Ip()


class ServerActionBody(VersionedSerializer):
    """The body; the result is an ``AskedAction``."""

    start = Anything(key="os-start")
    stop = Anything(key="os-stop")
    pause = Anything()
    unpause = Anything()
    suspend = Anything()
    resume = Anything()
    unrescue = Anything()
    unlock = Anything()
    lock = History({"2.1": Anything(), "2.73": Lock(null=True)})
    shelve = Anything()
    shelve_offload = Anything(key="shelveOffload")
    unshelve = History(
        {"2.1": Ignored(), "2.77": UnshelveToZone(null=True), "2.91": Unshelve(null=True)}
    )
    force_delete = Anything(key="forceDelete")
    restore = Anything()
    confirm_resize = Anything(key="confirmResize")
    revert_resize = Anything(key="revertResize")
    trigger_crash_dump = History({"2.17": Null(key="trigger_crash_dump")})
    reboot = Reboot()
    reset_state = ResetState(key="os-resetState")
    inject_network_info = Anything(key="injectNetworkInfo")
    change_password = ChangePassword(key="changePassword")
    rescue = Rescue(null=True)
    console_output = ConsoleOutput(key="os-getConsoleOutput")
    vnc_console = History({"2.1": VncConsole(key="os-getVNCConsole"), "2.6": None})
    spice_console = History({"2.1": SpiceConsole(key="os-getSPICEConsole"), "2.6": None})
    serial_console = History({"2.1": SerialConsole(key="os-getSerialConsole"), "2.6": None})
    rdp_console = History({"2.1": RdpConsole(key="os-getRDPConsole"), "2.6": None})
    create_image = CreateImage(key="createImage")
    create_backup = CreateBackup(key="createBackup")
    resize = Resize()
    rebuild = Rebuild()
    migrate = History({"2.1": Ignored(), "2.56": Migrate(null=True)})
    migrate_live = MigrateLive(key="os-migrateLive")
    evacuate = Evacuate()
    add_group = NamedGroup(key="addSecurityGroup")
    remove_group = NamedGroup(key="removeSecurityGroup")
    add_fixed_ip = History({"2.1": NetworkToJoin(key="addFixedIp"), "2.44": None})
    remove_fixed_ip = History({"2.1": HeldAddress(key="removeFixedIp"), "2.44": None})
    add_floating_ip = History({"2.1": AddressToLend(key="addFloatingIp"), "2.44": None})
    remove_floating_ip = History({"2.1": HeldAddress(key="removeFloatingIp"), "2.44": None})

    def build(self, values: dict[str, Any], version: Microversion) -> AskedAction:
        if len(values) != 1:
            raise Refused("give exactly one action", code="one_action")
        [(name, asked)] = values.items()
        if name == "rescue":  # null, too, has a version
            asked = {**(asked or {}), "volumes": version >= VOLUMES_RESCUED}
        return AskedAction(name, asked)
