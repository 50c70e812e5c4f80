"""Images and namespaces of definitions of metadata, as the image API v2 shows them; a key of an
image that it does not know is a property.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from compute_site.cloudfile.cloud import Cloud, own_id, save_rows
from compute_site.cloudfile.entry import Entry
from compute_site.cloudfile.section import Section
from compute_site.faults import Fault
from compute_site.neighbours.image import metadef_shapes
from compute_site.neighbours.image.local import metadefs
from compute_site.neighbours.image.local.properties import check_properties, check_tags
from compute_site.neighbours.image.models import Image, MetadefNamespace
from compute_site.values.keys import (
    IGNORED,
    LARGEST_BIG_INT,
    Key,
    between,
    flag,
    line,
    list_of,
    one_of,
    text,
    uuid_text,
    whole,
)

PROPERTIES = "properties"
PLAIN = (
    *("name", "status", "visibility", "min_ram", "min_disk", "size"),
    *("disk_format", "container_format", "checksum", "tags", "protected", "os_hidden"),
)
SERVICE_KEYS = (
    *("virtual_size", "os_hash_algo", "os_hash_value", "stores"),
    *("locations", "direct_url", "created_at", "updated_at", "file", "self", "schema"),
)


def write_images(entries: Sequence[Entry], cloud: Cloud) -> None:
    rows = []
    for entry in entries:
        owner = cloud.project(entry, "owner") if entry["owner"] is not None else None
        rows.append(
            Image(
                id=own_id(entry, "image", owner, entry["name"]),
                owner_id=owner,
                properties=_read_properties(entry),
                **{key: entry[key] for key in PLAIN} | {"tags": _read_tags(entry)},
            )
        )
    save_rows(Image, rows)


def _read_properties(entry: Entry) -> dict[str, str]:
    given = {
        key: as_property(value) for key, value in entry[PROPERTIES].items() if value is not None
    }
    try:
        return check_properties(given)
    except Fault as fault:
        raise entry.wrong(fault.field or PROPERTIES, fault.detail) from None


def _read_tags(entry: Entry) -> list[str]:
    try:
        return check_tags(entry["tags"])
    except Fault as fault:
        raise entry.wrong("tags", fault.detail) from None


def as_property(value: Any) -> Any:
    """The value as a text, as the image service stores it: YAML reads bare words as numbers and
    booleans.
    """
    return str(value) if isinstance(value, bool | int | float) else value


def write_namespaces(entries: Sequence[Entry], cloud: Cloud) -> None:
    """Each with exactly the content that the file names of it."""
    for entry in entries:
        own = {key: entry[key] for key in metadef_shapes.NAMESPACE if key != "namespace"}
        found = MetadefNamespace.objects.filter(namespace=entry["namespace"]).first()
        namespace = found or MetadefNamespace(namespace=entry["namespace"])
        own["owner"] = namespace.owner
        if entry["owner"] is not None:
            own["owner"] = cloud.project(entry, "owner")
        if found is None or any(getattr(found, key) != value for key, value in own.items()):
            for key, value in own.items():
                setattr(namespace, key, value)
            namespace.save()
        for key in metadef_shapes.CONTENTS:
            if key in entry.given:
                _refill(entry, namespace, key)


def _refill(entry: Entry, namespace: MetadefNamespace, key: str) -> None:
    try:
        metadefs.refill(namespace, key, entry[key])
    except Fault as fault:
        raise entry.wrong(key, fault.detail.rstrip(".")) from None


SECTIONS = (
    Section(
        name="images",
        after=("projects",),
        keys={
            "id": Key(uuid_text),
            "name": Key(text, default=""),
            "status": Key(text, default="active"),
            "visibility": Key(
                one_of("public", "private", "shared", "community"), default="private"
            ),
            "owner": Key(text),
            "min_ram": Key(whole, default=0),
            "min_disk": Key(whole, default=0),
            "size": Key(between(0, LARGEST_BIG_INT)),  # bytes
            "disk_format": Key(text),
            "container_format": Key(text),
            "checksum": Key(text),
            "tags": Key(list_of(line), default=[]),
            "protected": Key(flag, default=False),
            "os_hidden": Key(flag, default=False),
            **dict.fromkeys(SERVICE_KEYS, IGNORED),
        },
        write=write_images,
        longest={"status": 32, "disk_format": 32, "container_format": 32, "checksum": 64},
        rest=PROPERTIES,
        unique=(("id",),),
    ),
    Section(
        name="metadef_namespaces",
        label="namespace",
        after=("projects",),
        keys={
            **metadef_shapes.NEW_NAMESPACE,
            **dict.fromkeys(metadef_shapes.READ_ONLY, IGNORED),
        },
        write=write_namespaces,
        longest={"description": 500},
        unique=(("namespace",),),
    ),
)
