"""The commands of ``manage.py`` as programs: what they write can be cut off."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.conf import settings

from tests.world.web_process import url_of_database


@pytest.mark.parametrize("words", [("list_policies",), ("help", "--commands")])
def test_a_command_ends_quietly_when_nobody_reads_on(db: None, words: tuple[str, ...]) -> None:
    """As ``list_policies | head``: the pipe is closed before anything is written."""
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": url_of_database()},
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=240,
        check=False,
    )
    os.close(writing)
    assert process.stderr == b""
    assert process.returncode == 141
