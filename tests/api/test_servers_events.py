"""``GET /servers/events``: what changes, as it changes; nothing is skipped."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from compute_site.waiting import held
from servers.models import Instance, InstanceAction
from servers.read import changes
from servers.read.changes import ChangeStream, Look, Position
from tests.world.cast import ALPHA, BETA
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_instance
from tests.world.worker_process import url_of_database

EVENTS = "/servers/events"
Meanwhile = Callable[[Callable[[], object]], None]


@dataclasses.dataclass
class Stream:
    """What a client makes of the bytes that it gets, by the rules of ``text/event-stream``."""

    events: list[tuple[str, Any]] = dataclasses.field(default_factory=list)
    last_id: str = ""

    def read(self, content: bytes) -> Stream:
        assert content.endswith(b"\n\n")
        for block in content.decode().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines())
            self.last_id = fields.get("id", self.last_id)
            if "data" in fields:
                self.events.append((fields.get("event", "message"), json.loads(fields["data"])))
        return self

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(data["name"], data["status"]) for name, data in self.events if name == "server"]


def read(answer: Answer) -> Stream:
    assert answer.expect(200).headers["Content-Type"] == "text/event-stream"
    return Stream().read(answer.content)


def change(server: Instance, **columns: Any) -> None:
    """As a worker does it; in a transaction of its own, as far as a test can have one."""
    with transaction.atomic():
        Instance.objects.filter(pk=server.pk).update(updated_at=timezone.now(), **columns)


@pytest.fixture(autouse=True)
def _long_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    options = dataclasses.replace(settings.OPTIONS, event_stream_seconds=60)
    monkeypatch.setattr(settings, "OPTIONS", options)


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Let something happen while the stream waits."""
    monkeypatch.setattr(ChangeStream, "pause", 0.0)

    def let(happen: Callable[[], object]) -> None:
        monkeypatch.setattr(held, "sleep", lambda _seconds: happen())

    return let


def test_a_change_is_told(as_reader: ApiClient, meanwhile: Meanwhile) -> None:
    make_instance(display_name="still")
    server = make_instance(display_name="web", vm_state="building", task_state="spawning")
    InstanceAction.objects.create(instance=server, action="create", request_id="req-1")
    meanwhile(lambda: change(server, vm_state="active", task_state=None, power_state=1))
    stream = read(as_reader.get(EVENTS))
    [(kind, told)] = stream.events
    server.refresh_from_db()
    assert kind == "server"
    assert told == {
        "id": str(server.uuid),
        "name": "web",
        "project_id": ALPHA,
        "status": "ACTIVE",
        "vm_state": "active",
        "task_state": None,
        "power_state": 1,
        "updated_at": server.updated_at.isoformat(),
        "action": "create",
        "request_id": "req-1",
    }


def test_a_deleted_server_is_told(as_reader: ApiClient, meanwhile: Meanwhile) -> None:
    server = make_instance(display_name="web")
    meanwhile(lambda: change(server, vm_state="deleted", deleted_at=timezone.now()))
    assert read(as_reader.get(EVENTS)).told == [("web", "DELETED")]


def test_the_servers_of_a_project_are_for_its_members(
    as_reader: ApiClient, as_outsider: ApiClient, meanwhile: Meanwhile
) -> None:
    ours, theirs = (
        make_instance(display_name="ours"),
        make_instance(display_name="theirs", project_id=BETA),
    )

    def happen() -> None:
        change(ours, power_state=4)
        change(theirs, power_state=4)

    meanwhile(happen)
    assert [name for name, _ in read(as_reader.get(EVENTS)).told] == ["ours"]
    assert [name for name, _ in read(as_outsider.get(EVENTS)).told] == ["theirs"]


def test_admins_follow_all_projects_and_see_hosts(
    as_admin: ApiClient, as_member: ApiClient, meanwhile: Meanwhile
) -> None:
    servers = [
        make_instance(display_name="a"),
        make_instance(display_name="b", project_id=BETA, host="h1"),
    ]

    def happen() -> None:
        for server in servers:
            change(server, power_state=4)

    meanwhile(happen)
    stream = read(as_admin.get(f"{EVENTS}?all_tenants=1"))
    assert [name for name, _ in stream.told] == ["a", "b"]
    assert stream.events[1][1]["host"] == "h1"
    as_member.get(f"{EVENTS}?all_tenants=1").expect(403)
    assert as_member.get(f"{EVENTS}?limit=1").expect(400).blamed == ["limit"]


