"""Disk files, by the program ``qemu-img``, which runs without privileges: it reads what strangers
have made, and what QEMU has written, which runs their machines.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path
from typing import Any

from servers.agent.failures import GuestFailed
from servers.agent.storage.confined import lent, path_of, run_confined

PROGRAM = "qemu-img"
FORMATS = frozenset(("raw", "qcow2"))
QCOW2_MAGIC = b"QFI\xfb"
INSPECT_SECONDS = 30
COPY_SECONDS = 3600
COPY_MEMORY = 4 << 30
"""Of addresses: its threads have stacks."""
GIB = 1 << 30


class BadImage(GuestFailed):
    """No disk can be made of the image."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "bad_image")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DiskFile:
    """``virtual_size``: bytes that the guest sees. ``base``: what it is an overlay on."""

    path: Path
    format: str
    virtual_size: int
    base: DiskFile | None = None


def inspect_image(path: Path, *, told: str | None = None) -> DiskFile:
    """What can be made a disk of; ``told`` is the format that the site names.

    An image may name files of the host as its backing or data file, and would give them to the
    guest, so that such an image is refused.

    Raises:
        BadImage
    """
    seen = "qcow2" if _begins_with(path, QCOW2_MAGIC) else "raw"
    kind = told or seen
    if kind not in FORMATS:
        raise BadImage(f"this host makes disks of raw and qcow2 images, not of {kind}")
    if kind == "qcow2" != seen:
        raise BadImage("the image is said to be qcow2, and is not")
    facts = _inspect(path, kind)
    of_format = (facts.get("format-specific") or {}).get("data") or {}
    for name, key in (("backing file", "backing-filename"), ("data file", "data-file")):
        if facts.get(key) or of_format.get(key):
            raise BadImage(f"the image has a {name}: only images that are whole are taken")
    if facts.get("encrypted") or of_format.get("encrypt"):
        raise BadImage("the image is encrypted")
    return DiskFile(path=path, format=kind, virtual_size=int(facts["virtual-size"]))


def own_disk(path: Path, base: Path) -> DiskFile:
    """A qcow2 file that we have made, be it in use or not; ``base`` is what we made it on, if it
    has one. The name of a base in the file itself, which QEMU could have changed, is not followed.
    """
    facts = _inspect(path, "qcow2")
    below = inspect_image(base) if facts.get("backing-filename") else None
    size = int(facts["virtual-size"])
    return DiskFile(path=path, format="qcow2", virtual_size=size, base=below)


def make_overlay(base: DiskFile, target: Path, size: int) -> None:
    """A qcow2 file of that many bytes that holds what differs from ``base``."""
    backing = ("-u", "-b", str(base.path), "-F", base.format)
    _make("create", "-f", "qcow2", *backing, target=target, size=size)


def make_blank(target: Path, size: int) -> None:
    _make("create", "-f", "qcow2", target=target, size=size)


def make_copy(source: DiskFile, target: Path, *, size: int | None = None) -> None:
    """A qcow2 file that needs no other; with that many bytes if ``size`` is given."""
    draft = target.with_name(f".{target.name}.draft")
    draft.unlink(missing_ok=True)
    try:
        with contextlib.ExitStack() as opened:
            fds: list[int] = []
            layers = _layers(source, opened, fds)
            draft.touch(mode=0o600)
            to = opened.enter_context(lent(draft, write=True))
            words = ("convert", "-O", "qcow2", f"json:{json.dumps(layers)}", path_of(to))
            _run(*words, fds=(*fds, to))
        if size is not None and size > source.virtual_size:
            grow(draft, size)
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def grow(path: Path, size: int) -> None:
    """Of a qcow2 file of ours; what it is an overlay on is smaller, and does not matter."""
    with lent(path, write=True) as fd:
        _run("resize", f"json:{json.dumps(_layer('qcow2', fd))}", str(size), fds=(fd,))


def virtual_size_of(path: Path, kind: str = "qcow2") -> int:
    """Of a file of ours, be it in use or not."""
    return int(_inspect(path, kind)["virtual-size"])


def missing() -> list[str]:
    if shutil.which(PROGRAM) is None:
        return ["qemu-img is not there; on Debian: apt-get install qemu-utils"]
    return []


def _begins_with(path: Path, magic: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def _layers(disk: DiskFile, opened: contextlib.ExitStack, fds: list[int]) -> dict[str, Any]:
    """The disk as QEMU's block layer is told it; the descriptors of its files go to ``fds``."""
    fd = opened.enter_context(lent(disk.path))
    fds.append(fd)
    found: dict[str, Any] = _layer(disk.format, fd)
    if disk.base is not None:
        found["backing"] = _layers(disk.base, opened, fds)
    return found


def _layer(kind: str, fd: int) -> dict[str, Any]:
    alone = {} if kind == "raw" else {"backing": None}
    return {"driver": kind, **alone, "file": {"driver": "file", "filename": path_of(fd)}}


def _inspect(path: Path, kind: str) -> dict[str, Any]:
    try:
        with lent(path) as fd:
            file = f"json:{json.dumps(_layer(kind, fd))}"
            words = (PROGRAM, "info", "-U", "--output=json", file)
            done = run_confined(words, fds=(fd,), seconds=INSPECT_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BadImage(f"the image could not be read ({type(error).__name__})") from None
    if done.returncode:
        raise BadImage(f"the image is damaged: {_last_line(done.stderr)}")
    facts = json.loads(done.stdout)
    assert isinstance(facts, dict)  # noqa: S101 - qemu-img's own words
    return facts


def _make(*words: str, target: Path, size: int) -> None:
    target.touch(mode=0o600)
    with lent(target, write=True) as fd:
        _run(*words, path_of(fd), str(size), fds=(fd,))


def _run(command: str, *words: str, fds: Collection[int]) -> None:
    try:
        done = run_confined(
            (PROGRAM, command, "-q", *words),
            fds=fds,
            seconds=COPY_SECONDS,
            memory=COPY_MEMORY,
            cpu_seconds=COPY_SECONDS,
        )
    except FileNotFoundError:
        raise GuestFailed("qemu-img is not installed on the host", "no_program") from None
    except subprocess.TimeoutExpired:
        raise GuestFailed("the disk was not ready in time", "too_slow") from None
    if done.returncode:
        raise GuestFailed(f"the disk could not be made: {_last_line(done.stderr)}", "disk_failed")


def _last_line(output: bytes) -> str:
    lines = output.decode("utf-8", "replace").strip().splitlines()
    text = lines[-1] if lines else "qemu-img does not say why"
    return text.removeprefix("qemu-img: ")[:200]
