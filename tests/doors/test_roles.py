"""Each role and each request that changes something, in all six APIs: who may, and that nothing
changes for who may not.
"""

from __future__ import annotations

import re

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from compute_site.identity.models import Role
from servers.models import Instance
from tests.doors.routes import writing_requests
from tests.doors.table import ANYONE, ROWS, Row
from tests.doors.world import World
from tests.world.cast import Cast, Persona
from tests.world.client import ApiClient

ORDER = list(Role)
WRITES = re.compile(r"^\W*(UPDATE|DELETE)\b|\b(INSERT INTO|DELETE FROM)\b")


def test_every_request_that_changes_something_has_its_row() -> None:
    """A new URL, method or action has to be written down with who may use it."""
    rows = [row for rows in ROWS.values() for row in rows]
    told = {(row.method, row.path.partition("?")[0], row.action) for row in rows}
    assert told == writing_requests()


def expected(row: Row, persona: Persona | None, cast: Cast) -> int:
    if row.role is ANYONE:
        return row.status
    if persona is None:
        return 401
    if persona == cast.outsider:
        return row.outsider
    return row.status if ORDER.index(persona.role) >= ORDER.index(row.role) else 403


@pytest.mark.parametrize("name", list(ROWS))
def test_who_may_do_it(cast: Cast, name: str) -> None:
    world = World(cast)
    people = (None, cast.reader, cast.member, cast.manager, cast.admin, cast.outsider)
    problems = []
    for row in ROWS[name]:
        for persona in people:
            problem = try_out(world, row, persona)
            if problem:
                problems.append(f"{row}, {persona.name if persona else 'nobody'}: {problem}")
    assert not problems, "\n".join(problems)


def try_out(world: World, row: Row, persona: Persona | None) -> str | None:
    """What is not as the table says; ``None``: nothing. Nothing stays of the request."""
    wanted = expected(row, persona, world.cast)
    body, headers = world.fill(row.body, persona), world.fill(dict(row.headers), persona)
    client, path = ApiClient(persona), world.path(row, persona)
    with transaction.atomic():
        if row.server:
            before = world.fill(dict(row.server), persona)
            Instance.objects.filter(pk=world.server.pk).update(**before)
        with CaptureQueriesContext(connection) as seen:
            answer = client.send(row.method, path, body, microversion=row.version, headers=headers)
        transaction.set_rollback(True)
    if answer.status != wanted:
        return f"{answer.status} instead of {wanted}: {answer.content[:160]!r}"
    written = [entry["sql"] for entry in seen if WRITES.search(entry["sql"])]
    if wanted in (401, 403, 404) and written:
        return f"refused, but it has written: {written[0][:160]}"
    return None
