"""The image of a small guest, made on this machine of packages of its distribution."""

from __future__ import annotations

import subprocess
from pathlib import Path

from compute_site.quickstart.start import QuickstartError

RECIPE = Path(__file__).parents[1] / "guest_image"
PARTS = ("build", "init", "dhcp-script")
SECONDS = 300
MOST_LINES = 15


def make_image(folder: Path) -> Path:
    """``guest.qcow2`` in the folder; made once, and again when its recipe has changed.

    Raises:
        QuickstartError: it cannot be made; the text says why.
    """
    path = folder / "guest.qcow2"
    if not is_made(folder):
        done = subprocess.run(  # noqa: S603 - our own program
            ["/bin/bash", str(RECIPE / PARTS[0]), str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        if done.returncode:
            told = "\n".join(done.stdout.splitlines()[-MOST_LINES:])
            silent = f"{RECIPE / PARTS[0]} ended with {done.returncode} and said nothing."
            raise QuickstartError(f"The image of the guest cannot be made:\n{told or silent}")
    return path


def is_made(folder: Path) -> bool:
    path = folder / "guest.qcow2"
    newest = max((RECIPE / name).stat().st_mtime for name in PARTS)
    return path.exists() and path.stat().st_mtime >= newest
