"""Guests that ran are started again: after the machine was started anew, after ``agent halt``, and
when the site is heard again that was silent for too long.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from servers.agent import kept_running
from servers.agent.__main__ import main
from servers.agent.client import Client, SiteFailed
from servers.agent.guests import Record
from servers.agent.hypervisor.pretend import Pretend
from servers.agent.hypervisor.protocol import Power
from servers.agent.loop import Agent
from servers.agent.settings import Identity, Settings, save
from tests.world.agents import at_work, wait_until

ON = "155d900f-4e14-4e4c-a73d-069cbf4541e6"
OFF = "255d900f-4e14-4e4c-a73d-069cbf4541e6"
LEFT = "355d900f-4e14-4e4c-a73d-069cbf4541e6"


class Site(Client):
    """A site that may be ``away``, or have given the host up: then one guest has left it."""

    def __init__(self) -> None:
        super().__init__("http://site", Identity(token="secret", epoch=1))
        self.away = False
        self.given_up = False
        self.beats = 0
        self.told: list[tuple[str, int]] = []
        """The guests and their power states, as they were told."""

    def get(self, path: str) -> Any:
        self._answer()
        return None

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        if path == "return":
            self.given_up = False
            return {"left": [LEFT], "epoch": 2}
        self._answer()
        if path == "guests":
            self.told += [(one["server_id"], one["power_state"]) for one in body["guests"]]
            return {"unknown": []}
        self.beats += 1
        return {"heartbeat_seconds": 0.02, "sync": False}

    def _answer(self) -> None:
        if self.away:
            raise SiteFailed("it is away")
        if self.given_up:
            raise SiteFailed("given up", 410)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        site="http://site",
        host="real",
        hypervisor="pretend",
        state_dir=str(tmp_path),
        idle_seconds=0.02,
        watch_seconds=0.02,
    )


def agent_of(settings: Settings, site: Site, **more: Any) -> Agent:
    known = dataclasses.replace(settings, **more)
    folder = Path(settings.state_dir)
    return Agent(known, Identity(token="secret", epoch=1), Pretend(folder), client=site)


def make_guest(folder: Path, agent: Agent, server_id: str) -> None:
    guest = {"server_id": server_id, "hostname": "guest", "nics": []}
    agent.hypervisor.spawn(guest, None)
    agent.guests.note(Record(server_id, 1, 1))


def set_power(folder: Path, server_id: str, power: Power) -> None:
    (folder / "pretend" / server_id / "power").write_text(str(int(power)))


def power_of(folder: Path, server_id: str) -> Power:
    return Pretend(folder).power_states()[server_id]


def live_once(settings: Settings) -> None:
    """The agent has seen one guest run, and one that was off."""
    folder, site = Path(settings.state_dir), Site()
    agent = agent_of(settings, site)
    for server_id in (ON, OFF):
        make_guest(folder, agent, server_id)
    set_power(folder, OFF, Power.SHUT_DOWN)
    with at_work(agent):
        wait_until(lambda: len(site.told) >= 2)


def lose_power(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in folder.glob("pretend/*/power"):
        path.write_text(str(int(Power.SHUT_DOWN)))
    monkeypatch.setattr(kept_running, "boot_id", lambda: "another")


def test_what_ran_is_started_with_the_machine_and_the_site_never_hears_that_it_was_off(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_once(settings)
    lose_power(tmp_path, monkeypatch)
    site = Site()

    with at_work(agent_of(settings, site, resume_guests_state_on_host_boot=True)):
        wait_until(lambda: (ON, Power.RUNNING) in site.told)

    assert power_of(tmp_path, OFF) == Power.SHUT_DOWN
    assert (ON, Power.SHUT_DOWN) not in site.told
    assert (OFF, Power.SHUT_DOWN) in site.told


def test_without_the_setting_it_stays_off_and_the_site_is_told(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_once(settings)
    lose_power(tmp_path, monkeypatch)
    site = Site()

    with at_work(agent_of(settings, site)):
        wait_until(lambda: (ON, Power.SHUT_DOWN) in site.told)

    assert power_of(tmp_path, ON) == Power.SHUT_DOWN


def test_a_guest_that_powered_itself_off_is_not_started_by_another_agent(
    settings: Settings, tmp_path: Path
) -> None:
    live_once(settings)
    set_power(tmp_path, ON, Power.SHUT_DOWN)
    site = Site()

    with at_work(agent_of(settings, site, resume_guests_state_on_host_boot=True)):
        wait_until(lambda: (ON, Power.SHUT_DOWN) in site.told)

    assert power_of(tmp_path, ON) == Power.SHUT_DOWN


def test_nothing_starts_before_the_site_says_which_guests_have_left_the_host(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = agent_of(settings, Site())
    make_guest(tmp_path, first, LEFT)
    make_guest(tmp_path, first, ON)
    first._seen()
    lose_power(tmp_path, monkeypatch)
    site = Site()
    site.away = True

    agent = agent_of(settings, site, resume_guests_state_on_host_boot=True)
    with at_work(agent):
        wait_until(lambda: agent.to_start == {LEFT, ON})
        assert power_of(tmp_path, ON) == Power.SHUT_DOWN
        site.given_up = True
        site.away = False
        wait_until(lambda: (ON, Power.RUNNING) in site.told)

    assert (tmp_path / "pretend" / LEFT).exists() is False
    assert LEFT not in {server_id for server_id, _ in site.told}


def test_guests_end_when_the_site_is_silent_for_too_long_and_run_again_when_it_is_heard(
    settings: Settings, tmp_path: Path
) -> None:
    site = Site()
    agent = agent_of(settings, site, stop_guests_after_seconds=1)
    make_guest(tmp_path, agent, ON)
    make_guest(tmp_path, agent, OFF)
    set_power(tmp_path, OFF, Power.SHUT_DOWN)
    with at_work(agent):
        wait_until(lambda: (ON, Power.RUNNING) in site.told)
        site.away = True
        wait_until(lambda: power_of(tmp_path, ON) == Power.SHUT_DOWN)
        site.away = False
        wait_until(lambda: power_of(tmp_path, ON) == Power.RUNNING)

    assert power_of(tmp_path, OFF) == Power.SHUT_DOWN
    assert (ON, Power.SHUT_DOWN) not in site.told


def test_guests_go_on_while_the_site_is_silent_unless_told_otherwise(
    settings: Settings, tmp_path: Path
) -> None:
    site = Site()
    agent = agent_of(settings, site)
    make_guest(tmp_path, agent, ON)
    agent.heard_at -= 10**6
    with at_work(agent):
        wait_until(lambda: site.beats > 0)

    assert power_of(tmp_path, ON) == Power.RUNNING


def test_halt_ends_all_guests_and_the_agent_starts_those_that_ran(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    live_once(settings)
    save(settings, Identity(token="secret", epoch=1))

    assert main(["halt", "--state-dir", str(tmp_path), "--seconds", "3"]) == 0
    assert "start again with the agent: 1" in capsys.readouterr().out
    assert power_of(tmp_path, ON) == Power.SHUT_DOWN
    assert main(["halt", "--state-dir", str(tmp_path)]) == 0  # once more changes nothing
    assert json.loads((tmp_path / "running.json").read_text())["guests"] == [ON]

    site = Site()
    with at_work(agent_of(settings, site)):
        wait_until(lambda: (ON, Power.RUNNING) in site.told)
    assert power_of(tmp_path, OFF) == Power.SHUT_DOWN


def test_halt_is_refused_while_the_agent_works(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(settings, Identity(token="secret", epoch=1))
    site = Site()
    with at_work(agent_of(settings, site)):
        wait_until(lambda: site.beats > 0)
        assert main(["halt", "--state-dir", str(tmp_path)]) == 1
    assert "Another agent works" in capsys.readouterr().err
