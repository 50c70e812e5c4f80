"""The shapes of requests to the volume API."""

from __future__ import annotations

from collections.abc import Mapping

from compute_site.keys import IGNORED, Key, flag, line, positive, texts_by_name, uuid_text

NEW_VOLUME: Mapping[str, Key] = {
    "size": Key(positive),
    "name": Key(line, default="", other_name="display_name"),
    "description": Key(line, default="", other_name="display_description"),
    "imageRef": Key(uuid_text),
    "snapshot_id": Key(uuid_text),
    "source_volid": Key(uuid_text),
    "volume_type": Key(line),
    "availability_zone": Key(line, default="nova"),
    "multiattach": Key(flag, default=False),
    "metadata": Key(texts_by_name, default={}),
    "consistencygroup_id": IGNORED,
    "backup_id": IGNORED,
    "group_id": IGNORED,
}
NEW_SNAPSHOT: Mapping[str, Key] = {
    "volume_id": Key(uuid_text, required=True),
    "name": Key(line, default="", other_name="display_name"),
    "description": Key(line, default="", other_name="display_description"),
    "force": Key(flag, default=False),
    "metadata": IGNORED,
}
CHANGED: Mapping[str, Key] = {
    "name": Key(line, default="", other_name="display_name"),
    "description": Key(line, default="", other_name="display_description"),
    "metadata": Key(texts_by_name, default={}),
}
