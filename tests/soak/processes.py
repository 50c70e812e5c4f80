"""Kills web processes of the site that a soak has started."""

from __future__ import annotations

import contextlib
import random
import signal

import psutil


def kill_web_process() -> bool:
    """Kill one of those that gunicorn has started; it starts another. ``False``: there is none."""
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if "gunicorn" in " ".join(child.cmdline()) and (found := child.children()):
                random.choice(found).send_signal(signal.SIGKILL)  # noqa: S311
                return True
    return False
