"""``python -m tests.soak.agents SITE FOLDER…``: an agent for each folder, in one process; one that
has not joined yet finds the token in its folder. Their guests are files.
"""

from __future__ import annotations

import dataclasses
import logging
import sys
import threading
from pathlib import Path

from servers.agent.__main__ import main as agent_command
from servers.agent.hypervisor.pretend import Pretend
from servers.agent.loop import Agent
from servers.agent.settings import load

QUIET = {"watch_seconds": 10.0, "max_spawns": 2}


def begin(site: str, folder: Path) -> None:
    if not (folder / "identity.json").exists():
        token = (folder / "token").read_text()
        words = ["--site", site, "--token", token, "--state-dir", str(folder)]
        if agent_command(["join", "--hypervisor", "pretend", *words]):
            raise SystemExit(f"{folder} cannot join")
    settings, identity = load(folder)
    settings = dataclasses.replace(settings, **QUIET)  # type: ignore[arg-type]
    agent = Agent(settings, identity, Pretend(folder, delay=0.1))
    threading.Thread(target=agent.run, name=folder.name, daemon=True).start()


if __name__ == "__main__":
    logging.basicConfig(level=logging.ERROR)
    for name in sys.argv[2:]:
        begin(sys.argv[1], Path(name))
    print("all work", flush=True)
    threading.Event().wait()
