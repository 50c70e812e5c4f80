"""Disk files, by the program ``qemu-img``."""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import subprocess
from pathlib import Path
from typing import Any

from servers.agent.failures import GuestFailed

PROGRAM = "qemu-img"
FORMATS = frozenset(("raw", "qcow2"))
QCOW2_MAGIC = b"QFI\xfb"
INSPECT_SECONDS = 30
INSPECT_MEMORY = 1 << 30
INSPECT_CPU_SECONDS = 20
COPY_SECONDS = 3600
GIB = 1 << 30


class BadImage(GuestFailed):
    """No disk can be made of the image."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "bad_image")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DiskFile:
    """``virtual_size``: bytes that the guest sees."""

    path: Path
    format: str
    virtual_size: int


def inspect_image(path: Path, *, told: str | None = None) -> DiskFile:
    """What can be made a disk of; ``told`` is the format that the site names.

    An image may name files of the host as its backing or data file, and would give them to the
    guest, so that such an image is refused. The file is read by a process that may use little.

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


def make_overlay(base: DiskFile, target: Path, size: int) -> None:
    """A qcow2 file of that many bytes that holds what differs from ``base``."""
    backing = ("-b", str(base.path), "-F", base.format)
    _run("create", "-q", "-f", "qcow2", *backing, str(target), str(size))


def make_blank(target: Path, size: int) -> None:
    _run("create", "-q", "-f", "qcow2", str(target), str(size))


def make_copy(source: DiskFile, target: Path, *, size: int | None = None) -> None:
    """A qcow2 file that needs no other; with that many bytes if ``size`` is given."""
    draft = target.with_name(f".{target.name}.draft")
    draft.unlink(missing_ok=True)
    try:
        _run("convert", "-q", "-f", source.format, "-O", "qcow2", str(source.path), str(draft))
        if size is not None and size > source.virtual_size:
            grow(draft, size)
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def grow(path: Path, size: int, *, kind: str = "qcow2") -> None:
    _run("resize", "-q", "-f", kind, str(path), str(size))


def virtual_size_of(path: Path, kind: str = "qcow2") -> int:
    """Of a file of ours, be it in use or not."""
    return int(_inspect(path, kind)["virtual-size"])


def missing() -> list[str]:
    try:
        _run("--version")
    except GuestFailed:
        return ["qemu-img is not there; on Debian: apt-get install qemu-utils"]
    return []


def _begins_with(path: Path, magic: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def _inspect(path: Path, kind: str) -> dict[str, Any]:
    words = ("info", "-U", "--output=json", "-f", kind, str(path))
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program, no shell
            (PROGRAM, *words),
            capture_output=True,
            timeout=INSPECT_SECONDS,
            check=False,
            preexec_fn=_use_little,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BadImage(f"the image could not be read ({type(error).__name__})") from None
    if done.returncode:
        raise BadImage(f"the image is damaged: {_last_line(done.stderr)}")
    facts = json.loads(done.stdout)
    assert isinstance(facts, dict)  # noqa: S101 - qemu-img's own words
    return facts


def _use_little() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (INSPECT_MEMORY, INSPECT_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (INSPECT_CPU_SECONDS, INSPECT_CPU_SECONDS))


def _run(*words: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program, no shell
            (PROGRAM, *words),
            capture_output=True,
            timeout=COPY_SECONDS,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
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
