"""Names of disks in a guest: as a table."""

from __future__ import annotations

import string

import pytest

from servers.attachments.device_names import choose_name
from servers.attachments.errors import DeviceNameTaken, VolumeNotAttachable

ALPHABET = [f"/dev/vd{letter}" for letter in string.ascii_lowercase]


@pytest.mark.parametrize(
    ("root", "taken", "asked", "name"),
    [
        (None, [], None, "/dev/vdb"),
        (None, ["/dev/vda", "/dev/vdb", None], None, "/dev/vdc"),
        ("/dev/vdb", [], None, "/dev/vda"),
        ("/dev/sda", ["/dev/vdb"], None, "/dev/sdc"),
        ("xvda", [], None, "/dev/xvdb"),
        ("/dev/vda1", [], None, "/dev/vdb"),
        (None, ALPHABET, None, "/dev/vdaa"),
        (None, ["what 1 is this"], None, "/dev/vdb"),
        ("no name 1", [], None, "/dev/vdb"),
        ("/dev/vda", [], "/dev/vdz", "/dev/vdz"),
        ("/dev/vda", [], "/dev/hdc", "/dev/vdc"),
        ("/dev/vda", [], "/dev/vdc5", "/dev/vdc"),
    ],
)
def test_the_next_name(
    root: str | None, taken: list[str | None], asked: str | None, name: str
) -> None:
    assert choose_name(root, taken, asked) == name


@pytest.mark.parametrize("asked", ["/dev/vda", "/dev/sda", "/dev/vdb", "/dev/vdb1"])
def test_a_name_is_given_once(asked: str) -> None:
    with pytest.raises(DeviceNameTaken):
        choose_name("/dev/vda", ["/dev/vdb"], asked)


def test_what_is_no_name() -> None:
    with pytest.raises(VolumeNotAttachable):
        choose_name("/dev/vda", [], "/dev/1")


def test_no_name_is_left() -> None:
    letters = string.ascii_lowercase
    pairs = [f"/dev/vd{first}{second}" for first in letters for second in letters]
    with pytest.raises(VolumeNotAttachable):
        choose_name("/dev/vda", [*ALPHABET, *pairs])
