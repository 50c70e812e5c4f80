"""The agent as the quickstart runs it: by Debian's Python, which has the library of libvirt."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

PYTHON = "/usr/bin/python3"
AGENT = ("-m", "servers.agent")


def environment_of_agent(environment: Mapping[str, str]) -> dict[str, str]:
    """It is found here, and none of our packages."""
    base = str(Path(__file__).parents[3])
    return {**environment, "PYTHONPATH": base, "PYTHONDONTWRITEBYTECODE": "1"}


if __name__ == "__main__":
    words = [PYTHON, *AGENT, *sys.argv[1:]]
    os.execve(PYTHON, words, environment_of_agent(os.environ))  # noqa: S606 - our own program
