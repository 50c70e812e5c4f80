"""The shapes of requests to the volume API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compute_site.neighbours.volume.local.attachments import MODES, read_connector
from compute_site.neighbours.volume.models import CONTROL_LOCATIONS
from compute_site.values.keys import (
    Key,
    Reader,
    WrongValue,
    between,
    filled_line,
    flag,
    line,
    list_of,
    mapping,
    one_of,
    optional,
    shown,
    text,
    texts_by_name,
    uuid_text,
    whole,
    without,
)
from compute_site.values.words import STRICT_FALSE, STRICT_TRUE

MOST_GIB = 2**31 - 1


def also_as_text(read: Reader) -> Reader:
    """For numbers, also ones that are written as texts: Cinder takes both."""

    def read_either(value: Any) -> int:
        plain = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 11
        return int(read(int(value) if plain else value))

    return read_either


gigabytes = also_as_text(between(1, MOST_GIB))
bits_of_key = also_as_text(whole)


def strict_texts(value: Any) -> dict[str, str]:
    """Names with texts; unlike elsewhere, numbers are none."""
    found = mapping(value)
    if not all(isinstance(part, str) for part in found.values()):
        raise WrongValue("give names with texts")
    return texts_by_name(found)


def word_or_flag(value: Any) -> bool:
    """A truth value, also one of the words for it, as Cinder takes both."""
    if value in STRICT_TRUE:
        return True
    return False if value in STRICT_FALSE else flag(value)


def nothing(noun: str) -> Key:
    """A key that names a kind of thing that does not exist here; only null is taken."""

    def refuse(value: Any) -> None:
        raise WrongValue(f"there is no {noun} {shown(value)}")

    return Key(refuse)


def distinct_names(value: Any) -> list[str]:
    found = list_of(filled_line)(value)
    if len(set(found)) < len(found):
        raise WrongValue("name each once")
    return list(found)


NEW_QOS: Mapping[str, Key] = {"name": Key(filled_line, required=True)}
UNSET_QOS: Mapping[str, Key] = {"keys": Key(distinct_names, required=True)}
NEW_ENCRYPTION: Mapping[str, Key] = {
    "provider": Key(line, required=True),
    "control_location": Key(one_of(*CONTROL_LOCATIONS), required=True),
    "cipher": Key(line),
    "key_size": Key(bits_of_key),
}
CHANGED_ENCRYPTION: Mapping[str, Key] = optional(NEW_ENCRYPTION, "provider", "control_location")
NEW_VOLUME: Mapping[str, Key] = {
    "size": Key(gigabytes),
    "name": Key(line, default="", other_name="display_name"),
    "description": Key(line, default="", other_name="display_description"),
    "imageRef": Key(uuid_text),
    "snapshot_id": Key(uuid_text),
    "source_volid": Key(uuid_text),
    "volume_type": Key(line),
    "availability_zone": Key(line, default="nova"),
    "multiattach": Key(flag, default=False, never_null=True),
    "metadata": Key(strict_texts, default={}),
    "consistencygroup_id": nothing("consistency group"),
    "backup_id": Key(uuid_text),
    "group_id": Key(line),
}
NEW_GROUP_TYPE: Mapping[str, Key] = {
    "name": Key(filled_line, required=True),
    "description": Key(line, default=""),
    "is_public": Key(word_or_flag, default=True, never_null=True),
    "group_specs": Key(strict_texts, default={}),
}
CHANGED_GROUP_TYPE: Mapping[str, Key] = {
    "name": Key(filled_line),
    "description": Key(line),
    "is_public": Key(word_or_flag, never_null=True),
}


def some_names(value: Any) -> list[str]:
    if not (found := distinct_names(value)):
        raise WrongValue("name at least one")
    return found


NEW_GROUP: Mapping[str, Key] = {
    "name": Key(line, default=""),
    "description": Key(line, default=""),
    "group_type": Key(filled_line, required=True),
    "volume_types": Key(some_names, required=True),
    "availability_zone": Key(line, default="nova"),
}
COPIED_GROUP: Mapping[str, Key] = {
    "name": Key(line, default=""),
    "description": Key(line, default=""),
    "source_group_id": Key(uuid_text),
    "group_snapshot_id": Key(uuid_text),
}
CHANGED_GROUP: Mapping[str, Key] = {
    "name": Key(line, default=""),
    "description": Key(line, default=""),
    "add_volumes": Key(text),
    "remove_volumes": Key(text),
}
NEW_GROUP_SNAPSHOT: Mapping[str, Key] = {
    "group_id": Key(uuid_text, required=True),
    "name": Key(line, default=""),
    "description": Key(line, default=""),
}
NEW_BACKUP: Mapping[str, Key] = {
    "volume_id": Key(uuid_text, required=True),
    "snapshot_id": Key(uuid_text),
    "name": Key(line, default=""),
    "description": Key(line, default=""),
    "container": Key(line, default=""),
    "incremental": Key(word_or_flag, default=False, never_null=True),
    "force": Key(word_or_flag, default=False, never_null=True),
    "metadata": Key(strict_texts, default={}),
    "availability_zone": Key(line),
}
CHANGED_BACKUP: Mapping[str, Key] = {
    **{key: NEW_BACKUP[key] for key in ("name", "description")},
    "metadata": Key(strict_texts, default={}, never_null=True),
}
RESTORED_BACKUP: Mapping[str, Key] = {"volume_id": Key(uuid_text), "name": Key(line)}
BACKUP_RECORD: Mapping[str, Key] = {
    "backup_service": Key(filled_line, required=True),
    "backup_url": Key(text, required=True),
}
NEW_SNAPSHOT: Mapping[str, Key] = {
    "volume_id": Key(uuid_text),
    "name": Key(line, default="", other_name="display_name"),
    "description": Key(line, default="", other_name="display_description"),
    "force": Key(word_or_flag, never_null=True),
    "metadata": Key(strict_texts, default={}),
}


def name_in_store(value: Any) -> str:
    """``{"source-name": …}``, or ``source-id`` as other stores have it."""
    found = mapping(value)
    if len(found) != 1 or not found.keys() <= {"source-name", "source-id"}:
        raise WrongValue('give {"source-name": the name in the store}')
    return str(filled_line(next(iter(found.values()))))


MANAGED_VOLUME: Mapping[str, Key] = {
    "host": Key(filled_line, required=True),
    "cluster": nothing("cluster"),
    "ref": Key(name_in_store, required=True),
    "bootable": Key(word_or_flag, default=False, never_null=True),
    **{
        key: NEW_VOLUME[key]
        for key in ("name", "description", "volume_type", "availability_zone", "metadata")
    },
}
CHANGED: Mapping[str, Key] = {
    "name": Key(line, default="", other_name="display_name"),
    "description": Key(line, default="", other_name="display_description"),
    "metadata": Key(strict_texts, default={}),
}
CHANGED_SNAPSHOT: Mapping[str, Key] = without(CHANGED, "metadata")
NEW_TYPE: Mapping[str, Key] = {
    "name": Key(filled_line, required=True),
    "description": Key(line, default=""),
    "os-volume-type-access:is_public": Key(word_or_flag, default=True, never_null=True),
    "extra_specs": Key(strict_texts, default={}, never_null=True),
}
CHANGED_TYPE: Mapping[str, Key] = {
    "name": Key(filled_line),
    "description": Key(line),
    "is_public": Key(word_or_flag, never_null=True),
}


def filled_connector(value: Any) -> dict[str, Any]:
    if not (found := read_connector(value)):
        raise WrongValue("give what the host says of itself")
    return found


NEW_ATTACHMENT: Mapping[str, Key] = {
    "volume_uuid": Key(uuid_text, required=True),
    "instance_uuid": Key(uuid_text),
    "connector": Key(read_connector),
    "mode": Key(one_of(*MODES), never_null=True),
}
CHANGED_ATTACHMENT: Mapping[str, Key] = {"connector": Key(filled_connector, required=True)}
NEW_TRANSFER: Mapping[str, Key] = {
    "volume_id": Key(uuid_text, required=True),
    "name": Key(line),
    "no_snapshots": Key(word_or_flag, default=False, never_null=True),
}


def key_text(value: Any) -> str:
    """A key of digits alone may be written as a number."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return str(filled_line(str(value) if is_number else value))


ACCEPTED_TRANSFER: Mapping[str, Key] = {"auth_key": Key(key_text, required=True)}
DEFAULT_TYPE: Mapping[str, Key] = {"volume_type": Key(filled_line, required=True)}
ACCESS: Mapping[str, Key] = {"project": Key(line, required=True)}
