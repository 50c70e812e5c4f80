"""Runs workers in several processes of this machine, and replaces those that die."""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable

logger = logging.getLogger(__name__)

END = frozenset((signal.SIGTERM, signal.SIGINT))
WATCHED = END | {signal.SIGCHLD}

SHORT_SECONDS = 2.0
"""A process that lived for less is replaced only after so long, that it does not spin."""

PR_SET_PDEATHSIG = 1
"""Linux: the signal that a process gets when its parent dies."""


def run_processes(number: int, work: Callable[[], None]) -> None:
    """Let so many processes do the work until SIGTERM or SIGINT comes, which each of them gets as
    SIGTERM; return when all have ended. The caller has neither threads nor connections yet.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    gc.freeze()  # what is loaded already is shared by all of them
    processes = _Processes(number, work)
    stopping = False
    while processes.any or not stopping:
        if not stopping:
            processes.fill()
        got = signal.sigtimedwait(WATCHED, SHORT_SECONDS)
        if got is not None and got.si_signo in END and not stopping:
            stopping = True
            processes.stop()
        processes.reap(expected=stopping)


class _Processes:
    """The processes, with the time at which each began."""

    def __init__(self, number: int, work: Callable[[], None]) -> None:
        self.number = number
        self.work = work
        self.began: dict[int, float] = {}
        self.waits_until = 0.0

    @property
    def any(self) -> bool:
        return bool(self.began)

    def fill(self) -> None:
        """Start the processes that are missing. One that died right after its start is not replaced
        at once.
        """
        if time.monotonic() < self.waits_until:
            return
        for _ in range(self.number - len(self.began)):
            self.began[_fork(self.work)] = time.monotonic()

    def stop(self) -> None:
        for pid in self.began:
            os.kill(pid, signal.SIGTERM)

    def reap(self, *, expected: bool) -> None:
        """Take note of the processes that have ended."""
        for pid in list(self.began):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if not ended:
                continue
            lived = time.monotonic() - self.began.pop(pid)
            if expected:
                continue
            logger.warning("worker process %s %s; another takes its place", pid, _describe(status))
            if lived < SHORT_SECONDS:
                self.waits_until = time.monotonic() + SHORT_SECONDS


def _fork(work: Callable[[], None]) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
        if _follow(parent):
            work()
        code = 0
    except BaseException:  # noqa: BLE001 - nothing of the parent's may run in this process
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _follow(parent: int) -> bool:
    """Have the kernel end this process when its parent dies; ``False``: that has died already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    return os.getppid() == parent


def _describe(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
