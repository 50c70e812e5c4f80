"""A part of the site as a fork of this process: what is loaded here need not be loaded again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from compute_site.quickstart.parent import end_with

POLL_SECONDS = 0.02


class Forked:
    """The process, with what ``subprocess.Popen`` has of it. Whoever makes one has no threads."""

    def __init__(self, work: Callable[[], None], log: Path) -> None:
        self.returncode: int | None = None
        before = end_with(os.getpid())
        self.pid = os.fork()
        if not self.pid:
            _be_child(work, log, before)

    def poll(self) -> int | None:
        if self.returncode is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        began = time.monotonic()
        while (code := self.poll()) is None:
            if timeout is not None and time.monotonic() - began > timeout:
                raise subprocess.TimeoutExpired(["fork"], timeout)
            time.sleep(POLL_SECONDS)
        return code

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def _be_child(work: Callable[[], None], log: Path, before: Callable[[], None] | None) -> None:
    """Do the work and end; nothing of the parent's may run in this process."""
    code = 1
    try:
        os.setsid()  # Ctrl-C reaches the parent alone, which ends us in order
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        written = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.dup2(written, 1)
        os.dup2(written, 2)
        if before is not None:
            before()
        work()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - see above
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
