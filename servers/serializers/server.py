"""Servers as answers show them (docs/contract/after-create.md 6.2)."""

from __future__ import annotations

import functools
import hashlib
from typing import Any

import orjson
from rest_framework.serializers import Field

from compute_site.api.microversions.answers import (
    ANY,
    BOOLEAN,
    INTEGER,
    LINKS,
    OBJECT,
    TEXT,
    TEXT_OR_NULL,
    TEXTS,
    TIME,
    TIME_OR_NULL,
    UUID,
    AnswerSerializer,
    Frame,
    Shown,
)
from compute_site.api.microversions.fields import ABSENT
from compute_site.api.microversions.history import History
from compute_site.api.microversions.version import Microversion
from compute_site.caller import Caller
from servers.hardware.properties import OLD_SPELLINGS, READERS
from servers.models import VmState
from servers.models.states import PROGRESS_STATUSES
from servers.policies import server as rules
from servers.read.addresses import addresses_of, nics_of
from servers.read.details import Details, Parts, ServerRow

OBJECTS = {"type": "array", "items": OBJECT}
TEXTS_OR_NULL = {"type": ["array", "null"], "items": TEXT}
SYSTEM_KEYS = {f"image_{name}": name for name in READERS.keys() | OLD_SPELLINGS.keys()}
"""Where a server keeps the properties of its image that Compute knows."""
UNKNOWN = "UNKNOWN"


def parts_for(caller: Caller, version: Microversion, *, groups: bool = False) -> Parts:
    """What has to be read for an answer at this version; ``groups``: of a single server."""
    extended = caller.may(rules.EXTENDED_ATTRIBUTES)
    return Parts(
        user_data=extended and version >= _at("2.3"),
        host_status=version >= _at("2.16") and _may_see_host_status(caller),
        tags=version >= _at("2.26"),
        groups=groups and version >= _at("2.71"),
        pinned_zone=version >= _at("2.96"),
        image_properties=version >= _at("2.98"),
        hints=version >= _at("2.100"),
    )


@functools.cache
def _at(text: str) -> Microversion:
    return Microversion.parse(text)


def _may_see_host_status(caller: Caller) -> bool:
    return caller.may(rules.SHOW_HOST_STATUS) or caller.may(rules.SHOW_UNKNOWN_HOST_STATUS)


# how each value is found; every function takes a row and the frame, whose extra holds the details


def _time(value: str) -> str:
    return value[:19] + "Z"


def _json(text: str | None, empty: str) -> orjson.Fragment:
    """JSON of the database goes into the answer as it is."""
    return orjson.Fragment(text if text is not None else empty)


@functools.lru_cache(maxsize=10_000)
def host_id(project_id: str, host: str) -> str:
    """Tells a project whether two servers share a host, without naming it."""
    return hashlib.sha224(f"{project_id}{host}".encode()).hexdigest()


def _host_id(row: ServerRow, _frame: Frame) -> str:
    return host_id(row.project_id, row.host) if row.host else ""


def _addresses(row: ServerRow, _frame: Frame) -> dict[str, Any]:
    if row.vm_state == VmState.BUILDING:
        return {}
    return addresses_of(nics_of(row.network_info))


def _plain_addresses(row: ServerRow, _frame: Frame) -> dict[str, Any]:
    if row.vm_state == VmState.BUILDING:
        return {}
    return addresses_of(nics_of(row.network_info), extended=False)


def _flavor_link(row: ServerRow, frame: Frame) -> dict[str, Any]:
    flavor_id = orjson.loads(row.flavor)["flavorid"]
    return {"id": flavor_id, "links": frame.links.bookmark("flavors", flavor_id)}


def _flavor(row: ServerRow, frame: Frame) -> dict[str, Any]:
    flavor = orjson.loads(row.flavor)
    shown = {
        "vcpus": flavor["vcpus"],
        "ram": flavor["memory_mb"],
        "disk": flavor["root_gb"],
        "ephemeral": flavor["ephemeral_gb"],
        "swap": flavor["swap"],
        "original_name": flavor["name"],
    }
    if frame.caller.may(rules.SHOW_EXTRA_SPECS):
        shown["extra_specs"] = flavor["extra_specs"]
    return shown


def _image(row: ServerRow, frame: Frame) -> Any:
    if not row.image_ref:
        return ""
    return {"id": row.image_ref, "links": frame.links.bookmark("images", row.image_ref)}


def _image_with_properties(row: ServerRow, frame: Frame) -> Any:
    image = _image(row, frame)
    if image:
        kept = orjson.loads(row.system_metadata or b"{}")
        image["properties"] = {
            name: kept[key] for key, name in SYSTEM_KEYS.items() if kept.get(key) is not None
        }
    return image


