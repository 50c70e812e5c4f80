"""noVNC and xterm.js, which are no part of this project: npm brings them, once."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings

PACKAGES = ("@novnc/novnc@1.7.0", "@xterm/xterm@6.0.0")
PLACES: Mapping[str, str] = {"novnc": "@novnc/novnc", "xterm": "@xterm/xterm"}
"""Where each lies below ``node_modules``, by the first part of a URL's path."""
NEEDED = ("@novnc/novnc/core/rfb.js", "@xterm/xterm/lib/xterm.mjs", "@xterm/xterm/css/xterm.css")
INSTALL_SECONDS = 300
LONGEST_FAULT = 500


class PartsMissing(Exception):
    """The pages cannot be served; the text says what to do."""


def folder() -> Path:
    return Path(settings.STATE_DIR) / "console" / "node_modules"


def check() -> None:
    """Raises ``PartsMissing``."""
    missing = [name for name in NEEDED if not (folder() / name).is_file()]
    if missing:
        raise PartsMissing(
            f"noVNC and xterm.js are not in {folder()} ({missing[0]} is missing); "
            "manage.py console_proxy --install brings them, by npm"
        )


def install() -> None:
    """Raises ``PartsMissing``: there is no npm, or it fails."""
    npm = shutil.which("npm")
    if npm is None:
        raise PartsMissing(
            "npm is needed to install noVNC and xterm.js (on Debian: apt install npm)"
        )
    target = folder().parent
    target.mkdir(parents=True, exist_ok=True)
    command = [
        npm,
        "install",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--prefix",
        str(target),
    ]
    try:
        subprocess.run(  # noqa: S603 - a fixed program, no shell
            [*command, *PACKAGES],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=INSTALL_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        told = error.stderr.decode(errors="replace").strip()[-LONGEST_FAULT:]
        raise PartsMissing(f"npm could not install {', '.join(PACKAGES)}: {told}") from None
    except subprocess.TimeoutExpired:
        raise PartsMissing(f"npm took longer than {INSTALL_SECONDS} s") from None
    check()
