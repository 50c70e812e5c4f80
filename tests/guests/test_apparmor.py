"""Which files AppArmor would let a guest have: those that libvirt finds for its profile. No kernel
with AppArmor is needed for that, as the profile is only made.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from servers.agent.hypervisor.libvirt.domain import NVRAM, Host, domain_xml
from servers.agent.hypervisor.libvirt.drives import drives_of, make_blanks, make_root
from servers.agent.hypervisor.libvirt.folders import CONFIG, RESCUE, RESCUE_CONFIG, Folder

pytestmark = pytest.mark.guests
PROGRAM = "/usr/lib/libvirt/virt-aa-helper"
SERVER = "5b1d7c2e-64d7-4d0a-bb52-7a30f6e1d001"
READABLE = (".img", ".raw", ".qcow2", ".iso")
"""What Debian's profile lets that program read where guests of ours lie."""
NOBODY = 65533
GUEST: dict[str, Any] = {
    "server_id": SERVER,
    "instance_name": "instance-0000002a",
    "hostname": "one",
    "vcpus": 1,
    "memory_mb": 256,
    "flavor": {"name": "one", "extra_specs": {}},
    "properties": {
        "hw_firmware_type": "uefi",
        "hw_machine_type": "q35",
        "hw_qemu_guest_agent": "yes",
    },
    "placement": {"devices": [{"name": "card", "addresses": ["0000:41:00.0"]}]},
    "disks": [
        {"source_type": "blank", "size": 1},
        {"source_type": "blank", "size": 64, "guest_format": "swap"},
    ],
    "nics": [],
}


@pytest.fixture
def folder() -> Iterator[Folder]:
    """That others can pass through, as those of guests."""
    with tempfile.TemporaryDirectory(dir="/tmp") as above:
        Path(above).chmod(0o711)
        made = Folder(Path(above) / SERVER)
        made.make()
        yield made


@pytest.mark.parametrize("rescued", [False, True])
def test_each_file_of_a_guest_is_in_its_profile(
    folder: Folder, tmp_path: Path, rescued: bool
) -> None:
    image = tmp_path / "image"
    subprocess.run(["/usr/bin/qemu-img", "create", "-q", "-f", "qcow2", image, "1M"], check=True)
    guest = {**GUEST, "rescued": rescued}
    make_root(folder, image, 1)
    make_root(folder, image, 1, name=RESCUE)
    make_blanks(folder, guest)
    for name in (CONFIG, RESCUE_CONFIG, NVRAM):
        folder.file(name).touch()

    profile = profile_of(folder, guest)

    own = {path.name for path in folder.path.iterdir()}
    others = {CONFIG} if rescued else {RESCUE, "rescue.base.img", RESCUE_CONFIG}
    sockets = {"serial.sock", "agent.sock", "qemu/vnc.sock"}
    missing = {name for name in own - others | sockets if f'"{folder.file(name)}" r' not in profile}
    assert missing == set()
    assert '"/dev/vfio/[0-9]*" rw' in profile


def profile_of(folder: Folder, guest: dict[str, Any]) -> str:
    """Made by somebody who may read no more than that program is let."""
    for path in folder.path.iterdir():
        path.chmod(0o644 if path.suffix in READABLE else 0)
    xml = domain_xml(
        guest,
        host=Host(accelerated=False),
        folder=folder.path,
        drives=drives_of(folder, guest),
        links=[],
    )
    done = subprocess.run(
        [PROGRAM, "--dryrun", "--create", "--uuid", f"libvirt-{SERVER}"],
        input=xml,
        capture_output=True,
        text=True,
        check=False,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr
