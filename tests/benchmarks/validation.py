"""Measures what checking a body of ``POST /servers`` costs, in-process; prints JSON: CPU ms."""

from __future__ import annotations

import json
import os
import time
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "compute_site.settings")

import django

django.setup()

from compute_site.api.microversions.version import NEWEST
from servers.serializers.server_create import ServerCreate

UUID = "155d900f-4e14-4e4c-a73d-069cbf4541e6"
MINIMAL: dict[str, Any] = {
    "server": {"name": "web", "flavorRef": "1", "imageRef": UUID, "networks": "none"}
}
DISK = {
    "device_name": "/dev/vdb",
    "volume_id": UUID,
    "snapshot_id": UUID,
    "image_id": UUID,
    "uuid": UUID,
    "volume_size": 10,
    "virtual_name": "swap",
    "delete_on_termination": "true",
    "no_device": False,
    "connection_info": "none",
    "source_type": "volume",
    "destination_type": "volume",
    "boot_index": "-1",
    "guest_format": "ext4",
    "device_type": "disk",
    "disk_bus": "virtio",
    "tag": "data",
    "volume_type": "fast",
}
FULL: dict[str, Any] = {
    "server": {
        **MINIMAL["server"],
        "adminPass": "secret",
        "metadata": {f"key-{number}": "v" * 255 for number in range(128)},
        "networks": [{"uuid": UUID, "port": None, "fixed_ip": "10.0.0.1", "tag": "a"}] * 10,
        "OS-DCF:diskConfig": "AUTO",
        "accessIPv4": "10.0.0.1",
        "accessIPv6": "fe80::1",
        "availability_zone": "nova",
        "block_device_mapping": [{key: DISK[key] for key in ("device_name", "volume_id")}] * 10,
        "block_device_mapping_v2": [DISK] * 10,
        "config_drive": "on",
        "key_name": "key",
        "min_count": "1",
        "max_count": 2,
        "return_reservation_id": False,
        "security_groups": [{"name": "default"}] * 10,
        "user_data": "QUFB" * 16000,
        "description": "größer " * 36,
        "tags": [f"tag-{number}" for number in range(50)],
        "trusted_image_certificates": [f"certificate-{number}" for number in range(50)],
        "host": "host1",
        "hypervisor_hostname": "host1.example.org",
        "hostname": "web.example.org",
    },
    "os:scheduler_hints": {"group": UUID, "different_host": [UUID] * 10, "cidr": "/24"},
}


def cpu_ms(body: Any, count: int = 300) -> float:
    ServerCreate.read(body, NEWEST)  # compiles what is compiled once
    start = time.process_time()
    for _ in range(count):
        ServerCreate.read(body, NEWEST)
    return round((time.process_time() - start) / count * 1000, 4)


if __name__ == "__main__":
    print(json.dumps({"minimal": cpu_ms(MINIMAL), "full": cpu_ms(FULL)}))
