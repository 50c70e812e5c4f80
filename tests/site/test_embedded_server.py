"""The embedded PostgreSQL leaves the machine as it was, and ends with the last who uses it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
from django.conf import settings

from compute_site.db.postgres import place, programs
from compute_site.db.postgres.account import find_account
from compute_site.db.postgres.errors import StartError
from compute_site.db.postgres.place import Place, choose_socket_dir, find_place
from compute_site.db.postgres.server import find_server, lives

WAIT_SECONDS = 240

SURVIVE = """
import sys, time
import django
django.setup()
from django.db import OperationalError, close_old_connections, connection
from compute_site.db.embedded import _servers

def ask(sql="SELECT pg_postmaster_start_time()"):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]

before = ask()
[server] = _servers.values()
server.process.kill()
while True:
    close_old_connections()
    try:
        if ask() > before:
            break
    except OperationalError:  # it is just dying
        time.sleep(0.1)
[again] = _servers.values()
assert again.socket_dir == server.socket_dir
print(ask("SHOW max_connections"), ask("SHOW work_mem"), again.process.pid)
"""

DIE = """
import os, signal
import django
django.setup()
from django.db import connection
from compute_site.db.embedded import _servers

connection.ensure_connection()
[server] = _servers.values()
print(server.process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def run(script: str, state: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {key: text for key, text in os.environ.items() if key != "DATABASE_URL"}
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=settings.BASE_DIR,
        env={
            **inherited,
            "DJANGO_SETTINGS_MODULE": "compute_site.settings",
            "COMPUTE_SITE_STATE_DIR": str(state),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )


def wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while psutil.pid_exists(pid) and lives(psutil.Process(pid)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_one_that_was_killed_is_started_again_and_leaves_nothing_elsewhere(state: Path) -> None:
    runtime = state.with_name("runtime")
    runtime.mkdir(mode=0o711)
    chosen = "fsync=off,work_mem=5MB"
    environment = {"XDG_RUNTIME_DIR": str(runtime), "TMPDIR": str(runtime)}
    done = run(SURVIVE, state, COMPUTE_SITE_EMBEDDED_SETTINGS=chosen, **environment)
    assert done.returncode == 0, done.stderr
    most, memory, pid = done.stdout.split()
    assert (most, memory) == ("300", "5MB")
    wait_for_end(int(pid))
    assert not list(runtime.iterdir())


def test_it_ends_although_its_only_user_is_killed(state: Path) -> None:
    done = run(DIE, state)
    assert done.returncode == -signal.SIGKILL, done.stderr
    wait_for_end(int(done.stdout))


def test_a_socket_whose_path_would_be_too_long_has_a_private_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory() as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        data, note = tmp_path / ("long" * 30), tmp_path / "note"
        here = Place(data, Path("/"), None)
        folder = choose_socket_dir(here, note)
        assert folder.parent == Path(runtime)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert choose_socket_dir(here, note) == folder
        folder.chmod(0o755)  # others could have put a socket there
        assert choose_socket_dir(here, note) != folder
        assert choose_socket_dir(Place(Path("/short"), Path("/"), None), note) == Path("/short")


def test_folders_above_keep_their_permissions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root's server runs as somebody who cannot come here; then the data are elsewhere."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        for module in (place, programs):
            monkeypatch.setattr(module, "HOME_OF_ROOT", Path(folder) / "home")
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        found = find_place(closed / "postgres", synced=False)
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert (closed / "postgres" / "PG_VERSION").exists()
        assert (found.data_dir.parent == closed) is (os.geteuid() != 0)
        assert find_place(closed / "postgres", synced=False) == found


def test_the_data_of_somebody_else_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(StartError, match=r"belongs to .* COMPUTE_SITE_STATE_DIR"):
        find_account(tmp_path)


def test_data_of_another_version_are_refused(tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(StartError, match=r"are PostgreSQL 9\.6's"):
        find_place(tmp_path, synced=False)


def test_another_program_with_the_process_id_of_a_server_is_none(tmp_path: Path) -> None:
    lines = [str(os.getpid()), str(tmp_path), "1", "5432", str(tmp_path), "", "1 1", "ready"]
    (tmp_path / "postmaster.pid").write_text("\n".join(lines))
    assert find_server(tmp_path) is None
