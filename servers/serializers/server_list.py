"""The query string of ``GET /servers`` and ``/servers/detail``."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from compute_site.api.microversions.fields import Choice, NonNegative, Refused
from compute_site.api.microversions.history import History
from compute_site.api.microversions.queries import Pattern, Time, Word
from compute_site.api.microversions.serializers import CompiledQuery, QuerySerializer
from compute_site.api.microversions.texts import Text
from compute_site.api.microversions.version import OLDEST, Microversion
from compute_site.faults import FieldFault
from servers.read.list_request import ListRequest
from servers.read.listing import SORT_COLUMNS

IGNORED_SORT_KEYS = (
    "architecture",
    "cell_name",
    "cleaned",
    "default_ephemeral_device",
    "default_swap_device",
    "deleted",
    "deleted_at",
    "disable_terminate",
    "ephemeral_gb",
    "ephemeral_key_uuid",
    "id",
    "key_data",
    "launched_on",
    "memory_mb",
    "os_type",
    "reservation_id",
    "root_gb",
    "shutdown_terminate",
    "user_data",
    "vcpus",
    "vm_mode",
)
"""Nova: accepted without effect by clients older than 2.75."""
SORT_KEYS = tuple(sorted(SORT_COLUMNS.keys() - {"locked"}))
INNER_NAMES = (
    "block_device_mapping",
    "services",
    "metadata",
    "system_metadata",
    "info_cache",
    "security_groups",
    "pci_devices",
)
FOR_EVERYONE = {
    "2.1": (
        "reservation_id",
        "name",
        "status",
        "image",
        "flavor",
        "ip",
        "changes_since",
    ),
    "2.5": ("ip6",),
    "2.26": ("all_tags", "any_tag", "not_all_tags", "not_any_tag"),
    "2.66": ("changes_before",),
    "2.73": ("locked",),
    "2.83": (
        "availability_zone",
        "config_drive",
        "key_name",
        "created_at",
        "launched_at",
        "terminated_at",
        "power_state",
        "task_state",
        "vm_state",
        "progress",
        "user_id",
    ),
    "2.90": ("hostname",),
}
"""Parameters that need no right of their own, by attribute, from which version on."""
MEANINGS = {
    "name": "display_name",
    "image": "image_ref",
    "tenant_id": "project_id",
    "uuid": "server_id",
}
"""What a parameter filters by, where its name is another one."""
WITHOUT_EFFECT = frozenset(("description",))
DEFAULT_ORDER = (("created_at", True),)
MOST = 1 << 31
SORTED_BY_LOCK = Microversion.parse("2.73")
STATUS_MUST_EXIST = Microversion.parse("2.38")


def _text() -> Text:
    return Text(repeat="last")


def _pattern() -> Pattern:
    return Pattern(repeat="last")


class Tags(Pattern):
    """Tags with commas between, each once."""

    def __init__(self, **options: Any) -> None:
        super().__init__(searched=False, **options)

    def convert(self, value: Any) -> Any:
        return list(dict.fromkeys(super().convert(value).split(",")))


class CompiledServerList(CompiledQuery):
    """Names of the database's inner parts are set aside: they are refused later than others."""

    def read(self, value: Any, path: str, faults: list[FieldFault]) -> Any:
        inner = [key for key in value if key in INNER_NAMES or key.startswith("_")]
        known = {key: texts for key, texts in value.items() if key not in inner}
        order: ListRequest | None = super().read(known, path, faults)
        return order and dataclasses.replace(order, inner_names=inner)


