"""Who is of another project cannot tell what a project has from what is nowhere, at no URL."""

from __future__ import annotations

import copy
import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from compute_site.identity.models import Role
from tests.doors.table import ROWS, Row
from tests.doors.test_reading import ids_of_alpha, reading
from tests.doors.test_roles import WRITES
from tests.doors.world import UNKNOWN, World
from tests.world.cast import Cast, Persona
from tests.world.client import Answer, ApiClient
from tests.world.people import make_persona
from tests.world.routes import newest_of

OPEN = frozenset(
    (
        *("beta", "other_project", "empty_project"),
        *("public_image", "shared_image", "foreign_image", "public_flavor", "other_flavor"),
        *("public_network", "shared_network", "shared_subnet", "empty_beta_network"),
        *("group_type_id", "free_group_type"),
        *("type_id", "registered_limit_id", "role_id", "held_role", "other_consumer", "member_id"),
    )
)
"""What the world names and others see as well, or is nowhere; all other ids are hidden."""
TRUST = "/identity/v3/OS-TRUST/trusts"
TOLD_APART = {
    ("POST", TRUST): "Keystone says whether there is such a project, before whose trust it is",
    **dict.fromkeys(
        (
            ("DELETE", f"{TRUST}/{{trust_id}}"),
            *(
                ("GET", f"{TRUST}/{{trust_id}}{below}")
                for below in ("", "/roles", "/roles/{role_id}")
            ),
        ),
        "Keystone says 403 of trusts of others, 404 of others",
    ),
    (
        "PUT",
        "/image/v2/images/{image_id}/members/{member_id}",
    ): "the image is the asker's, who knows its members",
    (
        "GET",
        "/compute/v2.1/os-quota-sets/{owner}/defaults",
    ): "Nova says whether there is such a project; the limits are those of all",
}
"""What may differ, and why."""
MEMBER = Cast.member
"""Whose own things the requests name."""
ID = re.compile(r"[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?")


class Pair:
    """The same requests twice: with the ids of what alpha has, and with such that are nowhere."""

    def __init__(self, cast: Cast) -> None:
        self.real = World(cast)
        self.none = copy.copy(self.real)
        self.none.names = nowhere(self.real.names)
        self.none.rows = dict.fromkeys(self.real.rows, UNKNOWN)
        self.none.people = {name: nowhere(own) for name, own in self.real.people.items()}
        self.hidden = ids_of_alpha()


def nowhere(names: dict[str, Any]) -> dict[str, Any]:
    """The names, with ids of nothing for those that are hidden."""
    return {
        name: like(word) if name not in OPEN and not name.endswith("token") else word
        for name, word in names.items()
    }


def like(word: Any) -> Any:
    """What is nowhere, written as this is; what is no id stays."""
    if not isinstance(word, str) or not ID.fullmatch(word):
        return word
    return UNKNOWN if "-" in word else UNKNOWN.replace("-", "")


def strangers(cast: Cast) -> Iterator[Persona | None]:
    yield cast.outsider
    yield make_persona(cast.beta, Role.READER)
    yield None


@pytest.mark.parametrize("name", list(ROWS))
def test_nothing_of_another_project_is_changed_or_told_apart(cast: Cast, name: str) -> None:
    pair = Pair(cast)
    problems = [
        f"{row}, {persona.name if persona else 'nobody'}: {problem}"
        for persona in strangers(cast)
        for row in ROWS[name]
        for problem in compare(pair, row, persona)
    ]
    assert not problems, "\n".join(problems)


def test_nothing_of_another_project_is_read_or_told_apart(cast: Cast) -> None:
    pair = Pair(cast)
    known = {*pair.real.names, *pair.real.people[cast.member.name], "row_id"}
    problems = []
    for persona in strangers(cast):
        for route in reading():
            row = Row(
                method="GET",
                path=route.path.removeprefix("/"),
                role=None,
                status=200,
                names=dict.fromkeys(set(route.names) - known, "x"),
                headers=newest_of(route.path),
            )
            who = persona.name if persona else "nobody"
            problems += [f"{row}, {who}: {problem}" for problem in compare(pair, row, persona)]
    assert not problems, "\n".join(problems)


def compare(pair: Pair, row: Row, persona: Persona | None) -> Iterator[str]:
    """What is wrong. Requests that name nothing hidden are left out, and what the table lets others
    do: they know a password or a key.
    """
    fixed = pair.real.path(row, MEMBER) == pair.none.path(row, MEMBER) and (
        pair.real.fill(row.body, MEMBER) == pair.none.fill(row.body, MEMBER)
    )
    if fixed or row.outsider < 300:
        return
    real, none = ask(pair.real, row, persona), ask(pair.none, row, persona)
    if real.told != none.told and (row.method, row.path) not in TOLD_APART:
        yield f"{real}\n    nowhere: {none}"
    if real.written:
        yield f"it has written {real.written[0][:160]}"
    asked = f"{real.path} {real.body}"
    shown = [word for word in pair.hidden if word in str(real.answer.content) and word not in asked]
    if shown:
        yield f"it shows {[f'{pair.hidden[word]} {word}' for word in shown]}"


@dataclasses.dataclass(frozen=True)
class Asked:
    path: str
    body: Any
    answer: Answer
    written: list[str]

    @property
    def told(self) -> tuple[int, str]:
        """With the same words for all ids and times."""
        text = self.answer.content.decode(errors="replace")
        return self.answer.status, TIME.sub("TIME", ID.sub("ID", text))

    def __str__(self) -> str:
        return f"{self.answer.status} {self.answer.content[:160]!r}"


def ask(world: World, row: Row, persona: Persona | None) -> Asked:
    """Nothing stays of it."""
    path, body = world.path(row, MEMBER), world.fill(row.body, MEMBER)
    headers = world.fill(dict(row.headers), MEMBER)
    client = ApiClient(persona)
    with transaction.atomic(), CaptureQueriesContext(connection) as seen:
        answer = client.send(row.method, path, body, microversion=row.version, headers=headers)
        transaction.set_rollback(True)
    written = [entry["sql"] for entry in seen if WRITES.search(entry["sql"])]
    return Asked(path, body, answer, written)
