"""Nothing is stored that cannot be shown: every place of every body of all APIs is filled with
hostile values; whatever is accepted is looked at, and in the end all lists are.
"""

from __future__ import annotations

import json
import logging
import math
import random
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from compute_site.api.view import NO_ROOM
from tests.world.bodies import SERVICES, Body, Place, bodies_of, filled, put
from tests.world.cast import Cast
from tests.world.client import Answer, ApiClient
from tests.world.routes import ROUTES, UNKNOWN_ID, Route, Site, newest_of


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": [value]}
    return value


POISON: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**31,
    2**63,
    2**64,
    1.5,
    1e20,
    1e255,
    "",
    "x" * 256,
    "x" * 70_000,
    "\0",
    "9" * 400,
    "\u0661",
    UNKNOWN_ID,
    [None],
    [[]] * 2000,
    {"": None},
    {"a\0": {"b": ["\0"]}},
    {"a": 2**64, "b": [1e300]},
    {f"key{number}": "x" * 200 for number in range(400)},
    nested(20),
)
TRIED = 4
"""How many of them are tried at each place: which ones is drawn, always alike."""
NO_JSON: tuple[Any, ...] = (math.nan, math.inf, "\ud800", {"\udfff": 1}, nested(200))


class Attack:
    """Fills the bodies of one API and looks at what became of it."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.member = ApiClient(Cast.member)
        self.member.http.raise_request_exception = False
        self.broken: list[str] = []
        self.kept: dict[tuple[str, Place], tuple[Body, Any]] = {}

    def send(self, client: ApiClient, body: Body, value: Any) -> Answer:
        """Nothing stays of what is refused."""
        with transaction.atomic():
            answer = client.send(
                body.method,
                path := self.site.path(body.route),
                json.dumps(value).encode(),
                microversion=str(body.version),
                headers=newest_of(path),
            )
            if answer.status >= 400:
                transaction.set_rollback(True)
        nameless = NO_ROOM.encode() in answer.content
        if nameless or (answer.status >= 500 and answer.status != 501):
            self.broken.append(f"{body} {value!r:.300}: {answer.content!r:.200}")
        return answer

    def try_all(self, body: Body) -> None:
        example = filled(body.example, self.site)
        for place in body.places:
            draw = random.Random(f"{body} {place}")  # noqa: S311 - no secret
            for poison in draw.sample(POISON, TRIED):
                value = put(example, place, poison)
                with transaction.atomic():
                    answer = self.send(self.site.client, body, value)
                    if answer.status < 300:
                        self.kept[str(body), place] = body, value
                        self.look(body, value, draw.choice([self.member, self.site.client]))
                    transaction.set_rollback(True)

    def look(self, body: Body, value: Any, client: ApiClient) -> None:
        """Whatever leads to the thing shows it."""
        for route in ROUTES:
            if "GET" in route.methods and leads_to(route, body.route):
                answer = client.get(self.site.path(route), microversion=str(body.version))
                if answer.status >= 500:
                    self.broken.append(f"{body} {value!r:.300}, then {route.path}")

    def keep_all(self) -> None:
        """Once more, and this time it stays: the last value that was accepted at each place."""
        for body, value in self.kept.values():
            self.send(self.site.client, body, value)


def leads_to(route: Route, written: Route) -> bool:
    """Does the URL show what is written, or what it belongs to?"""
    if route.path == f"//compute/v2.1/{written.collection}/detail":
        return True
    return f"{written.path}/".startswith(f"{route.path}/") and route.path.count("/") > 3


def lists() -> Iterator[Route]:
    for route in ROUTES:
        if "GET" in route.methods and not route.path.endswith(("}", "/file")):
            yield route


def statuses(site: Site, *clients: ApiClient) -> dict[str, list[int]]:
    """What all lists answer."""
    return {
        route.path: [
            client.get(site.path(route), microversion="latest").status for client in clients
        ]
        for route in lists()
    }


@pytest.fixture
def attack(as_admin: ApiClient) -> Iterator[Attack]:
    logging.disable(logging.WARNING)
    yield Attack(Site(as_admin))
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_is_stored_that_cannot_be_shown(attack: Attack, service: str) -> None:
    before = statuses(attack.site, attack.member, attack.site.client)
    for body in bodies_of(service):
        attack.try_all(body)
    attack.keep_all()
    after = statuses(attack.site, attack.member, attack.site.client)
    assert not attack.broken, f"{len(attack.broken)}\n" + "\n".join(attack.broken[:20])
    assert after == before


@pytest.mark.parametrize("service", SERVICES)
def test_every_example_is_accepted(attack: Attack, service: str) -> None:
    """Otherwise what is put in its places would never be stored."""
    refused = []
    for body in bodies_of(service):
        with transaction.atomic():
            answer = attack.send(attack.site.client, body, filled(body.example, attack.site))
            if body.accepted not in (None, answer.status < 300):
                refused.append(f"{body} {body.example}: {answer.status} {answer.content!r:.200}")
            transaction.set_rollback(True)
    assert not refused, "\n".join(refused)


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_no_json_is_refused_in_every_body(attack: Attack, service: str) -> None:
    for body in bodies_of(service):
        for poison in NO_JSON:
            value = put(filled(body.example, attack.site), body.places[0], poison)
            assert attack.send(attack.site.client, body, value).status == 400
