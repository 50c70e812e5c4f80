"""Pairs of flavor and image whose acceptance by Nova was recorded.

Taken are the cases that are decided by hardware alone; the whole requests are replayed elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from compute_site.faults import Fault
from servers import hardware

CONFORMANCE = Path(__file__).parents[2] / "conformance"

DECIDED_ELSEWHERE = {"create/hardware/image-size", "create/hardware/disk-config"}
"""Groups about sizes and the root partition."""

ENCRYPTED_IMAGE = "cinder_encryption_key_id"
"""An image with this property is refused because it cannot be booted."""

IMAGE_FIELDS = {
    "id",
    "name",
    "status",
    "visibility",
    "owner",
    "min_ram",
    "min_disk",
    "size",
    "disk_format",
    "container_format",
    "checksum",
    "tags",
}


def read_world() -> tuple[dict[str, Any], dict[str, Any]]:
    """Flavors and images by id."""
    world = yaml.safe_load((CONFORMANCE / "world.yaml").read_text(encoding="utf-8"))
    flavors, images = ({item["id"]: item for item in world[key]} for key in ("flavors", "images"))
    return flavors, images


def recorded_pairs() -> Iterator[Any]:
    """Flavor, image properties and status of each case."""
    flavors, images = read_world()
    cases = (CONFORMANCE / "cases" / "create-hardware.jsonl").read_text(encoding="utf-8")
    for line in cases.splitlines():
        case = json.loads(line)
        first = case["steps"][0]
        server = first["body"]["server"]
        image = images[server["imageRef"]]
        if case["group"] in DECIDED_ELSEWHERE or ENCRYPTED_IMAGE in image:
            continue
        properties = {key: value for key, value in image.items() if key not in IMAGE_FIELDS}
        flavor = hardware.FlavorHardware(
            vcpus=flavors[server["flavorRef"]]["vcpus"],
            memory_mb=flavors[server["flavorRef"]]["ram"],
            extra_specs=flavors[server["flavorRef"]].get("extra_specs", {}),
        )
        yield pytest.param(flavor, properties, first["expect"]["status"], id=case["id"])


@pytest.mark.parametrize(("flavor", "properties", "status"), list(recorded_pairs()))
def test_a_pair_is_answered_as_recorded(
    flavor: hardware.FlavorHardware, properties: dict[str, Any], status: int
) -> None:
    assert answer(flavor, properties) == status


def answer(flavor: hardware.FlavorHardware, properties: dict[str, Any]) -> int:
    """The status of a create request in which nothing but the hardware can be wrong."""
    try:
        image = hardware.read_image_properties(properties)
        hardware.plan_hardware(flavor, image, pci_aliases=())
        hardware.ephemeral_encryption(flavor, image)
        hardware.check_packed_ring(flavor, image)
        hardware.check_hardware(flavor, image)
        hardware.check_sound(flavor, image)
    except Fault as fault:
        return fault.status
    return 202
