"""``/os-hypervisors``: query strings and answers."""

from __future__ import annotations

import dataclasses
import json
import uuid
from typing import Any

from compute_site.api.microversions.answers import (
    ANY,
    INTEGER,
    INTEGER_OR_NULL,
    OBJECT,
    TEXT,
    TEXT_OR_NULL,
    UUID,
    AnswerSerializer,
    Frame,
    Shown,
)
from compute_site.api.microversions.fields import ABSENT, Boolish, NonNegative, Refused, Schema
from compute_site.api.microversions.history import History
from compute_site.api.microversions.serializers import QuerySerializer
from compute_site.api.microversions.texts import Fqdn, Text
from compute_site.api.microversions.version import Microversion
from compute_site.db.paging import WHOLE, Paging
from servers.hosts.errors import MalformedId, NoSuchHypervisor
from servers.hosts.hypervisors import HypervisorSearch, uptime_of
from servers.models import ComputeNode
from servers.serializers.identifier import names_by_uuid, read_id

PAGED = Microversion.parse("2.33")
GUESTS: Schema = {
    "type": "array",
    "items": {"type": "object", "properties": {"uuid": UUID, "name": TEXT}},
}


def read_hypervisor_id(text: str, version: Microversion) -> int | uuid.UUID:
    """The id that the URL holds.

    Raises:
        NoSuchHypervisor: where numbers are ids, and it is none.
        MalformedId: where UUIDs are.
    """
    try:
        return read_id(text, version)
    except MalformedId:
        if names_by_uuid(version):
            raise
        raise NoSuchHypervisor(f"There is no hypervisor {text[:60]}.") from None


def shown_id(node: ComputeNode, version: Microversion) -> str:
    """The id as a text, such as the marker of a page."""
    return str(node.uuid if names_by_uuid(version) else node.pk)


class HypervisorListQuery(QuerySerializer):
    """Pages from 2.33 on, patterns and servers from 2.53 on."""

    unknown = {"2.1": "drop", "2.53": "refuse"}
    limit = History({"2.33": NonNegative(repeat="last"), "2.53": NonNegative()})
    marker = History({"2.33": Text(repeat="last"), "2.53": Text()})
    pattern = History({"2.53": Fqdn(key="hypervisor_hostname_pattern")})
    with_servers = History({"2.53": Boolish()})

    def build(self, values: dict[str, Any], version: Microversion) -> HypervisorSearch:
        marker = values.get("marker")
        try:
            key = None if marker is None else read_id(marker, version)
        except MalformedId as error:
            raise Refused(error.detail, field="marker") from None
        return HypervisorSearch(
            paging=Paging.of(values) if version >= PAGED else WHOLE,
            marker=key,
            is_paged="limit" in values or bool(marker),
            pattern=values.get("pattern"),
            with_servers=values.get("with_servers", False),
        )


class HypervisorQuery(QuerySerializer):
    """Are the servers to be shown?"""

    unknown = {"2.1": "drop", "2.53": "refuse"}
    with_servers = History({"2.53": Boolish()})

    def build(self, values: dict[str, Any], version: Microversion) -> bool:
        with_servers: bool = values.get("with_servers", False)
        return with_servers


def _guests(node: ComputeNode, frame: Frame) -> Any:
    guests = frame.extra.get("guests")
    if guests is None:
        return ABSENT
    return [dataclasses.asdict(guest) for guest in guests[node.service.host]]


def _guests_if_any(node: ComputeNode, frame: Frame) -> Any:
    """Nova: a hypervisor without servers does not say so before 2.75."""
    return _guests(node, frame) or ABSENT


class HypervisorSummary(AnswerSerializer):
    """A hypervisor in the short list. The frame's extra may hold the guests by host."""

    id = History(
        {
            "2.1": Shown(INTEGER, "pk"),
            "2.53": Shown(UUID, lambda node, _: str(node.uuid)),
        }
    )
    hypervisor_hostname = Shown(TEXT)
    state = Shown(TEXT, lambda node, _: "up" if node.service.is_up else "down")
    status = Shown(TEXT, lambda node, _: "disabled" if node.service.disabled else "enabled")
    servers = History(
        {
            "2.1": Shown(GUESTS, _guests_if_any, optional=True),
            "2.75": Shown(GUESTS, _guests, optional=True),
        }
    )


class HostService(AnswerSerializer):
    """The service of a hypervisor."""

    id = History(
        {
            "2.1": Shown(INTEGER, "pk"),
            "2.53": Shown(UUID, lambda service, _: str(service.uuid)),
        }
    )
    host = Shown(TEXT)
    disabled_reason = Shown(TEXT_OR_NULL)


def _until_2_87(shown: Shown) -> History:
    """A field of resources, which 2.88 took away: the placement service tells of them."""
    return History({"2.1": shown, "2.88": None})


class HypervisorAnswer(HypervisorSummary):
    """A hypervisor. The frame's extra holds the workload by host."""

    hypervisor_type = Shown(TEXT, lambda node, _: _type_of(node)[0])
    hypervisor_version = Shown(INTEGER, lambda node, _: _type_of(node)[1])
    host_ip = Shown(TEXT_OR_NULL, lambda node, _: node.hardware.host_ip)
    service = Shown(HostService)
    vcpus = _until_2_87(Shown(INTEGER))
    memory_mb = _until_2_87(Shown(INTEGER))
    local_gb = _until_2_87(Shown(INTEGER))
    vcpus_used = _until_2_87(Shown(INTEGER))
    memory_mb_used = _until_2_87(Shown(INTEGER))
    local_gb_used = _until_2_87(Shown(INTEGER))
    free_ram_mb = _until_2_87(Shown(INTEGER, lambda node, _: node.memory_mb - node.memory_mb_used))
    free_disk_gb = _until_2_87(Shown(INTEGER, lambda node, _: node.local_gb - node.local_gb_used))
    disk_available_least = _until_2_87(
        Shown(INTEGER_OR_NULL, lambda node, _: node.local_gb - node.local_gb_used)
    )
    current_workload = _until_2_87(
        Shown(INTEGER, lambda node, frame: frame.extra["workload"].get(node.service.host, 0))
    )
    running_vms = _until_2_87(Shown(INTEGER))
    cpu_info = History(
        {
            "2.1": Shown(ANY, lambda node, _: json.dumps(node.hardware.cpu_info)),
            "2.28": Shown(OBJECT, lambda node, _: node.hardware.cpu_info),
            "2.88": None,
        }
    )
    uptime = History({"2.88": Shown(TEXT_OR_NULL, lambda node, _: uptime_of(node))})


def _type_of(node: ComputeNode) -> tuple[str, int]:
    hardware = node.hardware
    return hardware.hypervisor_type, hardware.hypervisor_version


class UptimeAnswer(HypervisorSummary):
    """How long a hypervisor has been running, where that has a URL of its own. The frame's extra
    holds it.
    """

    uptime = Shown(TEXT, lambda _, frame: frame.extra["uptime"])


STATISTICS: Schema = {"type": "object", "additionalProperties": INTEGER}
