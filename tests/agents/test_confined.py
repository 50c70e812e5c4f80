"""Programs that read disk images: what they may do, and which files they get."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from servers.agent.storage.confined import ACCESS, READER, lent, path_of, run_confined

ROOT = Path(__file__).parents[2]
DIES = """
import os, pathlib, sys
from servers.agent.storage.confined import lent
with lent(pathlib.Path(sys.argv[1])):
    os._exit(0)
"""
SECRET = b"what nobody else may read"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return private(tmp_path / "image", b"data of an image")


def private(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def run(*words: str, fds: Sequence[int] = ()) -> tuple[int, bytes]:
    done = run_confined(words, fds=fds, seconds=30)
    return done.returncode, done.stdout


def read(fd: int) -> tuple[int, bytes]:
    return run("cat", path_of(fd), fds=(fd,))


def is_private(path: Path) -> bool:
    return stat.S_IMODE(path.stat().st_mode) == 0o600 and ACCESS not in os.listxattr(path)


def test_a_program_has_neither_our_user_nor_a_capability() -> None:
    _, told = run("cat", "/proc/self/status")
    facts = dict(line.split(":\t", 1) for line in told.decode().splitlines() if ":\t" in line)
    user = READER if os.geteuid() == 0 else os.geteuid()
    assert facts["Uid"].split() == [str(user)] * 4
    assert {int(facts[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == {0}
    assert facts["NoNewPrivs"] == "1"
    if user == READER:
        assert facts["Gid"].split() == [str(READER)] * 4
        assert facts["Groups"].split() == []
        assert int(facts["CapBnd"], 16) == 0


def test_a_program_hears_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPUTE_SITE_SECRET_KEY", "secret")
    _, told = run("env")
    assert {line.split("=")[0] for line in told.decode().splitlines()} == {"PATH", "LC_ALL"}


def test_a_program_reads_what_it_was_lent_and_nothing_else(image: Path, tmp_path: Path) -> None:
    secret = private(tmp_path / "secret_key", SECRET)
    with lent(image) as fd:
        assert read(fd) == (0, b"data of an image")
        code, told = run("cat", str(secret), fds=(fd,))
    assert (code, told) == ((1, b"") if os.geteuid() == 0 else (0, SECRET))
    assert is_private(image)


def test_what_was_lent_to_read_is_not_written(image: Path) -> None:
    if os.geteuid() == 0:  # else it is the same user's
        with lent(image) as fd:
            assert run("truncate", "-s", "0", path_of(fd), fds=(fd,))[0] == 1
    with lent(image, write=True) as fd:
        assert run("truncate", "-s", "3", path_of(fd), fds=(fd,))[0] == 0
    assert image.read_bytes() == b"dat"
    assert is_private(image)


def test_the_last_who_reads_a_file_takes_it_back(image: Path) -> None:
    with lent(image) as first:
        with lent(image) as second:
            assert read(second)[0] == 0
        assert read(first) == (0, b"data of an image")
    assert is_private(image)


def test_a_file_that_was_left_lent_is_taken_back_by_the_next(image: Path) -> None:
    subprocess.run([sys.executable, "-c", DIES, str(image)], cwd=ROOT, check=True, timeout=30)
    assert is_private(image) == (os.geteuid() != 0)
    with lent(image) as fd:
        assert read(fd)[0] == 0
    assert is_private(image)


def test_rights_of_others_stay(image: Path) -> None:
    image.chmod(0o640)
    with lent(image) as fd:
        assert read(fd)[0] == 0
    assert stat.S_IMODE(image.stat().st_mode) == 0o640


@pytest.mark.parametrize("write", [False, True])
def test_file_systems_without_access_lists_lend_to_the_group(
    image: Path, monkeypatch: pytest.MonkeyPatch, write: bool
) -> None:
    def refuse(*_words: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "setxattr", refuse)
    with lent(image, write=write) as fd:
        assert read(fd) == (0, b"data of an image")
    assert is_private(image)
    assert image.stat().st_gid == os.getegid()


def test_a_program_that_is_not_there_is_told_by_name() -> None:
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        run("no-such-program")


def test_a_program_gets_little_memory_and_time() -> None:
    done = run_confined(
        ("sh", "-c", "ulimit -v; ulimit -t"), fds=(), seconds=30, memory=1 << 30, cpu_seconds=7
    )
    assert done.stdout.split() == [b"1048576", b"7"]
