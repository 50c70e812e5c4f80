"""Limits of projects and of the default class; ``ports`` is the network service's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from compute_site.cloudfile.cloud import Cloud
from compute_site.cloudfile.section import Entry, Section
from compute_site.keys import Key, limit, text
from compute_site.neighbours.network.models import PortQuota
from quotas.limits import DEFAULT_CLASS
from quotas.models import Limit
from quotas.resources import RESOURCES

PROJECT = "project"
PORTS = "ports"


def unpack(raw: Any) -> Any:
    """The section stands as project → resource → limit."""
    if not isinstance(raw, Mapping):
        return raw
    return [
        {PROJECT: name, **limits} if isinstance(limits, Mapping) else limits
        for name, limits in raw.items()
    ]


def write_quotas(entries: Sequence[Entry], cloud: Cloud) -> None:
    limits: dict[tuple[str | None, str], int] = {}
    port_quotas = []
    for entry in entries:
        scope = None if entry[PROJECT] == DEFAULT_CLASS else cloud.project(entry, PROJECT)
        for name in RESOURCES:
            if entry[name] is not None:
                limits[scope, name] = entry[name]
        if entry[PORTS] is not None:
            if scope is None:
                raise entry.wrong(PORTS, "ports are limited for projects only")
            port_quotas.append(PortQuota(project_id=scope, limit=entry[PORTS]))
    _save_limits(limits)
    if port_quotas:
        PortQuota.objects.bulk_create(
            port_quotas,
            update_conflicts=True,
            unique_fields=["project"],
            update_fields=["limit"],
        )


def _save_limits(limits: Mapping[tuple[str | None, str], int]) -> None:
    """``limits`` has them by project (``None``: the default class) and resource."""
    held = {
        (limit.project_id, limit.resource): limit
        for limit in Limit.objects.filter(user_id="", quota_class__in=["", DEFAULT_CLASS])
    }
    new = []
    for (project_id, resource), value in limits.items():
        row = held.get((project_id, resource))
        if row is not None:
            row.limit = value
            continue
        quota_class = DEFAULT_CLASS if project_id is None else ""
        new.append(
            Limit(quota_class=quota_class, project_id=project_id, resource=resource, limit=value)
        )
    Limit.objects.bulk_update([held[key] for key in limits if key in held], ["limit"])
    Limit.objects.bulk_create(new)


SECTIONS = (
    Section(
        name="quotas",
        after=(
            "server_groups",
            "ports",
            "volumes",
        ),
        label=PROJECT,
        keys={
            PROJECT: Key(text, required=True),
            PORTS: Key(limit),
            **dict.fromkeys(RESOURCES, Key(limit)),
        },
        write=write_quotas,
        unpack=unpack,
    ),
)
