"""Clients that do at random what people do with servers, and remember what was accepted."""

from __future__ import annotations

import dataclasses
import http.client
import itertools
import json
import random
import threading
import time
from collections.abc import Iterator
from typing import Any

from tests.benchmarks.load import Client
from tests.benchmarks.requests import SERVER, SERVERS

FLAVORS = ("1", "2", "3", "4")
"""Two of them have CPUs of their own, one a PCI device as well."""
ACTIONS: tuple[dict[str, Any], ...] = (
    {"os-stop": None},
    {"os-start": None},
    {"reboot": {"type": "SOFT"}},
    {"reboot": {"type": "HARD"}},
    {"pause": None},
    {"unpause": None},
    {"suspend": None},
    {"resume": None},
    {"shelve": None},
    {"unshelve": None},
    {"rescue": {}},
    {"unrescue": None},
    {"rebuild": {"imageRef": SERVER["imageRef"]}},
    *({"resize": {"flavorRef": flavor}} for flavor in FLAVORS),
    {"confirmResize": None},
    {"revertResize": None},
)


@dataclasses.dataclass
class Tally:
    """What the clients saw, together."""

    accepted: list[str] = dataclasses.field(default_factory=list)
    """``reservation_id`` of each accepted request for servers, or its server's id."""
    deleted: set[str] = dataclasses.field(default_factory=set)
    unsure_names: list[str] = dataclasses.field(default_factory=list)
    """Of servers that were asked for without an answer, or with one that says nothing."""
    unsure_deletions: set[str] = dataclasses.field(default_factory=set)
    answers: dict[str, int] = dataclasses.field(default_factory=dict)
    """How often each kind of request got each status."""
    broken: list[str] = dataclasses.field(default_factory=list)
    """Answers that no request may get."""
    web_dies: bool = False
    """Web processes are killed too, so that a request may end without an answer."""
    unanswered: int = 0
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)
    names: Iterator[int] = dataclasses.field(default_factory=itertools.count)

    def told(self) -> dict[str, Any]:
        """What the checks of the database want to know."""
        return {
            "accepted": self.accepted,
            "deleted": sorted(self.deleted),
            "unsure_names": self.unsure_names,
            "unsure_deletions": sorted(self.unsure_deletions),
        }


UNSURE = (0, 503)
"""The end of a transaction may have been lost on its way, or only the word of it."""


def is_outage(response: http.client.HTTPResponse) -> bool:
    """503 is for times of trouble, and says when to ask again."""
    return response.status == 503 and response.getheader("Retry-After") is not None


class Person:
    """One client with a connection of its own."""

    flavors: tuple[str, ...] = FLAVORS

    def __init__(self, root: str, token: str, tally: Tally, seed: int) -> None:
        self.client = Client(root, token)
        self.tally = tally
        self.chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.seen: list[str] = []

    def work(self, until: float) -> None:
        while time.monotonic() < until:
            deed = self.chance.choices(
                (self.create, self.delete, self.act, self.look), weights=(2, 2, 12, 2)
            )[0]
            deed()

    def create(self) -> None:
        count = self.chance.choice((1, 1, 1, 2, 5))
        counts = {"min_count": 1, "max_count": count, "return_reservation_id": True}
        network = self.chance.choice((SERVER["networks"], "none"))
        flavor = self.chance.choice(self.flavors)
        name = f"soak{next(self.tally.names):06}"
        chosen = {"name": name, "networks": network, "flavorRef": flavor}
        body = {"server": {**SERVER, **counts, **chosen}}
        status, answer = self.send("create", "POST", SERVERS, body)
        with self.tally.lock:
            if status == 202:
                self.tally.accepted.append(answer["reservation_id"])
            elif status in UNSURE:
                self.tally.unsure_names.append(name)

    def look(self) -> None:
        status, answer = self.send("list", "GET", f"{SERVERS}?limit=100", None)
        if status == 200:
            self.seen = [server["id"] for server in answer["servers"]]

    def delete(self) -> None:
        if server_id := self.pick():
            status, _ = self.send("delete", "DELETE", f"{SERVERS}/{server_id}", None)
            with self.tally.lock:
                if status == 204:
                    self.tally.deleted.add(server_id)
                elif status in UNSURE:
                    self.tally.unsure_deletions.add(server_id)

    def act(self) -> None:
        if server_id := self.pick():
            action = self.chance.choice(ACTIONS)
            self.send(next(iter(action)), "POST", f"{SERVERS}/{server_id}/action", action)

    def pick(self) -> str | None:
        if not self.seen:
            self.look()
        return self.chance.choice(self.seen) if self.seen else None

    def send(self, kind: str, method: str, path: str, body: Any) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        connection = self.client.connection
        try:
            connection.request(method, path, data, self.client.headers)
            response = connection.getresponse()
            text = response.read()
        except (http.client.HTTPException, OSError) as error:
            connection.close()
            with self.tally.lock:
                self.tally.unanswered += 1
                if not self.tally.web_dies:
                    self.tally.broken.append(f"{method} {path}: {error!r}")
            return 0, None
        with self.tally.lock:
            key = f"{kind} {response.status}"
            self.tally.answers[key] = self.tally.answers.get(key, 0) + 1
            if response.status >= 500 and not is_outage(response):
                self.tally.broken.append(f"{method} {path} {body}: {response.status} {text!r}")
        return response.status, json.loads(text) if text else None
