"""This machine as a host of the site that the quickstart serves: it joins once, its agent lives
with the site, and its guests end with it, to start again with the next one.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from compute_site.faults import Fault
from compute_site.quickstart.guests.agent_program import AGENT, PYTHON, environment_of_agent
from compute_site.quickstart.guests.uplink import BRIDGE, remove_uplink
from compute_site.quickstart.start import Processes, QuickstartError
from servers.agent.hypervisor.libvirt.own_daemon import OwnDaemon
from servers.agent.settings import STATE_DIR, NotJoined, load, save
from servers.hosts.agents import HostIsThere, add_host, find_agent, rotate_host
from servers.models import Service
from servers.models.cell import CELL1

UP_SECONDS = 60
HALT_SECONDS = 10
"""How long a guest may take to shut down when the site ends."""
END_SECONDS = 60
OWNER = Path("/run/compute-site-guests")
"""Which state folder the guests of this machine belong to."""


def folder_of(state: Path) -> Path:
    """The state folder of the agent."""
    return state / "guests" / "agent"


def environment_of(state: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Of the site: servers for which nobody names a zone are for this machine, and volumes have
    bytes, unless the operator has said otherwise.
    """
    return {
        "COMPUTE_SITE_DEFAULT_SCHEDULE_ZONE": "nova",
        "COMPUTE_SITE_VOLUME_FOLDER": str(state / "volumes"),
        **environment,
    }


def claim_machine(state: Path) -> None:
    """Raises: QuickstartError: guests of others are on this machine, whose networks would be in the
    way.
    """
    if (Path(STATE_DIR) / "agent.json").exists():
        raise QuickstartError(
            f"This machine is a host of another site already ({STATE_DIR}/agent.json)."
        )
    lacks = OwnDaemon(folder_of(state)).misplaced()  # what is missing is installed next
    if lacks:
        raise QuickstartError(f"Guests need {'; '.join(lacks)}.")
    owner = _owner()
    if owner not in ("", str(state)) and is_left(Path(owner)):
        raise QuickstartError(
            f"Guests of another site run on this machine, that of {owner}; make stop there ends "
            "them."
        )
    OWNER.write_text(str(state), encoding="utf-8")


def is_left(state: Path) -> bool:
    """Does a libvirtd for guests of this state folder run?"""
    return OwnDaemon(folder_of(state)).pid() is not None


def join(state: Path, root: str) -> str:
    """Let this machine join, unless it has; the name of the host. The uplink is there.

    Raises:
        QuickstartError: it cannot join.
    """
    folder = folder_of(state)
    try:
        settings, identity = load(folder)
    except NotJoined:
        pass
    else:
        if find_agent(identity.token) is not None:
            if settings.site != root:  # it was started at another port
                save(dataclasses.replace(settings, site=root), identity)
            return settings.host
    name = socket.gethostname().partition(".")[0] or "this-machine"
    try:
        token = _token_of(name)
    except Fault as fault:
        raise QuickstartError(f"This machine cannot be a host: {fault.detail}") from fault
    folder.mkdir(parents=True, exist_ok=True, mode=0o711)
    told = {"own_libvirtd": "true", "network": "bridge", "uplink": BRIDGE}
    words = [f"--set={key}={value}" for key, value in told.items()]
    where = ("--site", root, "--hypervisor", "libvirt", "--plain-http")
    done = _agent(folder, "join", *where, *words, more={"COMPUTE_SITE_JOIN_TOKEN": token})
    if done.returncode:
        raise QuickstartError(f"This machine cannot be a host: {done.stderr.strip()}")
    return name


def start_agent(state: Path, processes: Processes) -> None:
    """As one of the programs of the site."""
    words = ("run", "--state-dir", str(folder_of(state)))
    processes.start("agent", "-m", "compute_site.quickstart.guests.agent_program", *words)


def wait_until_up(name: str, processes: Processes, *, since: dt.datetime) -> None:
    """Until the agent has reported after ``since``: joining counts as a report, too."""
    deadline = time.monotonic() + UP_SECONDS
    while not Service.objects.up().filter(host=name, last_seen_up__gt=since).exists():
        processes.check()
        if time.monotonic() > deadline:
            raise QuickstartError(
                f"The agent does not report; its last words are in {processes.log_path('agent')}."
            )
        time.sleep(0.2)


def end_guests(state: Path, say: Callable[[str], None]) -> None:
    """End what runs on this machine for guests: they, their networks, and libvirtd. The agent has
    ended before, and may not have come to start a libvirtd.
    """
    if is_left(state):
        say("the guests of this machine end; make run GUESTS=1 starts them again")
        done = _agent(folder_of(state), "halt", "--seconds", str(HALT_SECONDS))
        if done.returncode:
            raise QuickstartError(f"The guests could not be ended: {done.stderr.strip()}")
    if _owner() == str(state):
        remove_uplink()
        OWNER.unlink()


def _owner() -> str:
    """The state folder that the machine is claimed for; empty: none."""
    return OWNER.read_text(encoding="utf-8") if OWNER.exists() else ""


def _token_of(name: str) -> str:
    try:
        return add_host(name, cell=CELL1)
    except HostIsThere:
        return rotate_host(name)


def _agent(
    folder: Path, command: str, *words: str, more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        [PYTHON, *AGENT, command, "--state-dir", str(folder), *words],
        env=environment_of_agent(os.environ) | dict(more or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # Ctrl-C reaches us alone
        timeout=END_SECONDS,
    )
