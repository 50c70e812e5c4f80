"""The agent by itself: each order counts once, whatever dies meanwhile."""

from __future__ import annotations

import ast
import hashlib
import io
import json
import stat
import sys
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from servers.agent.__main__ import Refused, check_site, main
from servers.agent.client import Client, SiteFailed
from servers.agent.guests import Guests, Record
from servers.agent.hypervisor.pretend import Pretend
from servers.agent.hypervisor.protocol import GuestFailed
from servers.agent.images import Images
from servers.agent.journal import KEPT, Journal
from servers.agent.loop import Agent, OtherAgent, only_one
from servers.agent.settings import Identity, NotJoined, Settings, load, save

ROOT = Path(__file__).resolve().parents[2]
DATA = b"the data of an image" * 100
IMAGE = {"id": "image", "size": len(DATA), "sha512": hashlib.sha512(DATA).hexdigest()}
SERVER = "155d900f-4e14-4e4c-a73d-069cbf4541e6"


class Crash(BaseException):
    """The agent dies here."""


class Site(Client):
    """A site that notes what it is told. ``refuse`` may raise, before it hears of it."""

    def __init__(self) -> None:
        super().__init__("http://site", Identity(token="secret", epoch=1))
        self.answers: list[tuple[str, Any]] = []
        self.refuse: Callable[[], None] = lambda: None
        self.data = DATA

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        self.refuse()
        self.answers.append((path, json.loads(json.dumps(body))))
        return {}

    def open(self, path: str, *, begin: int = 0) -> Any:
        return io.BytesIO(self.data[begin:])