class ServerListQuery(QuerySerializer):
    """The query string; the result is a ``ListRequest``. Of a key that is given several times the
    last one counts.
    """

    unknown = {"2.1": "drop", "2.75": "refuse"}
    compiler = CompiledServerList

    limit = NonNegative(repeat="last")
    marker = _text()
    sort_key = History(
        {
            "2.1": Choice(*SORT_KEYS, *IGNORED_SORT_KEYS, "locked", repeat=True),
            "2.75": Choice(*SORT_KEYS, "locked", repeat=True),
        }
    )
    sort_dir = Text(repeat=True)
    all_tenants = Word(empty=True, repeat="last")

    user_id = _text()
    project_id = _text()
    tenant_id = _text()
    launch_index = _text()
    image_ref = _text()
    image = _text()
    kernel_id = _pattern()
    ramdisk_id = _pattern()
    hostname = _pattern()
    key_name = _pattern()
    power_state = _pattern()
    vm_state = _text()
    task_state = _text()
    host = _text()
    node = _pattern()
    flavor = Pattern(searched=False, repeat="last")
    reservation_id = _pattern()
    launched_at = _pattern()
    terminated_at = _pattern()
    created_at = _pattern()
    availability_zone = _pattern()
    name = _pattern()
    display_name = _pattern()
    description = Pattern(searched=False, repeat="last")
    display_description = _pattern()
    locked_by = _pattern()
    uuid = _text()
    root_device_name = _pattern()
    config_drive = _pattern()
    access_ip_v4 = _pattern()
    access_ip_v6 = _pattern()
    auto_disk_config = _pattern()
    progress = _pattern()
    soft_deleted = _text()
    deleted = Word(empty=False, other=False, repeat="last")
    status = Text(repeat=True)
    ip = _pattern()
    ip6 = _pattern()
    changes_since = Time(key="changes-since", repeat="last")
    changes_before = History({"2.66": Time(key="changes-before", repeat="last")})
    all_tags = History({"2.26": Tags(key="tags", repeat="last")})
    any_tag = History({"2.26": Tags(key="tags-any", repeat="last")})
    not_all_tags = History({"2.26": Tags(key="not-tags", repeat="last")})
    not_any_tag = History({"2.26": Tags(key="not-tags-any", repeat="last")})
    locked = History({"2.73": Word(repeat="last")})

    def build(self, values: dict[str, Any], version: Microversion) -> ListRequest:
        since, before = values.get("changes_since"), values.get("changes_before")
        if since and before and before < since:
            raise Refused("lies before changes-since", field="changes-before")
        limit = min(values.pop("limit", MOST), settings.OPTIONS.max_page_size)
        keys, directions = values.pop("sort_key", ()), values.pop("sort_dir", ())
        return ListRequest(
            limit=limit,
            marker=values.pop("marker", None) or None,
            sort_keys=_order(keys, directions, version) if limit else _unordered(keys),
            all_projects=values.pop("all_tenants", False),
            filters=_renamed(values),
            open_filters=_renamed({n: v for n, v in values.items() if n in _for_everyone(version)}),
            unknown_status_fails=version >= STATUS_MUST_EXIST,
        )


def _renamed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Filters by the names of what they mean; the plain name goes before an alias."""
    filters = {MEANINGS.get(name, name): value for name, value in values.items()}
    filters |= {name: value for name, value in values.items() if name not in MEANINGS}
    return {name: value for name, value in filters.items() if name not in WITHOUT_EFFECT}


def _order(
    keys: Sequence[str], directions: Sequence[str], version: Microversion
) -> Sequence[tuple[str, bool]]:
    """Keys, and whether descending. Nova: a key without direction takes the first one."""
    order: list[tuple[str, bool]] = []
    if not keys:
        keys = ("created_at",)
    words = [word.strip() for word in directions] or ["desc"]
    if len(words) > len(keys):
        raise Refused("there are more directions than keys", field="sort_dir")
    words += words[:1] * (len(keys) - len(words))
    for key, word in zip(keys, words, strict=True):
        if word not in ("asc", "desc"):
            raise Refused(f"{word!r:.40} is no direction; give asc or desc", field="sort_dir")
        if key in SORT_COLUMNS and (key != "locked" or version >= SORTED_BY_LOCK):
            order.append((key, word == "desc"))
    return order or DEFAULT_ORDER


def _unordered(keys: Sequence[str]) -> Sequence[tuple[str, bool]]:
    """Nova: a page without servers is not sorted, but hosts are not for everyone even there."""
    return [(key, True) for key in keys if key in SORT_COLUMNS] or DEFAULT_ORDER


@functools.cache
def _for_everyone(version: Microversion) -> frozenset[str]:
    asked = max(version, OLDEST)
    return frozenset(
        name
        for start, names in FOR_EVERYONE.items()
        if Microversion.parse(start) <= asked
        for name in names
    )
