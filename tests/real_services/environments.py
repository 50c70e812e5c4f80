"""Installs the real services into virtual environments of their own, which are kept.

Their requirements go neither with ours nor all with each other. The packages come from the index
that pip is configured for.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings

REQUIREMENTS = Path(__file__).parent / "requirements"
NAMES = ("keystone", "neutron", "cinder")
"""Of the environments; Glance lives with Cinder."""
FOLDER = "REAL_SERVICES_FOLDER"
"""The variable that names where the environments are kept."""
INSTALL_SECONDS = 240
"""For what pip fetches for one of them; who needs longer goes without."""


@dataclasses.dataclass(frozen=True, slots=True)
class Environments:
    """The folders of the environments."""

    keystone: Path
    neutron: Path
    cinder: Path

    def program(self, service: str, name: str) -> str:
        folder = self.cinder if service == "glance" else getattr(self, service)
        return str(folder / "bin" / name)


def find_environments() -> Environments:
    """Those that were made before, or new ones; skips the test where they cannot be made."""
    usual = Path(settings.BASE_DIR, "var", "real-services")
    cache = Path(os.environ.get(FOLDER) or usual).resolve()
    cache.mkdir(parents=True, exist_ok=True)
    try:
        with ThreadPoolExecutor(len(NAMES)) as beside:
            return Environments(*beside.map(lambda name: _find(cache, name), NAMES))
    except subprocess.SubprocessError as error:
        told = (getattr(error, "stdout", None) or str(error)).strip()[-500:]
        pytest.skip(f"the real services cannot be installed here: {told}")


def _find(cache: Path, name: str) -> Path:
    """One environment. It is named after all that makes it what it is, and gets that name when it
    is complete.
    """
    wanted = REQUIREMENTS / f"{name}.txt"
    digest = hashlib.sha256(f"{sys.version} {wanted.read_text()}".encode()).hexdigest()[:12]
    folder = cache / f"{name}-{digest}"
    done = folder / "complete"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        _run(sys.executable, "-m", "venv", str(folder))
        # all of them are named, so that pip has nothing to work out
        pip = (str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps")
        _run(*pip, "--no-compile", "--disable-pip-version-check", "-r", str(wanted))
        done.touch()
    return folder


def _run(*words: str) -> None:
    subprocess.run(
        words,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=INSTALL_SECONDS,
    )