def test_a_client_goes_on_where_it_was(
    as_reader: ApiClient, meanwhile: Meanwhile, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = make_instance(display_name="web")
    meanwhile(lambda: change(server, power_state=4))
    first = read(as_reader.get(EVENTS))
    change(server, vm_state="stopped")
    change(make_instance(display_name="new"), power_state=1)
    meanwhile(lambda: pytest.fail("it waits"))
    again = read(as_reader.get(EVENTS, headers={"Last-Event-ID": first.last_id}))
    assert {("web", "SHUTOFF"), ("new", "ACTIVE")} <= set(again.told)
    monkeypatch.setattr(changes, "MOST", 1)
    cut = read(as_reader.get(EVENTS, headers={"Last-Event-ID": first.last_id}))
    assert cut.events == [("reset", {})]


@pytest.mark.parametrize(
    "position",
    [
        lambda oldest, now: (oldest, now - dt.timedelta(hours=25)),
        lambda oldest, now: (oldest + 10**9, now),
    ],
    ids=["of the day before yesterday", "of another database"],
)
def test_who_was_away_for_too_long_is_told_to_read_the_list(
    as_reader: ApiClient, meanwhile: Meanwhile, position: Callable[..., tuple[int, dt.datetime]]
) -> None:
    meanwhile(lambda: pytest.fail("it waits"))
    look = changes.look_for_changes(changes.NOWHERE, projects=(), everywhere=True)
    told = Position(*position(look.oldest, look.at))
    assert read(as_reader.get(EVENTS, headers={"Last-Event-ID": str(told)})).events == [
        ("reset", {})
    ]


@pytest.mark.parametrize("last_id", ["x", "1", "-1-2", "1-2-3", "١-١", "9" * 30 + "-1"])
def test_what_is_no_id_of_an_event_is_refused(as_reader: ApiClient, last_id: str) -> None:
    refused = as_reader.get(EVENTS, headers={"Last-Event-ID": last_id}).expect(400)
    assert refused.blamed == ["Last-Event-ID"]


def test_something_comes_now_and_then(
    as_reader: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "HEARTBEAT_SECONDS", 0.0)
    stream = read(as_reader.get(EVENTS))
    assert stream.events == []
    assert changes.read_position(stream.last_id)


@contextlib.contextmanager
def changing(server: Instance, name: str) -> Iterator[psycopg.Connection]:
    """Somebody has renamed the server in a transaction that goes on."""
    with psycopg.connect(url_of_database()) as session:
        session.execute(
            "UPDATE servers_instance SET display_name = %s, updated_at = now() WHERE id = %s",
            [name, server.pk],
        )
        yield session


@pytest.mark.django_db(transaction=True)
def test_transactions_that_end_in_another_order_are_all_told_once(as_reader: ApiClient) -> None:
    """The first to begin ends last; a savepoint writes a number of its own."""
    late, early = make_instance(display_name="late"), make_instance(display_name="early")
    stream = ChangeStream(project_id=ALPHA, with_host=False)
    told = Stream().read(stream.begin())

    def listen() -> list[str]:
        before = len(told.events)
        piece = ChangeStream.look([stream]).get(stream)
        if piece is not None:
            told.read(piece)
        return [name for name, _ in told.told[before:]]

    with changing(late, "late 2") as first:
        with changing(early, "early 2") as second:
            second.execute("SAVEPOINT inner_one")
            assert listen() == []
            second.commit()
        assert listen() == ["early 2"]
        assert listen() == []
        kept = told.last_id
        with changing(early, "early 3") as third:
            third.commit()
        assert listen() == ["early 3"]
        first.commit()
    assert listen() == ["late 2"]
    assert listen() == []
    answer = as_reader.get(EVENTS, headers={"Last-Event-ID": kept})
    assert {name for name, _ in read(answer).told} == {"late 2", "early 3"}


def test_the_time_of_a_position_moves_on_when_all_that_was_at_work_has_ended() -> None:
    began = timezone.now()
    stream = ChangeStream(project_id=ALPHA, with_host=False, asked=Position(10, began))
    seen = []
    for second, (oldest, following) in enumerate([(10, 20), (19, 25), (25, 26)]):
        at = began + dt.timedelta(hours=second)
        look = Look(oldest=oldest, next=following, at=at, changes=(), by_project={})
        assert stream.tell(look) == b""
        seen.append(stream.position)
    assert [position.oldest for position in seen] == [10, 19, 25]
    before_last = began + dt.timedelta(hours=1)
    assert [position.since for position in seen] == [began, began, before_last - changes.MARGIN]
