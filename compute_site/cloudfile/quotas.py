"""Limits of projects and of the default class; ``ports`` is the network service's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from compute_site.cloudfile.cloud import Cloud
from compute_site.cloudfile.keys import Key, limit, text
from compute_site.cloudfile.section import Entry, Section
from compute_site.services.network.models import PortQuota
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
    port_quotas, limits = [], []
    for entry in entries:
        given = {name: entry[name] for name in RESOURCES if entry[name] is not None}
        if entry[PROJECT] == DEFAULT_CLASS:
            if entry[PORTS] is not None:
                raise entry.wrong(PORTS, "ports are limited for projects only")
            limits += _replace(given, project=None, quota_class=DEFAULT_CLASS)
            continue
        project_id = cloud.project(entry, PROJECT)
        limits += _replace(given, project_id=project_id, quota_class="")
        if entry[PORTS] is not None:
            port_quotas.append(PortQuota(project_id=project_id, limit=entry[PORTS]))
    Limit.objects.bulk_create(limits)
    if port_quotas:
        PortQuota.objects.bulk_create(
            port_quotas,
            update_conflicts=True,
            unique_fields=["project"],
            update_fields=["limit"],
        )


def _replace(given: Mapping[str, int], **scope: Any) -> list[Limit]:
    """Delete the limits that the file sets anew, and return the new ones, not saved."""
    Limit.objects.filter(user_id="", resource__in=given, **scope).delete()
    return [Limit(resource=name, limit=value, **scope) for name, value in given.items()]


SECTIONS = (
    Section(
        name="quotas",
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