class Counting(Pretend):
    """Counts what it does; dies where it is told to."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.done: list[str] = []
        self.die_after = ""

    def spawn(self, guest: Mapping[str, Any], image: Path | None) -> None:
        super().spawn(guest, image)
        self._count("spawn")

    def change_power(self, server_id: str, change: str, *, timeout: int = 60) -> None:
        super().change_power(server_id, change, timeout=timeout)
        self._count(change)

    def _count(self, what: str) -> None:
        self.done.append(what)
        if self.die_after == what:
            self.die_after = ""
            raise Crash


@pytest.fixture
def hypervisor(tmp_path: Path) -> Counting:
    return Counting(tmp_path)


@pytest.fixture
def site() -> Site:
    return Site()


def begin(tmp_path: Path, hypervisor: Counting, site: Site) -> Agent:
    """An agent, as it begins to live."""
    settings = Settings(
        site="http://site", host="real", hypervisor="pretend", state_dir=str(tmp_path)
    )
    agent = Agent(settings, Identity(token="secret", epoch=1), hypervisor)
    agent.client = site
    agent.worker.images.client = site
    agent.worker.transfer.client = site
    return agent


def order(seq: int, task: str, *, generation: int = 7, **more: Any) -> dict[str, Any]:
    guest = {"server_id": SERVER, "hostname": "guest", "admin_password": "hush", "nics": []}
    return {
        "id": str(uuid.UUID(int=seq)),
        "seq": seq,
        "server_id": SERVER,
        "generation": generation,
        "task": task,
        "arguments": {"guest": guest, "image": IMAGE},
        **more,
    }


def work(agent: Agent, *orders: dict[str, Any]) -> list[Any]:
    """Do the orders as the threads of the agent would, and send the answers."""
    for one in orders:
        known = agent.journal.find(one["id"])
        if known is not None and known.answer is not None:
            agent._answer(known)
        else:
            agent._carry_out(one)
    agent.to_send.set()
    agent._send()
    assert isinstance(agent.client, Site)
    return [answer for _, answer in agent.client.answers]


def test_the_agent_imports_nothing_of_the_site() -> None:
    allowed = sys.stdlib_module_names | {"servers"}
    for path in (ROOT / "servers" / "agent").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [str(node.module)]
            for name in names:
                assert name.split(".")[0] in allowed, path
                assert not name.startswith("servers") or name.startswith("servers.agent"), path


def test_an_order_that_comes_again_is_answered_from_the_journal(
    tmp_path: Path, hypervisor: Counting, site: Site
) -> None:
    spawn, reboot = order(1, "spawn"), order(2, "reboot")
    first = work(begin(tmp_path, hypervisor, site), spawn, reboot)
    second = work(begin(tmp_path, hypervisor, site), spawn, reboot)
    assert first == [{"ok": True, "result": {"power_state": 1}}] * 2
    assert second == first * 2
    assert hypervisor.done == ["spawn", "reboot"]


@pytest.mark.parametrize("name", ["begin", "finish"])
@pytest.mark.parametrize("task", ["spawn", "reboot"])
def test_an_agent_that_dies_around_an_order_does_it_once(
    tmp_path: Path, hypervisor: Counting, site: Site, name: str, task: str
) -> None:
    agent = begin(tmp_path, hypervisor, site)
    given = [order(1, "spawn"), order(2, "reboot")]
    before = given[: 0 if task == "spawn" else 1]
    work(agent, *before)

    def die(*_: Any) -> Any:
        raise Crash

    setattr(agent.journal, name, die)
    with pytest.raises(Crash):
        work(agent, given[len(before)])
    answers = work(begin(tmp_path, hypervisor, site), *given)
    assert answers[-1] == {"ok": True, "result": {"power_state": 1}}
    assert hypervisor.done == ["spawn", "reboot"]


def test_an_agent_that_dies_before_the_site_has_the_answer_sends_it_later(
    tmp_path: Path, hypervisor: Counting, site: Site
) -> None:
    def away() -> None:
        raise SiteFailed("away")

    agent = begin(tmp_path, hypervisor, site)
    site.refuse = away
    with pytest.raises(SiteFailed):
        work(agent, order(1, "spawn"))
    site.refuse = lambda: None
    assert work(begin(tmp_path, hypervisor, site)) == [{"ok": True, "result": {"power_state": 1}}]
    assert begin(tmp_path, hypervisor, site).journal.unsent() == []


def test_a_guest_that_was_made_in_the_last_moment_is_made_anew(
    tmp_path: Path, hypervisor: Counting, site: Site
) -> None:
    hypervisor.die_after = "spawn"
    with pytest.raises(Crash):
        work(begin(tmp_path, hypervisor, site), order(1, "spawn"))
    [answer] = work(begin(tmp_path, hypervisor, site), order(1, "spawn"))
    assert answer["ok"]
    assert list(hypervisor.power_states()) == [SERVER]


def test_a_build_that_is_asked_for_twice_is_done_once(
    tmp_path: Path, hypervisor: Counting, site: Site
) -> None:
    """Two jobs of the same action, each with an order of its own."""
    agent = begin(tmp_path, hypervisor, site)
    assert [one["ok"] for one in work(agent, order(1, "spawn"), order(2, "spawn"))] == [True, True]
    assert hypervisor.done == ["spawn"]
    work(agent, order(3, "rebuild", generation=8))
    assert hypervisor.done == ["spawn", "spawn"]


def test_what_is_older_than_the_last_order_is_refused(
    tmp_path: Path, hypervisor: Counting, site: Site
) -> None:
    agent = begin(tmp_path, hypervisor, site)
    answers = work(agent, order(5, "spawn"), order(4, "stop"), order(6, "destroy"))
    assert [one["ok"] for one in answers] == [True, False, True]
    assert answers[1]["code"] == "stale"
    late = work(begin(tmp_path, hypervisor, site), order(3, "spawn"))[-1]
    assert (late["ok"], late["code"]) == (False, "stale")
    assert hypervisor.power_states() == {}


@pytest.mark.parametrize("task", ["stop", "attach_nic", "read_console"])
def test_a_guest_that_is_not_there_is_a_fault_with_words(
    tmp_path: Path, hypervisor: Counting, site: Site, task: str
) -> None:
    [answer] = work(begin(tmp_path, hypervisor, site), order(1, task))
    assert (answer["ok"], answer["code"]) == (False, "no_guest")
    assert SERVER in answer["fault"]


def test_a_task_of_a_later_release_is_refused(
    tmp_path: Path, hypervisor: Counting, site: Site
) -> None:
    [answer] = work(begin(tmp_path, hypervisor, site), order(1, "teleport"))
    assert (answer["ok"], answer["code"]) == (False, "unsupported")


def test_what_a_newer_site_says_besides_is_ignored(
    tmp_path: Path, hypervisor: Counting, site: Site
) -> None:
    spawn = order(1, "spawn", of_a_later_release=1)
    spawn["arguments"]["guest"]["later"] = spawn["arguments"]["later"] = {}
    assert work(begin(tmp_path, hypervisor, site), spawn)[0]["ok"]


def test_secrets_are_neither_in_the_journal_nor_with_the_guest(
    tmp_path: Path, hypervisor: Counting, site: Site
) -> None:
    work(begin(tmp_path, hypervisor, site), order(1, "spawn"))
    texts = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert texts
    assert not any(b"hush" in text for text in texts)


def test_nics_come_and_go(tmp_path: Path, hypervisor: Counting, site: Site) -> None:
    agent = begin(tmp_path, hypervisor, site)
    nic = {"port_id": "port", "mac": "fa:16:3e:00:00:01"}
    work(agent, order(1, "spawn"), order(2, "attach_nic", arguments={"nic": nic}))
    path = tmp_path / "pretend" / SERVER / "guest.json"
    assert json.loads(path.read_text())["nics"] == [nic]
    work(agent, order(3, "detach_nic", arguments={"port_id": "port"}))
    assert json.loads(path.read_text())["nics"] == []


def test_the_journal_forgets_old_orders_that_the_site_knows_of(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.entries = {
        str(number): journal.begin({**order(number, "stop"), "id": str(number)})
        for number in range(3)
    }
    for number in range(3, KEPT + 2):
        entry = journal.entries["0"]
        journal.entries[str(number)] = type(entry)(str(number), number, SERVER, "stop", {}, True)
    journal.note_sent(journal.entries["0"])
    journal.finish(journal.entries["1"], {"ok": True})
    assert "0" not in journal.entries
    assert "1" in journal.entries
    assert sorted(path.stem for path in tmp_path.glob("*.json")) == ["1", "2"]


def test_guests_that_are_gone_stay_known_over_a_restart(tmp_path: Path) -> None:
    Guests(tmp_path).note(Record(SERVER, 5, 0, gone=True))
    known = Guests(tmp_path)
    assert (known.present(), known.find(SERVER)) == ({}, Record(SERVER, 5, 0, gone=True))


# images


class Broken(Site):
    """The data break off after some bytes, so often."""

    def __init__(self, often: int, after: int) -> None:
        super().__init__()
        self.often, self.after = often, after
        self.begun: list[int] = []

    def open(self, path: str, *, begin: int = 0) -> Any:
        self.begun.append(begin)
        if len(self.begun) <= self.often:
            return io.BytesIO(DATA[begin : begin + self.after])
        return io.BytesIO(DATA[begin:])


def images(tmp_path: Path, site: Site, most_bytes: int = 1 << 20) -> Images:
    return Images(tmp_path / "images", site, most_bytes=most_bytes)


def test_data_that_break_off_are_fetched_on_from_there(tmp_path: Path) -> None:
    site = Broken(often=2, after=600)
    path = images(tmp_path, site).fetch(IMAGE)
    assert path.read_bytes() == DATA
    assert site.begun == [0, 600, 1200]
    assert images(tmp_path, site).fetch(IMAGE) == path
    assert len(site.begun) == 3


def test_other_data_than_the_site_names_are_refused(tmp_path: Path) -> None:
    for wrong in ({"sha512": "0" * 128}, {"size": len(DATA) - 1}, {"sha512": "../../etc"}):
        with pytest.raises(GuestFailed):
            images(tmp_path, Site()).fetch({**IMAGE, **wrong})
    assert list((tmp_path / "images").iterdir()) == []


def test_the_cache_stays_as_small_as_it_shall_be(tmp_path: Path) -> None:
    site = Site()
    first = images(tmp_path, site, most_bytes=len(DATA)).fetch(IMAGE)
    other = DATA[:-1]
    site.data = other
    second = {"id": "other", "size": len(other), "sha512": hashlib.sha512(other).hexdigest()}
    images(tmp_path, site, most_bytes=len(DATA)).fetch(second)
    assert not first.exists()


# the program


@pytest.mark.parametrize(
    ("site", "plain", "fits"),
    [
        ("https://compute.example", False, True),
        ("http://127.0.0.1:8774", False, True),
        ("http://localhost:8774", False, True),
        ("http://compute.example", False, False),
        ("http://compute.example", True, True),
        ("ftp://compute.example", True, False),
        ("compute.example", True, False),
    ],
)
def test_a_token_goes_over_networks_by_tls(site: str, plain: bool, fits: bool) -> None:
    if fits:
        check_site(site, plain=plain)
        return
    with pytest.raises(Refused):
        check_site(site, plain=plain)


def test_the_token_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    settings = Settings(
        site="http://site", host="real", hypervisor="pretend", state_dir=str(folder)
    )
    save(settings, Identity(token="secret", epoch=3))
    assert load(folder) == (settings, Identity(token="secret", epoch=3))
    assert stat.S_IMODE((folder / "identity.json").stat().st_mode) == 0o600
    assert "secret" not in repr(load(folder))


def test_one_agent_works_with_a_folder(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(OtherAgent), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass


def test_probe_says_what_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["probe", "--hypervisor", "pretend", "--state-dir", str(tmp_path)]
    assert main(words) == 0
    assert "vcpus" in capsys.readouterr().out


def test_an_agent_that_has_not_joined_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NotJoined):
        load(tmp_path)
    assert main(["run", "--state-dir", str(tmp_path)]) == 1
    assert "has not joined" in capsys.readouterr().err
