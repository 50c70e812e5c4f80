"""The shapes of requests to the image API. An unknown key is a property, whose value is a text."""

from __future__ import annotations

from collections.abc import Mapping

from compute_site.keys import (
    LARGEST_INT,
    Key,
    flag,
    line,
    list_of,
    one_of,
    up_to,
    uuid_text,
    whole,
)

OWN_KEYS = frozenset(
    (
        *("status", "size", "virtual_size", "checksum", "os_hash_algo", "os_hash_value"),
        *("created_at", "updated_at", "file", "self", "schema", "direct_url", "locations"),
    )
)
"""Only the service sets these."""
CHANGEABLE: Mapping[str, Key] = {
    "name": Key(line, default=""),
    "visibility": Key(one_of("public", "private", "shared", "community"), default="shared"),
    "owner": Key(line),
    "min_ram": Key(whole, default=0),
    "min_disk": Key(whole, default=0),
    "disk_format": Key(up_to(32)),
    "container_format": Key(up_to(32)),
    "tags": Key(list_of(line, most=LARGEST_INT), default=[]),
    "protected": Key(flag, default=False),
    "os_hidden": Key(flag, default=False),
}
NEW_IMAGE: Mapping[str, Key] = {"id": Key(uuid_text), **CHANGEABLE}
