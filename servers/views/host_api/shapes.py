"""What bodies of hosts look like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compute_site.values.keys import (
    LARGEST_BIG_INT,
    Key,
    Reader,
    address,
    between,
    filled_line,
    filled_text,
    flag,
    kept_mapping,
    line,
    list_of,
    one_of,
    positive,
    record,
    text,
    up_to,
    uuid_text,
    whole,
)
from servers.models import PowerState
from servers.placement.fit import HostTopology
from servers.placement.fit.reading import described_host

MOST_GUESTS = 2000
LONGEST_CONSOLE = 100_000
MOST_FILES = 50
MOST_DOING = 2000
MOST_NETWORKS = 1000
LONGEST_REQUEST = 8000
LONGEST_PASSWORD = 4 * 255
short = up_to(64)


def told(keys: Mapping[str, Key]) -> Reader:
    """An object with these keys; others are ignored, since an agent may be newer than the site."""
    read = record(keys)

    def read_known(value: Any) -> Any:
        known = isinstance(value, Mapping)
        return read({key: value[key] for key in keys if key in value} if known else value)

    return read_known


STOCK = {
    "vcpus": Key(positive, required=True),
    "memory_mb": Key(positive, required=True),
    "local_gb": Key(whole, required=True),
    "hypervisor_type": Key(up_to(32, filled_line), required=True),
    "hypervisor_version": Key(whole, default=0),
    "supported_instances": Key(list_of(list_of(filled_line, 3)), default=[]),
    "cpu_info": Key(kept_mapping, default={}),
    "host_ip": Key(address),
    "topology": Key(described_host, default=HostTopology()),
    "traits": Key(list_of(filled_line), default=[]),
}
WISHES = {
    "certificate_request": Key(up_to(LONGEST_REQUEST, text), default=""),
    "guests_certificate_request": Key(up_to(LONGEST_REQUEST, text), default=""),
    "migration_address": Key(address),
}
CERTIFICATE = {
    **WISHES,
    "migration_address": Key(address, required=True),
}
JOIN = {
    "join_token": Key(line, required=True),
    "boot_id": Key(short, required=True),
    "version": Key(short, required=True),
    "protocols": Key(list_of(whole), required=True),
    "hypervisor": Key(up_to(32, filled_line), required=True),
    "stock": Key(told(STOCK), required=True),
    **WISHES,
}
WIRES = {
    "tunnel_address": Key(address),
    "uplink": Key(flag, default=False),
    "physical_networks": Key(list_of(up_to(64, filled_line), MOST_NETWORKS)),
}
HEARTBEAT = {
    "boot_id": Key(short, required=True),
    "version": Key(short, required=True),
    "load": Key(kept_mapping, default={}),
    "wires": Key(told(WIRES), default={}),
    "doing": Key(list_of(uuid_text, MOST_DOING)),
    "protocols": Key(list_of(whole)),
    "stock": Key(told(STOCK)),
}
PASSWORD = {"password": Key(up_to(LONGEST_PASSWORD, filled_text), required=True)}
RETURN = {"guests": Key(list_of(uuid_text, MOST_GUESTS), required=True)}
GUEST = {
    "server_id": Key(uuid_text, required=True),
    "seq": Key(between(0, LARGEST_BIG_INT), default=0),
    "power_state": Key(one_of(*PowerState.values), required=True),
}
GUESTS = {
    "guests": Key(list_of(told(GUEST), MOST_GUESTS), required=True),
    "all": Key(flag, default=False),
}
FILE = {"sha512": Key(up_to(128), required=True)}
PACKED = {
    "name": Key(up_to(61, filled_line), required=True),
    "size": Key(between(0, LARGEST_BIG_INT), required=True),
    "sha512": Key(up_to(128), required=True),
}
CONSOLE = {
    "host": Key(filled_line, required=True),
    "port": Key(between(1, 65535), required=True),
    "path": Key(up_to(255, filled_line), required=True),
}
RESULT = {
    "power_state": Key(one_of(*PowerState.values)),
    "text": Key(up_to(LONGEST_CONSOLE, text)),
    "console": Key(told(CONSOLE)),
    "diagnostics": Key(kept_mapping),
    "held": Key(flag),
    "files": Key(list_of(told(PACKED), MOST_FILES)),
    "sizes": Key(kept_mapping),
    "to": Key(kept_mapping),
}
ANSWER = {
    "ok": Key(flag, required=True),
    "result": Key(told(RESULT), default={}),
    "fault": Key(up_to(1000), default=""),
    "code": Key(short, default=""),
}
COPIED = {
    f"{what}_{how}": Key(between(0, LARGEST_BIG_INT))
    for what in ("memory", "disk")
    for how in ("total", "processed", "remaining")
}
PROGRESS = {
    "percent": Key(between(0, 100), required=True),
    "copied": Key(told(COPIED)),
}
