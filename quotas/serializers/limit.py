"""``/limits``: limits and usage of a project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compute_site.api.microversions.answers import INTEGER, AnswerSerializer, Frame, Shown
from compute_site.api.microversions.history import History
from compute_site.api.microversions.serializers import QuerySerializer
from compute_site.api.microversions.texts import Text
from compute_site.api.microversions.version import Microversion


class LimitsQuery(QuerySerializer):
    """Nova: a given ``tenant_id`` is used even if it is empty."""

    unknown = {"2.1": "drop", "2.75": "refuse"}
    tenant_id = Text(repeat="last", default=None)

    def build(self, values: dict[str, Any], version: Microversion) -> str | None:
        project_id: str | None = values["tenant_id"]
        return project_id


def most(resource: str, key: str) -> Shown:
    """The limit of a resource, from a mapping of limits."""

    def get(limits: Mapping[str, int], _frame: Frame) -> int:
        return limits[resource]

    return Shown(INTEGER, get, key=key)


def used(resource: str, key: str) -> Shown:
    """The usage of a resource, from the frame's ``usage``."""

    def get(_limits: Mapping[str, int], frame: Frame) -> int:
        usage: int = frame.extra["usage"][resource]
        return usage

    return Shown(INTEGER, get, key=key)


class LimitsAnswer(AnswerSerializer):
    """2.36 removed network limits, 2.39 image metadata, 2.57 injected files."""

    max_total_instances = most("instances", "maxTotalInstances")
    max_total_cores = most("cores", "maxTotalCores")
    max_total_ram_size = most("ram", "maxTotalRAMSize")
    max_total_keypairs = most("key_pairs", "maxTotalKeypairs")
    max_server_meta = most("metadata_items", "maxServerMeta")
    max_server_groups = most("server_groups", "maxServerGroups")
    max_server_group_members = most("server_group_members", "maxServerGroupMembers")
    max_image_meta = History({"2.1": most("metadata_items", "maxImageMeta"), "2.39": None})
    max_personality = History({"2.1": most("injected_files", "maxPersonality"), "2.57": None})
    max_personality_size = History(
        {"2.1": most("injected_file_content_bytes", "maxPersonalitySize"), "2.57": None}
    )
    max_total_floating_ips = History(
        {"2.1": most("floating_ips", "maxTotalFloatingIps"), "2.36": None}
    )
    max_security_groups = History(
        {"2.1": most("security_groups", "maxSecurityGroups"), "2.36": None}
    )
    max_security_group_rules = History(
        {"2.1": most("security_group_rules", "maxSecurityGroupRules"), "2.36": None}
    )
    total_instances_used = used("instances", "totalInstancesUsed")
    total_cores_used = used("cores", "totalCoresUsed")
    total_ram_used = used("ram", "totalRAMUsed")
    total_server_groups_used = used("server_groups", "totalServerGroupsUsed")
    total_floating_ips_used = History(
        {"2.1": used("floating_ips", "totalFloatingIpsUsed"), "2.36": None}
    )
    total_security_groups_used = History(
        {"2.1": used("security_groups", "totalSecurityGroupsUsed"), "2.36": None}
    )


class LimitsEnvelope(AnswerSerializer):
    """``rate`` is empty, because the number of requests is not limited."""

    rate = Shown({"type": "array", "items": {}}, lambda _limits, _frame: [])
    absolute = Shown(LimitsAnswer, lambda limits, _frame: limits)
