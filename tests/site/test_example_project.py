"""The example project for other people's CI: its tests pass, with the plugin and a cloud of their
own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)


def test_the_tests_of_the_example_pass() -> None:
    """The filled database is kept for the next time."""
    others = {
        name: text
        for name, text in os.environ.items()
        if not name.startswith(("PYTEST_", "DJANGO_", "COMPUTE_SITE_")) and name != "DATABASE_URL"
    }
    cache = Path(settings.STATE_DIR).resolve() / "cache"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "compute_site.pytest_plugin"),
            *("-p", "no:cacheprovider", "-p", "no:django", "."),
        ],
        cwd=ROOT / "docs" / "examples" / "ci",
        env={
            **others,
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "XDG_CACHE_HOME": str(cache),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\b8 passed\b", done.stdout), done.stdout
