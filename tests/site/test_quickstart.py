"""What the quickstart does when something is wrong."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from compute_site.quickstart.listening import Listener, find_listener
from compute_site.quickstart.running import find_running, stop_all
from compute_site.quickstart.start import Processes, QuickstartError, Stopped, stopping_by_signal

PARENT = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid, flush=True)
time.sleep(600)
"""


def test_a_port_in_use_is_told() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(QuickstartError, match=rf"running already\? Process {os.getpid()} "):
            find_listener("127.0.0.1", port).check()


ORPHANS = """
import os, signal, sys, time
from pathlib import Path
from compute_site.quickstart.start import Processes
processes = Processes(dict(os.environ), Path(sys.argv[1]))
processes.start("child", "-c", "import time; time.sleep(600)")
print(processes.running["child"].pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_programs_end_with_a_quickstart_that_is_killed(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ORPHANS, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    wait_for_end(int(done.stdout))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_closed_terminal_ends_it_as_ctrl_c_does(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    signal.signal(number, signal.default_int_handler)
    try:
        with pytest.raises(Stopped), stopping_by_signal():
            signal.raise_signal(number)
    finally:
        signal.signal(number, before)


WATCHING = """
import signal, time
from compute_site.quickstart.start import Stopped, Terminal
signal.signal(signal.SIGHUP, lambda *_: None)  # as if another program got it
terminal = Terminal()
terminal.check()
print("here", flush=True)
while True:
    try:
        terminal.check()
    except Stopped:
        raise SystemExit(7)
    time.sleep(0.02)
"""


def test_a_terminal_that_was_closed_is_noticed_without_a_signal() -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", WATCHING],
        cwd=Path(__file__).parents[2],
        stdin=theirs,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        assert process.stdout
        assert process.stdout.readline() == b"here\n"
        os.close(ours)
        assert process.wait(60) == 7


def test_what_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopping_by_signal():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


SERVING = """
import signal, sys
from pathlib import Path
from compute_site.quickstart.running import announced
with announced(Path(sys.argv[1]), 8841):
    print("here", flush=True)
    signal.sigwait([signal.SIGUSR1])
"""


def test_those_who_serve_are_found_and_stopped(tmp_path: Path) -> None:
    assert stop_all(tmp_path) == ([], [])
    with subprocess.Popen(
        [sys.executable, "-c", SERVING, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        assert find_running(tmp_path) == [process.pid]
        assert stop_all(tmp_path) == ([process.pid], [])
    assert find_running(tmp_path) == []


def reset(state: Path, answer: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "reset"],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "COMPUTE_SITE_STATE_DIR": str(state)},
        input=answer,
        capture_output=True,
        text=True,
        check=False,
    )


def test_data_are_deleted_after_a_question_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    for name in ("secret_key", "clouds.yaml", "notes.txt", "postgres.users"):
        (tmp_path / name).touch()
    asked = reset(tmp_path, "no\n")
    assert "all projects, users, servers" in asked.stdout
    assert "Nothing was deleted" in asked.stderr
    assert (tmp_path / "secret_key").exists()
    with (tmp_path / "postgres.users").open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        assert "uses the database" in reset(tmp_path, "yes\n").stderr
    done = reset(tmp_path, "yes\n")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("port", [0, -1, 65536, 99999])
def test_a_port_that_cannot_be_is_told(port: int) -> None:
    with pytest.raises(QuickstartError, match="from 1 to 65535"):
        find_listener("127.0.0.1", port)


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(QuickstartError, match="--host"):
        Listener("192.0.2.1", "192.0.2.1", 8774).check()


def test_a_program_that_died_is_told_and_leaves_nobody_behind(tmp_path: Path) -> None:
    processes = Processes(dict(os.environ), tmp_path)
    processes.start("parent", "-c", PARENT)
    try:
        child = int(wait_for_text(processes.log_path("parent")))
        processes.running["parent"].kill()
        processes.running["parent"].wait()
        with pytest.raises(QuickstartError, match=r"The parent ended with status -9"):
            processes.check()
    finally:
        processes.stop()
    wait_for_end(child)


def test_a_program_that_died_is_started_again_until_that_is_too_often(tmp_path: Path) -> None:
    processes, said = Processes(dict(os.environ), tmp_path), []
    processes.start("parent", "-c", PARENT)
    try:
        child = int(wait_for_text(processes.log_path("parent")))
        for number in range(1, 6):
            killed = processes.running["parent"]
            killed.kill()
            killed.wait()
            processes.revive(said.append)
            assert processes.running["parent"].pid != killed.pid
            assert said == ["the parent ended with status -9 and is started again"] * number
        processes.revive(said.append)
        assert len(said) == 5, "nothing has ended"
        processes.running["parent"].kill()
        processes.running["parent"].wait()
        with pytest.raises(QuickstartError, match="ended with status -9"):
            processes.revive(said.append)
    finally:
        processes.stop()
    wait_for_end(child)


def test_programs_end_when_they_are_stopped(tmp_path: Path) -> None:
    processes = Processes(dict(os.environ), tmp_path)
    processes.start("parent", "-c", PARENT)
    child = int(wait_for_text(processes.log_path("parent")))
    processes.stop()
    assert processes.running["parent"].returncode is not None
    wait_for_end(child)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--port", "99999"], "from 1 to 65535"),
        (["--host", "192.0.2.1"], "Cannot listen on 192.0.2.1"),
        (["--host", "no such host"], "Cannot listen on no such host"),
    ],
)
def test_the_command_says_it_without_a_traceback(words: list[str], said: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "quickstart", *words],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def wait_for_text(path: Path) -> str:
    deadline = time.monotonic() + 30
    while not path.read_text().endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return path.read_text()


def wait_for_end(pid: int) -> None:
    """Until the process is gone, or a zombie that nobody waits for."""
    deadline = time.monotonic() + 30
    while True:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except FileNotFoundError:
            return
        if stat.rpartition(") ")[2].startswith("Z"):
            return
        assert time.monotonic() < deadline
        time.sleep(0.02)
