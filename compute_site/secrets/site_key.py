"""The site's secret key: made once and kept beside the data when the operator gives none."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from compute_site.options import OptionError


def read_secret_key(state_dir: Path) -> str:
    """Return the key kept in ``state_dir/secret_key``, making it (mode 0600) when there is none.

    Raises:
        OptionError: the file is empty.
    """
    path = state_dir / "secret_key"
    try:
        key = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        _make_key(path)
        key = path.read_text(encoding="ascii").strip()
    if not key:
        raise OptionError(
            f"{path} is empty. Put the site's secret key back into it; without one, remove the "
            "file, and another key is made: people must sign in again, and passwords that wait "
            "for their build are lost."
        )
    return key


def _make_key(path: Path) -> None:
    """Write a key to the end before the file gets its name, so that nobody reads half of it. Of
    processes that do so at once one gives the name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # for its owner alone
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(64))
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return
    finally:
        Path(draft).unlink()
