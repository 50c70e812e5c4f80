"""What the site keeps in its state folder, and how it is deleted."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from compute_site.db.postgres.programs import HOME_OF_ROOT

KINDS = {
    "postgres": "the embedded database: all projects, users, servers, images, networks, volumes",
    "postgres.*": "its locks",
    "images": "the data of images",
    "volumes": "the data of volumes",
    "guests": "the guests of this machine: their disks, the image and the key of the first",
    "clouds.yaml": "passwords of the cloud's users, for OpenStack clients",
    "secret_key": "the key of sessions and sealed passwords",
    "static": "copies of static files",
    "log": "logs",
    "quickstart-*.pid": "process ids",
}


def find_state(folder: Path) -> dict[Path, str]:
    """What of that is there, and what it is."""
    return {path: what for kind, what in KINDS.items() for path in sorted(folder.glob(kind))}


def remove_state(paths: Iterable[Path]) -> None:
    """Delete files and folders, and the data of root's server, to which there is but a link."""
    for path in paths:
        if path.is_symlink():
            data = path.resolve()
            path.unlink()
            if data.is_relative_to(HOME_OF_ROOT):
                shutil.rmtree(data.parent, ignore_errors=True)
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
