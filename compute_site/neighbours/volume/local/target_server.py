"""Runs tgtd, which serves volumes by iSCSI, and sees that it serves what the rows say."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

from compute_site.faults import Fault
from compute_site.neighbours.volume.local import exports
from compute_site.neighbours.volume.local.tgtd import CONTROL_PORT, TargetServerUnavailable, Tgtd

logger = logging.getLogger(__name__)

LOOK_SECONDS = 10.0
"""How often what is served is compared with what shall be."""
START_SECONDS = 20.0
END_SECONDS = 5.0
PAUSE = 0.05
BEYOND_PATH = ("/usr/sbin", "/sbin")


class NoTargetServer(Fault):
    """tgtd does not run."""

    code = "no_target_server"


def serve(portal: str, stop: threading.Event) -> None:
    """Serve until ``stop``. A tgtd of before that runs still is taken over, with the connections
    that it has; one that we started ends with us.

    Raises:
        NoTargetServer: tgtd is not installed, does not start, or has ended by itself.
    """
    control = exports.control()
    control.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    process = None if _answers(control) else _start(control, portal)
    try:
        while not stop.is_set():
            _check(control, process)
            _settle()
            stop.wait(LOOK_SECONDS)
    finally:
        if process is not None:
            _end(process)


def _start(control: Path, portal: str) -> subprocess.Popen[bytes]:
    path = os.pathsep.join((os.environ.get("PATH", ""), *BEYOND_PATH))
    program = shutil.which("tgtd", path=path)
    if program is None:
        raise NoTargetServer("tgtd is not there (Debian: apt-get install tgt).")
    Path(f"{control}.{CONTROL_PORT}").unlink(missing_ok=True)
    words = [program, "-f", "-C", str(CONTROL_PORT), "--iscsi", f"portal={portal}"]
    process = subprocess.Popen(  # noqa: S603 - the program, and an option that was checked
        words, env={**os.environ, "TGT_IPC_SOCKET": str(control)}
    )
    deadline = time.monotonic() + START_SECONDS
    while not _answers(control):
        if process.poll() is not None or time.monotonic() > deadline:
            _end(process)
            raise NoTargetServer("tgtd does not start; what it says stands above.")
        time.sleep(PAUSE)
    return process


def _check(control: Path, process: subprocess.Popen[bytes] | None) -> None:
    has_ended = process.poll() is not None if process is not None else not _answers(control)
    if has_ended:
        raise NoTargetServer("tgtd has ended.")


def _settle() -> None:
    try:
        exports.settle_all()
    except Exception as error:  # noqa: BLE001 - whatever it was, it may be over soon
        logger.warning("the exports are not as they should be: %s", error)


def _answers(control: Path) -> bool:
    try:
        Tgtd(control).list_targets()
    except TargetServerUnavailable:
        return False
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """tgtd does not go while somebody is connected, unless it must."""
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
