"""Where the site keeps its state: embedded database, secret key, logs, data of images."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

NAME = "compute-site"


def find_state_folder(
    base: Path, chosen: Path | None, environment: Mapping[str, str] = os.environ
) -> Path:
    """``var`` in a checkout, whose top folder is ``base``; else in the user's state folder, as the
    XDG base directory specification has it. A relative choice is one of the checkout, or of the
    current folder.
    """
    is_checkout = (base / "manage.py").exists()
    if chosen is not None:
        return (base if is_checkout else Path.cwd()) / chosen
    if is_checkout:
        return base / "var"
    home = environment.get("XDG_STATE_HOME", "")
    folder = Path(home) if home.startswith("/") else Path.home() / ".local" / "state"
    return folder / NAME
