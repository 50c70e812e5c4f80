"""How the disks of a server are named."""

from __future__ import annotations

import pytest

from servers.compute.disks import name_devices
from servers.models import BlockDevice


@pytest.mark.parametrize(
    ("root", "disks", "names"),
    [
        (None, [(0, None)], ["/dev/vda"]),
        ("/dev/sda", [(0, None), (None, None)], ["/dev/sda", "/dev/vda"]),
        (None, [(None, None), (0, None)], ["/dev/vdb", "/dev/vda"]),
        (None, [(0, None), (-1, "/dev/vdb"), (-1, None)], ["/dev/vda", "/dev/vdb", "/dev/vdc"]),
        (None, [(0, "/dev/vdx"), (1, None)], ["/dev/vdx", "/dev/vdb"]),
        (None, [(0, None)] + [(-1, None)] * 26, None),
    ],
)
def test_names(
    root: str | None, disks: list[tuple[int | None, str | None]], names: list[str] | None
) -> None:
    devices = [BlockDevice(boot_index=index, device_name=name) for index, name in disks]
    name_devices(root, devices)
    given = [device.device_name for device in devices]
    assert len(set(given)) == len(devices)
    if names is None:
        assert given[-2:] == ["/dev/vdz", "/dev/vdaa"]
    else:
        assert given == names


def test_a_place_kept_free_gets_no_name() -> None:
    device = BlockDevice(no_device=True)
    name_devices(None, [device])
    assert device.device_name is None
