"""The units for systemd start what there is to start, and leave running what has to go on."""

from __future__ import annotations

import configparser
import shlex
from pathlib import Path

import pytest
from django.core.management import get_commands

from compute_site.__main__ import AGENT
from compute_site.web_server import configuration
from servers.agent.settings import STATE_DIR

UNITS = Path(__file__).resolve().parents[2] / "deploy" / "systemd"
COMMANDS = {
    "web": ["gunicorn", "-c", f"python:{configuration.__name__}"],
    "worker": ["python", "manage.py", "worker"],
    "volume-target": ["python", "manage.py", "volume_target"],
    "agent": ["compute-site", "agent", "run"],
}


def service(name: str) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # keys keep their capitals
    parser.read_string((UNITS / f"compute-site-{name}.service").read_text())
    return parser["Service"]


def test_there_is_a_unit_for_each_program() -> None:
    assert {path.name for path in UNITS.iterdir()} == {
        f"compute-site-{name}.service" for name in COMMANDS
    }
    assert {"worker", "volume_target"} <= set(get_commands())
    assert AGENT[-1] == "servers.agent"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_unit_starts_its_program_again_when_it_dies(name: str) -> None:
    unit = service(name)
    program, *words = shlex.split(unit["ExecStart"])
    expected = COMMANDS[name]
    assert [Path(program).name, *words][: len(expected)] == expected
    assert unit["Restart"] == "always"


def test_guests_outlive_the_agent() -> None:
    unit = service("agent")
    assert unit["KillMode"] == "process"
    assert Path("/var/lib") / unit["StateDirectory"] == Path(STATE_DIR)
    assert "PrivateTmp" not in unit
