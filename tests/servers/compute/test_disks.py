"""How the disks of a server are named."""

from __future__ import annotations

from typing import Any

import pytest

from servers.drivers.disks import name_devices, root_name
from servers.models import BlockDevice
from tests.world.client import ApiClient
from tests.world.factories import make_volume
from tests.world.moving import Rack


@pytest.mark.parametrize(
    ("root", "disks", "names"),
    [
        ("/dev/vda", [(0, None)], ["/dev/vda"]),
        ("/dev/sda", [(0, None), (None, None)], ["/dev/sda", "/dev/sdb"]),
        ("/dev/vda", [(None, None), (0, None)], ["/dev/vdb", "/dev/vda"]),
        ("/dev/vda", [(0, None), (-1, "/dev/vdb"), (-1, None)], [f"/dev/vd{x}" for x in "abc"]),
        (
            "/dev/vda",
            [(0, None), (-1, "/dev/sdb"), (-1, None)],
            ["/dev/vda", "/dev/sdb", "/dev/vdc"],
        ),
        ("/dev/vdx", [(0, "/dev/vdx"), (1, None)], ["/dev/vdx", "/dev/vda"]),
        ("/dev/vda", [(0, None)] + [(-1, None)] * 26, None),
        ("/dev/vda", [(0, None)] + [(-1, None)] * 1000, None),
    ],
)
def test_names(
    root: str, disks: list[tuple[int | None, str | None]], names: list[str] | None
) -> None:
    devices = [BlockDevice(boot_index=index, device_name=name) for index, name in disks]
    name_devices(root, devices)
    given = [device.device_name for device in devices]
    assert len(set(given)) == len(devices)
    if names is None:
        assert given[25:27] == ["/dev/vdz", "/dev/vdaa"]
    else:
        assert given == names


def test_the_disks_of_the_flavor_come_before_those_of_the_client() -> None:
    blank = {"source_type": "blank", "destination_type": "local"}
    devices = [
        BlockDevice(source_type="volume", destination_type="volume"),
        BlockDevice(**blank, guest_format="swap"),
        BlockDevice(**blank),
        BlockDevice(boot_index=0),
    ]
    name_devices("/dev/vda", devices)
    assert [device.device_name for device in devices] == [f"/dev/vd{x}" for x in "dcba"]


@pytest.mark.parametrize(
    ("asked", "devices", "name"),
    [
        (None, [], "/dev/vda"),
        ("", [{"boot_index": 0, "device_name": None}], "/dev/vda"),
        ("/dev/sda", [{"boot_index": 0}], "/dev/sda"),
        ("/dev/sda", [{"boot_index": 0, "device_name": "/dev/xvda"}], "/dev/xvda"),
        (None, [{"boot_index": 1, "device_name": "/dev/xvda"}], "/dev/vda"),
    ],
)
def test_the_name_of_the_root_disk(
    asked: str | None, devices: list[dict[str, Any]], name: str
) -> None:
    assert root_name(asked, devices) == name


def test_a_place_kept_free_gets_no_name() -> None:
    device = BlockDevice(no_device=True)
    name_devices("/dev/vda", [device])
    assert device.device_name is None


def test_a_disk_is_named_alike_when_it_is_built_and_when_it_is_attached(
    as_member: ApiClient, db: None
) -> None:
    rack = Rack()
    ids = [str(make_volume().pk) for _ in range(3)]
    volume = {"source_type": "volume", "destination_type": "volume"}
    root = volume | {"uuid": ids[0], "boot_index": 0, "device_name": "/dev/sda"}
    second = volume | {"uuid": ids[1]}
    server = rack.server(as_member, imageRef=None, block_device_mapping_v2=[root, second])
    body = {"volumeAttachment": {"volumeId": ids[2]}}
    as_member.post(f"/servers/{server.uuid}/os-volume_attachments", body).expect(200)
    disks = BlockDevice.objects.filter(instance=server).order_by("device_name")
    assert [disk.device_name for disk in disks] == ["/dev/sda", "/dev/sdb", "/dev/sdc"]
    assert server.root_device_name == "/dev/sda"
