"""The site's secret key: made once and kept beside the data when the operator gives none."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def read_secret_key(state_dir: Path) -> str:
    """Return the key kept in ``state_dir/secret_key``, making it (mode 0600) when there is none."""
    path = state_dir / "secret_key"
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    state_dir.mkdir(parents=True, exist_ok=True)
    key = secrets.token_urlsafe(64)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another process was faster: its key counts
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(key)
    return key
