"""The values of which requests are made: good ones and bad ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

VERSIONS = ("3.0", "3.2", "3.14", "3.27", "3.34", "3.45", "3.54", "3.59", "3.62", "3.66", "3.71")
USED_UP_ROWS = {"volume": "volumes/{scratch}", "snapshot": "snapshots/{snapshot}"}
NAMES = ("n", "", None, 5, "x" * 256)
YES = (True, False, "true", "maybe", None)
NOTHING: tuple[Any, ...] = (None, {})
CONNECTORS: tuple[Any, ...] = (None, {}, "x")
METADATA: tuple[Any, ...] = ({"k": "v"}, {"k": 5}, {}, {"": "v"}, {"k": "x" * 256}, None, [])
FILTERS: Mapping[str, tuple[str, ...]] = {
    "name": ("v1-{salt}", "none"),
    "status": ("available", "error", "Available"),
    "metadata": ("{{'a':'b'}}", "{{'a':'x'}}"),
    "size": ("2", "9"),
    "bootable": ("true", "False", "0", "1"),
    "availability_zone": ("nova", "x"),
    "volume_id": ("{volume0}", "{unknown}", "x"),
    "name~": ("v", "zz"),
    "created_at": ("gt:2020-01-01T00:00:00", "lt:2020-01-01T00:00:00", "x:2020-01-01"),
    "updated_at": ("gte:2020-01-01T00:00:00Z", "gt:never"),
    "with_count": ("true", "false"),
    "consumes_quota": ("true", "false", "x"),
    "glance_metadata": ("{{'a':'b'}}",),
    "extra_specs": ("{{'trial:a':'b'}}", "{{'a':'b'}}"),
    "limit": ("1", "2", "0", "-1", "x"),
    "offset": ("0", "1", "x"),
    "marker": ("{volume1}", "{unknown}", "x"),
    "sort": ("name:asc", "size", "created_at:desc,id:asc", "colour", "name:up"),
    "sort_key": ("name", "id", "status", "colour", "display_name", "attach_status", "created_at"),
    "sort_dir": ("asc", "desc", "up"),
    "all_tenants": ("1",),
    "colour": ("red",),
    "instance_id": ("{unknown}",),
    "is_public": ("none", "true"),
}
NEW_VOLUME: Mapping[str, tuple[Any, ...]] = {
    "name": NAMES,
    "description": ("d", None, "x" * 256),
    "size": (1, "2", 0, -1, "big", None, 1.5),
    "metadata": ({}, {"k": "v"}, {"k": 5}, {"": "v"}, None, [], {"k": "x" * 256}),
    "availability_zone": ("nova", None),
    "volume_type": ("{type_fast}", "{type_fast_name}", "", None, "none", "{type_own}"),
    "snapshot_id": ("{snapshot0}", "{unknown}", "x", None),
    "source_volid": ("{volume1}", "{unknown}", None),
    "imageRef": (None, ""),
    "multiattach": (False, "maybe", None),
    "display_name": ("n",),
    "group_id": (None, "x"),
    "backup_id": (None,),
    "consistencygroup_id": (None,),
    "colour": ("red",),
    "scheduler_hints": ({},),
}
NEW_SNAPSHOT: Mapping[str, tuple[Any, ...]] = {
    "name": NAMES,
    "description": ("d", None),
    "force": (True, False, "true", None, "maybe"),
    "metadata": ({"k": "v"}, {"k": 5}, None, {}),
    "colour": ("red",),
}
CHANGES: Mapping[str, tuple[Any, ...]] = {
    "name": NAMES,
    "description": ("d", None, ""),
    "metadata": ({"k": "v"}, {"k": 5}),
    "display_name": ("n",),
    "size": (5,),
    "colour": ("red",),
}
ACTIONS: Mapping[str, tuple[Any, ...]] = {
    "os-extend": ({"new_size": 2}, {"new_size": 1}, {"new_size": "x"}, {}, None),
    "os-set_bootable": tuple({"bootable": word} for word in YES),
    "os-update_readonly_flag": tuple({"readonly": word} for word in YES),
    "os-reset_status": (
        {"status": "error"},
        {"status": "in-use"},
        {"status": "colour"},
        {"attach_status": "detached"},
        {"migration_status": "none"},
        {},
    ),
    "os-set_image_metadata": (
        *({"metadata": {"k": "v"}}, {"metadata": {}}, {"metadata": {"k": 5}}, {}),
    ),
    "os-unset_image_metadata": ({"key": "k"}, {}),
    "os-show_image_metadata": ({}, None),
    "os-reserve": (None, {}),
    "os-unreserve": (None, {}),
    "os-begin_detaching": (None,),
    "os-roll_detaching": (None,),
    "revert": ({"snapshot_id": "{snapshot0}"}, {"snapshot_id": "x"}, {}),
    "os-retype": ({"new_type": "none"}, {}, {"new_type": "{type_fast}", "colour": 1}),
    "os-force_delete": ({}, None),
    "os-attach": ({"colour": 1}, {}, {"mountpoint": ""}),
    "os-detach": ({"colour": 1},),
    "os-paint": ({},),
    "os-extend_volume_completion": ({}, {"error": "maybe"}),
    "os-volume_upload_image": ({}, {"image_name": ""}, {"image_name": "x", "colour": 1}),
}
NEW_ATTACHMENT: Mapping[str, tuple[Any, ...]] = {
    "instance_uuid": ("{unknown}", "x", None),
    "connector": CONNECTORS,
    "mode": ("rw", "ro", "x", None),
    "colour": ("red",),
}
NEW_TRANSFER: Mapping[str, tuple[Any, ...]] = {
    "name": NAMES,
    "no_snapshots": (True, "maybe", None),
    "colour": ("red",),
}
SPECS: tuple[Any, ...] = (
    *({"a": "b"}, {"a": 5}, {"": "x"}, {"a": "x" * 256}, {"a b": "c"}, {}, []),
    *({"consumer": "both"}, {"consumer": "nobody"}),
)
KEYS: tuple[Any, ...] = (["a"], ["a", "none"], ["none"], [], "a", [5], None)
FORCED = ("", "?force=true", "?force=maybe")
NEW_QOS: Mapping[str, tuple[Any, ...]] = {
    "name": ("q-{salt}", "q0-{salt}", "", " ", None, 5, "x" * 256),
    "consumer": ("front-end", "both", "nobody", 5),
    "total_iops_sec": ("9", 9),
}
ENCRYPTION: Mapping[str, tuple[Any, ...]] = {
    "provider": ("luks", "plain", "", 5, None),
    "control_location": ("front-end", "back-end", "both", None),
    "cipher": ("aes", None, 5, "x" * 256),
    "key_size": (256, "256", 0, -1, "x", None),
    "colour": ("red",),
}
GROUP_TYPE: Mapping[str, tuple[Any, ...]] = {
    "name": ("g-{salt}", "g0-{salt}", "", " ", None, 5, "x" * 256),
    "description": ("d", "", None, 5),
    "is_public": (True, False, "no", "maybe", None),
    "group_specs": ({"a": "b"}, {"a": 5}, {}, None),
    "colour": ("red",),
}
GROUP_SPECS: tuple[Any, ...] = ({"a": "c"}, {"b": "c"}, {"a": 5}, {"": "x"}, {}, None)
GROUP_TYPE_FILTERS = ("", "is_public=none", "is_public=x", "limit=1", "sort_key=name", "colour=red")
GROUP_FILTERS = (
    *("", "sort_key=name", "sort=name:asc", "sort_key=colour", "limit=1", "limit=-1", "limit=x"),
    *("name=none", "status=available", "colour=red", "all_tenants=1", "marker={unknown}"),
)
NEW_GROUP: Mapping[str, tuple[Any, ...]] = {
    "name": NAMES,
    "description": ("d", None, 5),
    "group_type": ("none", "{unknown}", "{group_type0}", None, 5),
    "volume_types": (["none"], [], "x", ["{type_fast}", "{type_fast}"], ["{unknown}"]),
    "availability_zone": ("nova", "nowhere", None),
    "colour": ("red",),
}
SOURCES: Mapping[str, tuple[Any, ...]] = {
    "name": ("n", "", None),
    "group_snapshot_id": ("{group_snapshot0}", "{unknown}", "x", None),
    "source_group_id": ("{group0}", "{unknown}", None),
    "colour": ("red",),
}
GROUP_CHANGES: Mapping[str, tuple[Any, ...]] = {
    "name": NAMES,
    "description": ("d", None, ""),
    "add_volumes": ("{volume2}", "{unknown}", "x", "", None),
    "remove_volumes": ("{volume0}", "{unknown}", "x", "", None),
    "colour": ("red",),
}
GROUP_DELETION: Mapping[str, tuple[Any, ...]] = {
    "delete-volumes": (True, False, "maybe", None),
    "colour": ("red",),
}
STATUS: Mapping[str, tuple[Any, ...]] = {
    "status": ("available", "error", "colour", "", None, 5),
    "colour": ("red",),
}
NEW_TAKEN: Mapping[str, tuple[Any, ...]] = {
    "name": NAMES,
    "description": ("d", None, 5),
    "colour": ("red",),
}
NEW_BACKUP: Mapping[str, tuple[Any, ...]] = {
    "volume_id": ("{unknown}", "x", None, 5),
    "snapshot_id": ("{unknown}", "{snapshot0}", "x", None),
    "name": ("x" * 256, 5),
    "container": ("c", "", 5),
    "incremental": (True, "maybe", None),
    "force": ("maybe", None),
    "metadata": ({"a": 5},),
    "colour": ("red",),
}
RESTORATION: Mapping[str, tuple[Any, ...]] = {"name": ("n", 5, "x" * 256), "colour": ("red",)}
BACKUP_CHANGES: Mapping[str, tuple[Any, ...]] = {
    "name": ("b0-{salt}", "b0-{salt}", None, 5, "x" * 256),
    "description": ("d", None, 5),
    "metadata": ({"k": "v"}, {"k": 5}, {}, None),
    "colour": ("red",),
}
BACKUP_FILTERS = (
    *("", "sort_key=name", "sort_key=colour", "limit=1", "limit=0", "limit=x", "with_count=true"),
    *("name=b0-{salt}", "status=available", "volume_id={volume0}", "volume_id={unknown}"),
    *("colour=red", "all_tenants=1", "marker={unknown}"),
)
MESSAGE_FILTERS = (
    *("", "limit=1", "limit=x", "sort_key=created_at", "sort_key=colour", "colour=red"),
    *("message_level=ERROR", "resource_type=VOLUME", "resource_uuid={unknown}", "event_id=x"),
)
QUOTAS: Mapping[str, tuple[Any, ...]] = {
    "volumes": (0, 1, 10, -1, -2, "x", "5", 2**31, None, 1.5),
    "gigabytes": (0, 1000),
    "snapshots": (-1, 3),
    "per_volume_gigabytes": (-1, 5),
    "backups": (0, 7),
    "groups": (0, 8),
    "volumes_{type_fast_name}": (3, "x", -2),
    "snapshots_nowhere": (5,),
    "colour": (1,),
}
CLASSES = ("default", "gold-{salt}", "{salt}" + "x" * 240, "x" * 256)
TYPE: Mapping[str, tuple[Any, ...]] = {
    "description": ("d", None, 5),
    "is_public": (True, False, "no", "maybe", None),
    "colour": ("red",),
    "name": ("", None, 5),
}
