"""The shapes of requests to the image API. An unknown key is a property, whose value is a text."""

from __future__ import annotations

from collections.abc import Mapping

from compute_site.neighbours.image.data.store import STORE
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
    "visibility": Key(
        one_of("public", "private", "shared", "community"), default="shared", never_null=True
    ),
    "owner": Key(line),
    "min_ram": Key(whole, default=0, never_null=True),
    "min_disk": Key(whole, default=0, never_null=True),
    "disk_format": Key(one_of(*DISK_FORMATS)),
    "container_format": Key(one_of(*CONTAINER_FORMATS)),
    "tags": Key(list_of(line, most=LARGEST_INT), default=[], never_null=True),
    "protected": Key(flag, default=False, never_null=True),
    "os_hidden": Key(flag, default=False, never_null=True),
}
NEW_IMAGE: Mapping[str, Key] = {"id": Key(uuid_text), **CHANGEABLE}
IMPORT: Mapping[str, Key] = {
    "method": Key(anything),
    "stores": Key(list_of(one_of(STORE))),
    "all_stores": Key(flag),
    "all_stores_must_succeed": Key(flag),
}
"""There is one store, so that the keys about stores choose that one, or are refused."""
TASK: Mapping[str, Key] = {"type": Key(anything, required=True), "input": Key(anything)}
NEW_MEMBER: Mapping[str, Key] = {"member": Key(filled_line, required=True)}
CHANGED_MEMBER: Mapping[str, Key] = {
    "status": Key(one_of(*MEMBER_STATUSES), required=True),
    "member": Key(filled_line),
}
"""openstacksdk names the member, which the URL names as well."""
