"""Volume types, group types, volumes and snapshots, as the volume API v3 shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q

from compute_site.cloudfile.cloud import Cloud, check_ids, known_ids, own_id, save_rows
from compute_site.cloudfile.entry import Entry
from compute_site.cloudfile.section import Section
from compute_site.faults import Fault
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.volume.api.group_types import read_group_specs
from compute_site.neighbours.volume.group_models import GroupType
from compute_site.neighbours.volume.local import qos
from compute_site.neighbours.volume.models import Attachment, Snapshot, Volume, VolumeType
from compute_site.neighbours.volume.qos_models import BACK_END, CONSUMERS, QosSpecs
from compute_site.values.keys import (
    IGNORED,
    Key,
    WrongValue,
    filled_text,
    flag,
    line,
    list_of,
    one_of,
    positive,
    record,
    text,
    texts_by_name,
    uuid_text,
)

VOLUME_PROJECT = "os-vol-tenant-attr:tenant_id"
SNAPSHOT_PROJECT = "os-extended-snapshot-attributes:project_id"
ATTACHMENT = {
    "server_id": Key(uuid_text, required=True),
    "device": Key(line, default=""),
    **dict.fromkeys(("id", "attachment_id", "volume_id", "host_name", "attached_at"), IGNORED),
}
VOLUME_COLUMNS = {
    "name": "name",
    "description": "description",
    "user_id": "user_id",
    "size": "size",
    "status": "status",
    "bootable": "bootable",
    "multiattach": "multiattach",
    "availability_zone": "availability_zone",
    "snapshot_id": "snapshot_id",
    "source_volid": "source_volid",
    "image_metadata": "volume_image_metadata",
    "metadata": "metadata",
}


def boot_mark(value: Any) -> str:
    """``true``, ``false``, or empty for a volume whose ``bootable`` is not set."""
    word = str(value).lower() if isinstance(value, bool) else value
    if word not in ("true", "false", ""):
        raise WrongValue(f"give 'true' or 'false', not {value!r}")
    return str(word)


def write_types(entries: Sequence[Entry], cloud: Cloud) -> None:  # noqa: ARG001 - needs no names
    _save_kinds(VolumeType, "volume type", "extra_specs", entries)


def write_group_types(entries: Sequence[Entry], cloud: Cloud) -> None:  # noqa: ARG001 - as above
    _save_kinds(GroupType, "group type", "group_specs", entries)


def _save_kinds(
    model: type[VolumeType | GroupType], noun: str, specs: str, entries: Sequence[Entry]
) -> None:
    """Types of volumes or of their groups, with these specs and no others."""
    known = dict(model.objects.values_list("name", "pk"))
    rows = []
    for entry in entries:
        type_id = known.get(entry["name"], own_id(entry, noun, entry["name"]))
        if entry["id"] not in (None, type_id):
            raise entry.wrong("name", f"{noun} {type_id} has this name already")
        columns = {key: entry[key] for key in ("name", "description", "is_public", specs)}
        rows.append(model(id=type_id, **columns))
    save_rows(model, rows, keep=["qos_specs"])


def write_qos(entries: Sequence[Entry], cloud: Cloud) -> None:  # noqa: ARG001 - needs no names
    """QoS specs with exactly these keys; where the file names volume types, these have them and no
    others.
    """
    for entry in entries:
        try:
            found = _write_specs(entry)
            if "volume_types" in entry.given:
                _associate(entry, found)
        except Fault as fault:
            raise entry.wrong("name", fault.detail.rstrip(".")) from None


def _write_specs(entry: Entry) -> QosSpecs:
    given = {qos.CONSUMER: entry["consumer"], **entry["specs"]}
    if qos.CONSUMER in entry["specs"]:
        raise entry.wrong("specs", f"{qos.CONSUMER} is a key of the entry")
    known = QosSpecs.objects.filter(name=entry["name"]).first()
    if known is None:
        return qos.create({"name": entry["name"], "specs": given})
    if (known.specs, known.consumer) != (entry["specs"], entry["consumer"]):
        qos.replace(known, consumer=entry["consumer"], specs=entry["specs"])
    return known


def _associate(entry: Entry, specs: QosSpecs) -> None:
    types = VolumeType.objects.all()
    by_word = {word: kind for kind in types for word in (kind.name, str(kind.pk))}
    for word in entry["volume_types"]:
        if word not in by_word:
            raise entry.wrong("volume_types", f"there is no volume type {word}")
    wanted = {by_word[word].pk for word in entry["volume_types"]}
    for kind in types.filter(qos_specs=specs).exclude(pk__in=wanted):
        qos.disassociate(specs, str(kind.pk))
    for type_id in wanted:
        try:
            qos.associate(specs, str(type_id))
        except Fault as fault:
            raise entry.wrong("volume_types", fault.detail.rstrip(".")) from None


def write_volumes(entries: Sequence[Entry], cloud: Cloud) -> None:
    types = _find_types(entries)
    volumes = []
    for entry in entries:
        project_id = cloud.project(entry, VOLUME_PROJECT)
        word = entry["volume_type"]
        if word is not None and word not in types:
            raise entry.wrong("volume_type", f"there is no volume type {word}")
        volumes.append(
            Volume(
                id=own_id(entry, "volume", project_id, entry["name"]),
                project_id=project_id,
                volume_type=types.get(word),
                **{column: entry[key] for column, key in VOLUME_COLUMNS.items()},
            )
        )
    known = known_ids(Volume, [volume.pk for volume in volumes])
    save_rows(Volume, volumes, keep=["status"])
    Attachment.objects.bulk_create(
        Attachment(
            volume=volume,
            server_id=attachment["server_id"],
            device=attachment["device"],
            status="attached",
        )
        for entry, volume in zip(entries, volumes, strict=True)
        if volume.pk not in known
        for attachment in entry["attachments"]
    )


def _find_types(entries: Sequence[Entry]) -> dict[str, VolumeType]:
    """The types that the entries name, by name and by id."""
    words = {entry["volume_type"] for entry in entries if entry["volume_type"] is not None}
    found = VolumeType.objects.filter(Q(name__in=words) | Q(pk__in=canonical_ids(words)))
    return {word: kind for kind in found for word in (str(kind.pk), kind.name)}


def write_snapshots(entries: Sequence[Entry], cloud: Cloud) -> None:
    check_ids(entries, "volume_id", Volume, noun="volume")
    volumes = Volume.objects.in_bulk([entry["volume_id"] for entry in entries])
    rows = []
    for entry in entries:
        volume = volumes[entry["volume_id"]]
        project_id = volume.project_id
        if entry[SNAPSHOT_PROJECT] is not None:
            project_id = cloud.project(entry, SNAPSHOT_PROJECT)
        rows.append(
            Snapshot(
                id=own_id(entry, "snapshot", project_id, entry["name"]),
                name=entry["name"],
                description=entry["description"],
                project_id=project_id,
                volume=volume,
                size=entry["size"] or volume.size,
                status=entry["status"],
                metadata=entry["metadata"],
            )
        )
    save_rows(Snapshot, rows)


SECTIONS = (
    Section(
        name="volume_types",
        after=("projects",),
        keys={
            "id": Key(uuid_text),
            "name": Key(filled_text, required=True),
            "description": Key(text, default=""),
            "is_public": Key(flag, default=True, other_name="os-volume-type-access:is_public"),
            "extra_specs": Key(texts_by_name, default={}),
            "qos_specs_id": IGNORED,
        },
        write=write_types,
        unique=(("id",), ("name",)),
    ),
    Section(
        name="group_types",
        after=("projects",),
        keys={
            "id": Key(uuid_text),
            "name": Key(filled_text, required=True),
            "description": Key(text, default=""),
            "is_public": Key(flag, default=True),
            "group_specs": Key(read_group_specs, default={}),
        },
        write=write_group_types,
        unique=(("id",), ("name",)),
    ),
    Section(
        name="qos_specs",
        after=("volume_types",),
        keys={
            "name": Key(filled_text, required=True),
            "consumer": Key(one_of(*CONSUMERS), default=BACK_END),
            "specs": Key(texts_by_name, default={}),
            "volume_types": Key(list_of(filled_text), default=[]),
        },
        write=write_qos,
        unique=(("name",),),
    ),
    Section(
        name="volumes",
        after=(
            "volume_types",
            "images",
            "projects",
        ),
        keys={
            "id": Key(uuid_text),
            "name": Key(text, default=""),
            "description": Key(text, default=""),
            VOLUME_PROJECT: Key(text, required=True, other_name="project_id"),
            "user_id": Key(text, default=""),
            "size": Key(positive, required=True),
            "status": Key(filled_text, default="available"),
            "bootable": Key(boot_mark, default="false"),
            "multiattach": Key(flag, default=False),
            "availability_zone": Key(filled_text, default="nova"),
            "volume_type": Key(text),
            "snapshot_id": Key(uuid_text),
            "source_volid": Key(uuid_text),
            "volume_image_metadata": Key(texts_by_name, default={}),
            "metadata": Key(texts_by_name, default={}),
            "attachments": Key(list_of(record(ATTACHMENT)), default=[]),
            **dict.fromkeys(
                (
                    *("links", "created_at", "updated_at", "encrypted", "replication_status"),
                    *("consistencygroup_id", "group_id", "migration_status"),
                    *("os-vol-host-attr:host", "os-vol-mig-status-attr:migstat"),
                    *("os-vol-mig-status-attr:name_id", "shared_targets", "service_uuid"),
                ),
                IGNORED,
            ),
        },
        write=write_volumes,
        longest={"status": 32, "user_id": 36},
        unique=(("id",),),
    ),
    Section(
        name="snapshots",
        after=("volumes",),
        keys={
            "id": Key(uuid_text),
            "name": Key(text, default=""),
            "description": Key(text, default=""),
            SNAPSHOT_PROJECT: Key(text, other_name="project_id"),
            "volume_id": Key(uuid_text, required=True),
            "size": Key(positive),
            "status": Key(filled_text, default="available"),
            "metadata": Key(texts_by_name, default={}),
            **dict.fromkeys(
                (
                    *("links", "created_at", "updated_at", "user_id"),
                    "os-extended-snapshot-attributes:progress",
                ),
                IGNORED,
            ),
        },
        write=write_snapshots,
        longest={"status": 32},
        unique=(("id",),),
    ),
)
