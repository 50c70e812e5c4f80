"""Every POST of the compute API can be sent again with its ``Idempotency-Key``."""

from __future__ import annotations

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from servers.models import Instance
from tests.doors.table import ROWS, Row
from tests.doors.test_roles import WRITES
from tests.doors.world import World
from tests.world.cast import Cast
from tests.world.client import ApiClient

REPEATED = [
    entry
    for entries in ROWS.values()
    for entry in entries
    if entry.method == "POST" and entry.path.startswith("/compute/") and entry.status < 300
]


def test_every_post_is_done_once(cast: Cast) -> None:
    world = World(cast)
    problems = [f"{entry}: {problem}" for entry in REPEATED if (problem := try_twice(world, entry))]
    assert not problems, "\n".join(problems)
    assert len(REPEATED) > 50


def try_twice(world: World, entry: Row) -> str | None:
    """What is not as it should be. Nothing stays of the requests."""
    persona = next(p for p in world.cast.personas if p.role == entry.role)
    client, path = ApiClient(persona), world.path(entry, persona)
    body = world.fill(entry.body, persona)
    headers = {**world.fill(dict(entry.headers), persona), "Idempotency-Key": "key"}
    with transaction.atomic():
        if entry.server:
            before = world.fill(dict(entry.server), persona)
            Instance.objects.filter(pk=world.server.pk).update(**before)
        first = client.post(path, body, microversion=entry.version, headers=headers)
        with CaptureQueriesContext(connection) as seen:
            again = client.post(path, body, microversion=entry.version, headers=headers)
        transaction.set_rollback(True)
    if first.status != entry.status:
        return f"{first.status} instead of {entry.status}: {first.content[:200]!r}"
    if (again.status, again.content) != (first.status, first.content):
        return f"then {again.status}: {again.content[:200]!r}"
    if again.headers.get("Idempotent-Replayed") != "true":
        return "it was done twice"
    written = [query["sql"] for query in seen if WRITES.search(query["sql"])]
    return f"it has written: {written[0][:200]}" if written else None
