"""The shapes of requests to the image API. An unknown key is a property, whose value is a text."""

from __future__ import annotations

from collections.abc import Mapping

from compute_site.neighbours.image.models import MEMBER_STATUSES
from compute_site.values.keys import (
    LARGEST_INT,
    Key,
    anything,
    filled_line,
    flag,
    line,
    list_of,
    one_of,
    uuid_text,
    whole,
)

OWN_KEYS = frozenset(
    (
        *("status", "size", "virtual_size", "checksum", "os_hash_algo", "os_hash_value"),
        *("created_at", "updated_at", "file", "self", "schema", "direct_url", "locations"),
        "stores",
    )
)
"""Only the service sets these."""
DISK_FORMATS = (
    *("ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"),
)
CONTAINER_FORMATS = ("ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed")
CHANGEABLE: Mapping[str, Key] = {
    "name": Key(line, default=""),
    "visibility": Key(one_of("public", "private", "shared", "community"), default="shared"),
    "owner": Key(line),
    "min_ram": Key(whole, default=0),
    "min_disk": Key(whole, default=0),
    "disk_format": Key(one_of(*DISK_FORMATS)),
    "container_format": Key(one_of(*CONTAINER_FORMATS)),
    "tags": Key(list_of(line, most=LARGEST_INT), default=[]),
    "protected": Key(flag, default=False),
    "os_hidden": Key(flag, default=False),
}
NEW_IMAGE: Mapping[str, Key] = {"id": Key(uuid_text), **CHANGEABLE}
IMPORT: Mapping[str, Key] = {
    "method": Key(anything),
    "all_stores": Key(anything),
    "all_stores_must_succeed": Key(anything),
}
"""There is one store, so that the keys about stores change nothing."""
NEW_MEMBER: Mapping[str, Key] = {"member": Key(filled_line, required=True)}
CHANGED_MEMBER: Mapping[str, Key] = {"status": Key(one_of(*MEMBER_STATUSES), required=True)}
