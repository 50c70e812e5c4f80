"""``compute-site run --ephemeral``: what it says when it cannot start, and what its filled database
is named after. That it starts is shown by the example project (``test_example_project``).
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path

import pytest

from compute_site.quickstart.ephemeral import (
    DEMO_CLOUD,
    LOCK,
    PREFIX,
    choose_parent,
    main,
    remove_left,
    seed_of,
)
from compute_site.quickstart.forked import Forked


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_the_filled_database_belongs_to_the_cloud_file(tmp_path: Path) -> None:
    copy, other = tmp_path / "copy.yaml", tmp_path / "other.yaml"
    copy.write_bytes(DEMO_CLOUD.read_bytes())
    other.write_bytes(DEMO_CLOUD.read_bytes() + b"\n# another\n")
    assert seed_of(copy) == seed_of(DEMO_CLOUD)
    assert seed_of(other) != seed_of(DEMO_CLOUD)
    assert seed_of(copy).parent == tmp_path / "compute-site" / "seeds"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--cloud", "/nowhere.yaml"], "/nowhere.yaml cannot be read: No such file"),
        (["--port", "70000"], "Cannot listen on 127.0.0.1:70000"),
    ],
)
def test_what_is_wrong_is_told(words: list[str], told: str) -> None:
    with pytest.raises(SystemExit, match=told):
        main(["--ephemeral", *words])


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=f"Cannot listen on 127.0.0.1:{port}"):
            main(["--ephemeral", "--port", str(port)])


def test_a_cloud_lives_in_memory_where_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)
    assert choose_parent(tmp_path) == tmp_path
    assert choose_parent(tmp_path / "nowhere") == Path(tempfile.gettempdir())
    monkeypatch.setenv("TMPDIR", tempfile.gettempdir())
    assert choose_parent(tmp_path) == Path(tempfile.gettempdir())


def test_only_what_a_killed_cloud_left_behind_is_removed(tmp_path: Path) -> None:
    left, runs, foreign = (tmp_path / f"{PREFIX}{name}" for name in ("left", "runs", "foreign"))
    for folder in (left, runs, foreign):
        folder.mkdir()
    (left / LOCK).touch()
    with (runs / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        remove_left(tmp_path)
    assert sorted(tmp_path.iterdir()) == [foreign, runs]


def test_a_fork_writes_to_its_log_and_tells_how_it_ended(tmp_path: Path) -> None:
    def work() -> None:
        os.write(1, b"at work\n")
        sys.exit(3)

    forked = Forked(work, tmp_path / "log")
    assert forked.wait(60) == 3
    forked.terminate()  # it has ended: nobody else's process is told
    assert (tmp_path / "log").read_text() == "at work\n"


def test_a_fork_ends_when_it_is_told(tmp_path: Path) -> None:
    forked = Forked(lambda: time.sleep(600), tmp_path / "log")
    assert forked.poll() is None
    forked.kill()
    assert forked.wait(60) == -signal.SIGKILL
