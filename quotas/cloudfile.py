"""Limits of projects and of the default class, in compute and in the other services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from compute_site.cloudfile.cloud import Cloud
from compute_site.cloudfile.entry import Entry
from compute_site.cloudfile.section import Section
from compute_site.neighbours.image.local.limits import QUOTAS as IMAGES
from compute_site.neighbours.network.local.limits import QUOTAS as NETWORKS
from compute_site.neighbours.quotas import Quotas
from compute_site.neighbours.volume.local.limits import QUOTAS as VOLUMES
from compute_site.values.keys import Key, limit, text
from quotas.limits import DEFAULT_CLASS
from quotas.models import Limit
from quotas.resources import RESOURCES

PROJECT = "project"
OF_SERVICES: Mapping[str, tuple[Quotas, str]] = {
    kind.plural: (quotas, kind.name)
    for quotas in (IMAGES, NETWORKS, VOLUMES)
    for kind in quotas.kinds.values()
}
"""Whose limit it is, and what the service calls it."""


def unpack(raw: Any) -> Any:
    """Turn the section, a mapping of project to resource to limit, into a list of entries."""
    if not isinstance(raw, Mapping):
        return raw
    return [
        {PROJECT: name, **limits} if isinstance(limits, Mapping) else limits
        for name, limits in raw.items()
    ]


def write_quotas(entries: Sequence[Entry], cloud: Cloud) -> None:
    limits: dict[tuple[str | None, str], int] = {}
    for entry in entries:
        scope = None if entry[PROJECT] == DEFAULT_CLASS else cloud.project(entry, PROJECT)
        for name in RESOURCES:
            if entry[name] is not None:
                limits[scope, name] = entry[name]
        _save_limits_of_services(entry, scope)
    _save_limits(limits)


def _save_limits_of_services(entry: Entry, project_id: str | None) -> None:
    for plural, (quotas, name) in OF_SERVICES.items():
        if entry[plural] is None:
            continue
        if project_id is None and plural in RESOURCES:
            continue  # compute's own limit of this name has no effect any more
        if project_id is None:
            raise entry.wrong(plural, "is limited for projects only; the default is an option")
        quotas.set_limits(project_id, {name: entry[plural]})


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
            **dict.fromkeys(OF_SERVICES, Key(limit)),
            **dict.fromkeys(RESOURCES, Key(limit)),
        },
        write=write_quotas,
        unpack=unpack,
    ),
)
