"""Runs the programs that make networks: ``ip``, ``bridge``, ``nft`` and ``sysctl``."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from servers.agent.network.protocol import NetworkFailed

SECONDS = 30
SPACES = Path("/run/netns")
CLONE_NEWNET = 0x40000000
LONGEST_TEXT = 400
Made = TypeVar("Made")


def run(*words: str, space: str | None = None, told: str | None = None) -> str:
    """What the program prints; in a namespace of the network if one is named.

    Raises:
        NetworkFailed: it fails, or is not there.
    """
    command = ["ip", "netns", "exec", space, *words] if space else list(words)
    try:
        done = subprocess.run(  # noqa: S603 - words of ours, never a shell
            command, input=told, text=True, capture_output=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NetworkFailed(f"{words[0]}: {error}") from None
    if done.returncode:
        text = (done.stderr or done.stdout).strip()[-LONGEST_TEXT:]
        raise NetworkFailed(f"{' '.join(words)}: {text}")
    return done.stdout


def batch(lines: Sequence[str], *, space: str | None = None, program: str = "ip") -> None:
    """Several commands of ``ip`` or ``bridge``, by one process."""
    if lines:
        where = ["-n", space] if space else []
        run(program, *where, "-batch", "-", told="\n".join(lines) + "\n")


def ask(*words: str, space: str | None = None, program: str = "ip") -> list[dict[str, Any]]:
    """What ``ip`` tells in JSON."""
    where = ["-n", space] if space else []
    text = run(program, *where, "-j", *words)
    return list(json.loads(text)) if text.strip() else []


def devices(space: str | None = None) -> dict[str, dict[str, Any]]:
    return {str(one["ifname"]): one for one in ask("link", "show", space=space) if one}


def spaces() -> set[str]:
    try:
        return {path.name for path in SPACES.iterdir()}
    except FileNotFoundError:
        return set()


def within(space: str, do: Callable[[], Made]) -> Made:
    """Do it inside the namespace, in a thread of its own: the process stays where it is."""
    found: list[Made] = []
    failed: list[BaseException] = []

    def enter() -> None:
        try:
            handle = os.open(SPACES / space, os.O_RDONLY)
            try:
                if ctypes.CDLL(None, use_errno=True).setns(handle, CLONE_NEWNET):
                    number = ctypes.get_errno()
                    raise OSError(number, os.strerror(number))
            finally:
                os.close(handle)
            found.append(do())
        except BaseException as error:  # noqa: BLE001 - it is raised in the thread that asks
            failed.append(error)

    thread = threading.Thread(target=enter, name=f"in {space}")
    thread.start()
    thread.join()
    if failed:
        raise NetworkFailed(f"{space}: {failed[0]}") from failed[0]
    return found[0]
