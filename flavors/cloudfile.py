"""Flavors, as the compute API shows them, and the access of projects to private ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from compute_site.cloudfile.cloud import Cloud, save_rows
from compute_site.cloudfile.entry import Entry
from compute_site.cloudfile.section import Section
from compute_site.values.keys import (
    IGNORED,
    Key,
    filled_text,
    flag,
    line,
    list_of,
    number,
    positive,
    text,
    texts_by_name,
    whole,
)
from flavors.models import Flavor, FlavorAccess


def swap(value: Any) -> int:
    """Nova: a flavor without swap shows an empty text."""
    return 0 if value == "" else whole(value)


COLUMNS = {
    "flavorid": "id",
    "name": "name",
    "memory_mb": "ram",
    "vcpus": "vcpus",
    "root_gb": "disk",
    "ephemeral_gb": "OS-FLV-EXT-DATA:ephemeral",
    "swap": "swap",
    "rxtx_factor": "rxtx_factor",
    "disabled": "OS-FLV-DISABLED:disabled",
    "is_public": "os-flavor-access:is_public",
    "description": "description",
    "extra_specs": "extra_specs",
}


def write_flavors(entries: Sequence[Entry], cloud: Cloud) -> None:
    rows = [Flavor(**{column: entry[key] for column, key in COLUMNS.items()}) for entry in entries]
    save_rows(Flavor, rows, key="flavorid")
    wanted = set()
    for row, entry in zip(rows, entries, strict=True):
        for name in entry["access"]:
            project_id = cloud.find_project(name)
            if project_id is None:
                raise entry.wrong("access", f"there is no project {name}")
            wanted.add((row.pk, project_id))
    held = FlavorAccess.objects.filter(flavor__in=rows)
    surplus = [grant.pk for grant in held if (grant.flavor_id, grant.project_id) not in wanted]
    FlavorAccess.objects.filter(pk__in=surplus).delete()
    FlavorAccess.objects.bulk_create(
        [FlavorAccess(flavor_id=row_id, project_id=project_id) for row_id, project_id in wanted],
        ignore_conflicts=True,
    )


SECTIONS = (
    Section(
        name="flavors",
        after=("projects",),
        keys={
            "id": Key(filled_text, required=True),
            "name": Key(filled_text, required=True),
            "ram": Key(positive, required=True),
            "vcpus": Key(positive, required=True),
            "disk": Key(whole, default=0),
            "OS-FLV-EXT-DATA:ephemeral": Key(whole, default=0),
            "swap": Key(swap, default=0),
            "rxtx_factor": Key(number, default=1.0),
            "OS-FLV-DISABLED:disabled": Key(flag, default=False),
            "os-flavor-access:is_public": Key(flag, default=True),
            "description": Key(text),
            "extra_specs": Key(texts_by_name, default={}),
            "access": Key(list_of(line), default=[]),
            "links": IGNORED,
        },
        write=write_flavors,
        longest={"description": 65535},
        unique=(("id",), ("name",)),
    ),
)
