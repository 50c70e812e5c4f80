"""Can this machine run guests, and has it the packages for that? Those that are missing are
installed, from where the machine gets its packages.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from compute_site.quickstart.guests.packages import IMAGE_PACKAGES
from compute_site.quickstart.start import QuickstartError
from servers.agent.machine import CPUINFO, has_virtualization
from servers.agent.packages import PACKAGES

OS_RELEASE = Path("/etc/os-release")
OLDEST_DEBIAN = 12
UNSHARE = "/usr/bin/unshare"
MOST_LINES = 15


def check_machine() -> None:
    """Raises: QuickstartError: it cannot run guests; the text says why."""
    if not _is_debian(_read_release()):
        raise QuickstartError(
            f"Guests need Debian {OLDEST_DEBIAN} or later, whose packages this installs; this is "
            f"{_read_release().get('PRETTY_NAME', platform.system())}."
        )
    if platform.machine() != "x86_64":
        raise QuickstartError(f"Guests need a machine of x86_64; this is {platform.machine()}.")
    if os.geteuid() != 0:
        raise QuickstartError(
            "Guests need root, who makes networks and installs packages: give the command as root, "
            "or leave GUESTS=1 (--guests) away."
        )
    done = subprocess.run(  # noqa: S603 - words of ours
        [UNSHARE, "--net", "--mount", "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise QuickstartError(
            "Guests need network namespaces, which this machine does not let root make: "
            f"{done.stderr.strip()}"
        )


def is_emulating() -> bool:
    """Has the processor no commands for virtual machines?"""
    return not has_virtualization(CPUINFO.read_text(encoding="utf-8"))


def install_packages(say: Callable[[str], None]) -> None:
    """Raises: QuickstartError: they cannot be had."""
    lacking = find_lacking([*PACKAGES, *IMAGE_PACKAGES])
    if not lacking:
        say("    all are there")
        return
    say(f"    apt-get install {' '.join(lacking)}")
    _apt("update")
    _apt("install", "-y", "--no-install-recommends", *lacking)
    say("    installed")


def find_lacking(packages: Sequence[str]) -> list[str]:
    """Those that are not installed."""
    done = subprocess.run(  # noqa: S603 - names of ours
        ["/usr/bin/dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package}\\n", *packages],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    there = {words[1] for words in lines if len(words) == 2 and words[0] == "ii"}
    return [package for package in packages if package not in there]


def update_lists() -> None:
    """Where the machine does not know yet which packages there are."""
    known = subprocess.run(
        ["/usr/bin/apt-cache", "depends", "linux-image-cloud-amd64"],
        capture_output=True,
        check=False,
    )
    if known.returncode:
        _apt("update")


def _apt(*words: str) -> None:
    done = subprocess.run(  # noqa: S603 - words of ours
        ["/usr/bin/apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", *words],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        told = "\n".join(done.stdout.splitlines()[-MOST_LINES:])
        raise QuickstartError(f"apt-get {words[0]} failed:\n{told}")


def _is_debian(release: Mapping[str, str]) -> bool:
    number = release.get("VERSION_ID", "")
    is_old = number.isdecimal() and int(number) < OLDEST_DEBIAN  # testing has no number
    return release.get("ID") == "debian" and not is_old and shutil.which("apt-get") is not None


def _read_release() -> dict[str, str]:
    try:
        lines = OS_RELEASE.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {name: value.strip('"') for name, _, value in pairs}
