"""What the quickstart does when something is wrong."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from compute_site.quickstart.listening import Listener, find_listener
from compute_site.quickstart.start import Processes, QuickstartError

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
        with pytest.raises(QuickstartError, match="Is the site running already"):
            find_listener("127.0.0.1", port).check()


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
