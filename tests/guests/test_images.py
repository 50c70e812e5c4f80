"""What ``qemu-img`` is let read: the image alone, by a process without privileges."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from servers.agent.hypervisor.libvirt.drives import disk_of, make_root
from servers.agent.hypervisor.libvirt.folders import RESCUE, ROOT, Folder
from servers.agent.storage.confined import ACCESS, lent, path_of, run_confined
from servers.agent.storage.qemu_img import (
    BadImage,
    grow,
    inspect_image,
    make_copy,
    make_overlay,
    own_disk,
)

pytestmark = pytest.mark.guests
CREATE = ("qemu-img", "create", "-q", "-f", "qcow2")
REBASE = ("qemu-img", "rebase", "-u", "-q", "-f", "qcow2")
MIB = 1 << 20
SECRET = b"what no image may hold"


def qemu(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=60).stdout


def make_image(path: Path, content: bytes = b"") -> Path:
    qemu("qemu-img", "create", "-q", "-f", "qcow2", str(path), "1M")
    if content:
        raw = path.with_suffix(".raw")
        raw.write_bytes(content.ljust(MIB, b"\0"))
        qemu("qemu-img", "convert", "-q", "-f", "raw", "-O", "qcow2", str(raw), str(path))
        raw.unlink()
    path.chmod(0o400)
    return path


def content_of(path: Path) -> bytes:
    raw = path.with_suffix(".raw")
    qemu("qemu-img", "convert", "-q", "-f", "qcow2", "-O", "raw", str(path), str(raw))
    return raw.read_bytes()


def test_a_disk_is_made_on_an_image_and_copied_with_it(tmp_path: Path) -> None:
    base = make_image(tmp_path / "root.base", b"of the image")
    disk = tmp_path / "root.qcow2"
    make_overlay(inspect_image(base), disk, 2 * MIB)
    grow(disk, 3 * MIB)
    copy = tmp_path / "copy"
    make_copy(own_disk(disk, base), copy)
    content = content_of(copy)
    assert (len(content), content[:12]) == (3 * MIB, b"of the image")
    assert "backing file" not in qemu("qemu-img", "info", str(copy))
    modes = [path.stat().st_mode & 0o777 for path in (base, disk, copy)]
    assert modes == [0o400, 0o600, 0o600]
    assert not [path for path in (base, disk, copy) if ACCESS in os.listxattr(path)]


@pytest.mark.parametrize("name", [ROOT, RESCUE])
def test_apparmor_lets_libvirt_read_what_a_disk_is_made_on(tmp_path: Path, name: str) -> None:
    """Its profile of virt-aa-helper goes by the ends of names."""
    folder = Folder(tmp_path / "guest")
    folder.make()
    make_root(folder, make_image(tmp_path / "image", b"of the image"), 1, name=name)
    assert len(list(folder.path.iterdir())) == 2
    assert {path.suffix for path in folder.path.iterdir()} <= {".img", ".qcow2"}


def test_a_disk_of_an_earlier_release_is_read_with_what_it_was_made_on(tmp_path: Path) -> None:
    make_overlay(
        inspect_image(make_image(tmp_path / "root.base", b"of the image")),
        tmp_path / ROOT,
        MIB,
    )
    make_copy(disk_of(tmp_path / ROOT), tmp_path / "copy")
    assert content_of(tmp_path / "copy").startswith(b"of the image")


def test_an_image_that_names_another_file_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret_key"
    secret.write_bytes(SECRET.ljust(MIB, b"\0"))
    backed, split = tmp_path / "backed", tmp_path / "split"
    qemu(*CREATE, "-F", "raw", "-b", str(secret), str(backed))
    qemu(*CREATE, "-o", f"data_file={secret}", str(split), "1M")
    with pytest.raises(BadImage, match="backing file"):
        inspect_image(backed)
    with pytest.raises(BadImage, match="data file"):
        inspect_image(split)


def test_a_base_that_a_disk_names_itself_is_not_read(tmp_path: Path) -> None:
    """As when QEMU has been taken over by its guest, and has written into the disk's header."""
    base = make_image(tmp_path / "root.base", b"of the image")
    secret = tmp_path / "secret_key"
    secret.write_bytes(SECRET.ljust(MIB, b"\0"))
    disk = tmp_path / "root.qcow2"
    make_overlay(inspect_image(base), disk, MIB)
    qemu(*REBASE, "-F", "raw", "-b", str(secret), str(disk))
    make_copy(own_disk(disk, base), tmp_path / "copy")
    assert content_of(tmp_path / "copy").startswith(b"of the image")


def test_the_program_itself_can_open_no_other_file_and_no_network(tmp_path: Path) -> None:
    secret = tmp_path / "secret_key"
    secret.write_bytes(SECRET)
    secret.chmod(0o600)
    image = make_image(tmp_path / "image")
    words = ("qemu-img", "convert", "-f", "raw", "-O", "raw", str(secret))
    with lent(image) as fd, lent(tmp_path / "image", write=True) as to:
        done = run_confined((*words, path_of(to)), fds=(fd, to), seconds=30)
        assert b"Permission denied" in done.stderr
        seen = run_confined(("cat", "/proc/net/dev"), fds=(), seconds=30).stdout
    assert [line.split(b":")[0].strip() for line in seen.splitlines()[2:]] == [b"lo"]
