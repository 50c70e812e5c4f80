"""What the machine tells of itself."""

from __future__ import annotations

import os
import re
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

try:
    VERSION = version("compute-site")
except PackageNotFoundError:  # a checkout that is not installed
    VERSION = "0"
CPUINFO = Path("/proc/cpuinfo")
VIRTUALIZATION = re.compile(r"^flags\s*:.*\b(vmx|svm)\b", re.MULTILINE)
PROTOCOLS = [1]
"""Versions of the messages that this agent speaks, the oldest first; the site chooses one."""


def boot_id() -> str:
    """Another one after each start of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def has_virtualization(cpuinfo: str) -> bool:
    """Has the processor commands for virtual machines?"""
    return VIRTUALIZATION.search(cpuinfo) is not None


def load_of(folder: Path, *, guests: int) -> dict[str, Any]:
    """What a heartbeat tells: load of the last minute, free disk in GiB, number of guests."""
    return {
        "guests": guests,
        "load": round(os.getloadavg()[0], 2),
        "free_disk_gb": shutil.disk_usage(folder).free >> 30,
    }