def _progress(row: ServerRow, _frame: Frame) -> Any:
    return row.progress if row.status in PROGRESS_STATUSES else ABSENT


def _fault(row: ServerRow, frame: Frame) -> Any:
    fault = _details(frame).faults.get(row.pk)
    if fault is None:
        return ABSENT
    shown = {
        "code": fault.code,
        "created": f"{fault.created_at.isoformat()[:19]}Z",
        "message": fault.message,
    }
    if fault.details and (frame.caller.is_admin or fault.code != 500):
        shown["details"] = fault.details
    return shown


def _security_groups(row: ServerRow, _frame: Frame) -> Any:
    groups = [
        {"name": name} for nic in nics_of(row.network_info) for name in nic["security_groups"]
    ]
    return groups or ABSENT


def _volumes(row: ServerRow, _frame: Frame) -> list[dict[str, Any]]:
    return [{"id": volume} for volume, _ in _pairs(row)]


def _volumes_with_fate(row: ServerRow, _frame: Frame) -> list[dict[str, Any]]:
    return [{"id": volume, "delete_on_termination": deleted} for volume, deleted in _pairs(row)]


def _pairs(row: ServerRow) -> list[tuple[str, bool]]:
    return orjson.loads(row.volumes) if row.volumes else []


def _instance_name(row: ServerRow, _frame: Frame) -> str:
    """Nova: the name counts servers of a cell; one that is in none has no name."""
    return "" if row.build_request_id else f"instance-{row.pk:08x}"


def _host_status(row: ServerRow, frame: Frame) -> Any:
    if not _may_see_host_status(frame.caller):
        return ABSENT
    status = _details(frame).host_statuses.get(row.host, "") if row.host else ""
    if status == UNKNOWN or frame.caller.may(rules.SHOW_HOST_STATUS):
        return status
    return ABSENT


def _tags(row: ServerRow, _frame: Frame) -> orjson.Fragment:
    return _json(row.build_tags if row.build_request_id else row.tags, "[]")


def _groups(row: ServerRow, _frame: Frame) -> list[str]:
    return [str(row.group)] if row.group else []


def _details(frame: Frame) -> Details:
    details: Details = frame.extra["details"]
    return details


def _links(row: ServerRow, frame: Frame) -> list[dict[str, str]]:
    return frame.links.both("servers", row.uuid)


# the answers


def _extended(name: str, kind: Any, source: Any = None) -> Shown:
    return Shown(
        kind, source or name, key=f"OS-EXT-SRV-ATTR:{name}", rule=rules.EXTENDED_ATTRIBUTES
    )


class ServerSummary(AnswerSerializer):
    """A server in a list without details."""

    id = Shown(UUID, "uuid")
    name = Shown(TEXT, "display_name")
    links = Shown(LINKS, _links)


class ServerAnswer(AnswerSerializer):
    """A server in a list with details."""

    id = Shown(UUID, "uuid")
    name = Shown(TEXT, "display_name")
    links = Shown(LINKS, _links)
    status = Shown(TEXT)
    tenant_id = Shown(TEXT, "project_id")
    user_id = Shown(TEXT)
    host_id = Shown(TEXT, _host_id, key="hostId")
    created = Shown(TIME, lambda row, _: _time(row.created_at))
    updated = Shown(TIME, lambda row, _: _time(row.updated_at))
    metadata = Shown(OBJECT, lambda row, _: _json(row.metadata, "{}"))
    access_ip_v4 = Shown(TEXT, lambda row, _: row.access_ip_v4 or "", key="accessIPv4")
    access_ip_v6 = Shown(TEXT, lambda row, _: row.access_ip_v6 or "", key="accessIPv6")
    disk_config = Shown(
        TEXT, lambda row, _: "AUTO" if row.auto_disk_config else "MANUAL", key="OS-DCF:diskConfig"
    )
    addresses: Field[Any, Any, Any, Any] = Shown(OBJECT, _addresses)
    flavor = History({"2.1": Shown(OBJECT, _flavor_link), "2.47": Shown(OBJECT, _flavor)})
    image = History({"2.1": Shown(ANY, _image), "2.98": Shown(ANY, _image_with_properties)})
    config_drive = Shown(TEXT)
    key_name: Field[Any, Any, Any, Any] = Shown(TEXT_OR_NULL)
    progress = Shown(INTEGER, _progress, optional=True)
    fault = Shown(OBJECT, _fault, optional=True)
    zone = Shown(
        TEXT, lambda row, _: row.availability_zone or "", key="OS-EXT-AZ:availability_zone"
    )
    launched = Shown(TIME_OR_NULL, "launched_at", key="OS-SRV-USG:launched_at")
    terminated = Shown(TIME_OR_NULL, "terminated_at", key="OS-SRV-USG:terminated_at")
    vm_state = Shown(TEXT, key="OS-EXT-STS:vm_state")
    task_state = Shown(TEXT_OR_NULL, key="OS-EXT-STS:task_state")
    power_state = Shown(INTEGER, key="OS-EXT-STS:power_state")
    volumes = History(
        {
            "2.1": Shown(OBJECTS, _volumes, key="os-extended-volumes:volumes_attached"),
            "2.3": Shown(OBJECTS, _volumes_with_fate, key="os-extended-volumes:volumes_attached"),
        }
    )
    security_groups = Shown(OBJECTS, _security_groups, optional=True)
    host = _extended("host", TEXT_OR_NULL)
    hypervisor_hostname = _extended("hypervisor_hostname", TEXT_OR_NULL, "node")
    instance_name = _extended("instance_name", TEXT, _instance_name)
    hostname = History(
        {
            "2.3": _extended("hostname", TEXT),
            "2.90": Shown(TEXT, key="OS-EXT-SRV-ATTR:hostname"),
        }
    )
    reservation_id = History({"2.3": _extended("reservation_id", TEXT)})
    launch_index = History({"2.3": _extended("launch_index", INTEGER)})
    kernel_id = History({"2.3": _extended("kernel_id", TEXT)})
    ramdisk_id = History({"2.3": _extended("ramdisk_id", TEXT)})
    root_device_name = History({"2.3": _extended("root_device_name", TEXT_OR_NULL)})
    user_data = History({"2.3": _extended("user_data", TEXT_OR_NULL)})
    locked = History({"2.9": Shown(BOOLEAN)})
    host_status = History({"2.16": Shown(TEXT, _host_status, optional=True)})
    description = History({"2.19": Shown(TEXT_OR_NULL, "display_description")})
    tags = History({"2.26": Shown(TEXTS, _tags)})
    trusted_certificates = History(
        {
            "2.63": Shown(
                TEXTS_OR_NULL,
                lambda row, _: _json(row.trusted_certs, "null"),
                key="trusted_image_certificates",
            )
        }
    )
    locked_reason = History({"2.73": Shown(TEXT_OR_NULL)})
    pinned_zone = History({"2.96": Shown(TEXT_OR_NULL, key="pinned_availability_zone")})
    hints = History(
        {"2.100": Shown(OBJECT, lambda row, _: _json(row.hints, "{}"), key="scheduler_hints")}
    )


class ServerShown(ServerAnswer):
    """A server by itself."""

    groups = History({"2.71": Shown(TEXTS, _groups, key="server_groups")})


class ServerUpdated(ServerShown):
    """A server that was just changed: before 2.75 it shows less of itself."""

    user_data = History({"2.75": _extended("user_data", TEXT_OR_NULL)})

    addresses = History({"2.1": Shown(OBJECT, _plain_addresses), "2.75": Shown(OBJECT, _addresses)})

    FROM_2_75 = frozenset(
        (
            "config_drive",
            "key_name",
            "zone",
            "launched",
            "terminated",
            "vm_state",
            "task_state",
            "power_state",
            "volumes",
            "security_groups",
            "host",
            "hypervisor_hostname",
            "instance_name",
            "hostname",
            "reservation_id",
            "launch_index",
            "kernel_id",
            "ramdisk_id",
            "root_device_name",
            "host_status",
        )
    )

    @classmethod
    def keys_at(cls, version: Microversion) -> dict[str, Shown]:
        keys = super().keys_at(version)
        if version >= _at("2.75"):
            return keys
        return {name: shown for name, shown in keys.items() if name not in cls.FROM_2_75}


class ServerRebuilt(ServerUpdated):
    """A server that was just begun to be rebuilt. The frame's extra holds the password, ``None``
    where passwords are not told.
    """

    FROM_2_75 = ServerUpdated.FROM_2_75 - {"key_name"}

    password = Shown(TEXT, lambda _, frame: _password(frame), key="adminPass", optional=True)
    key_name = History({"2.54": Shown(TEXT_OR_NULL)})
    user_data = History({"2.57": Shown(TEXT_OR_NULL)})


def _password(frame: Frame) -> Any:
    password = frame.extra["password"]
    return ABSENT if password is None else password
