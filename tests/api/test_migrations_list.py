"""``/os-migrations``: nothing moves servers, but what is asked is read."""

from __future__ import annotations

import pytest

from tests.cast import ALPHA, BETA
from tests.client import ApiClient


@pytest.mark.parametrize(
    ("client", "statuses"),
    [
        ("as_reader", (403, 403, 403)),
        ("as_member", (403, 403, 403)),
        ("as_manager", (200, 403, 403)),
        ("as_admin", (200, 200, 200)),
    ],
)
def test_who_may_list_the_moves_of_servers(
    client: str, statuses: tuple[int, int, int], request: pytest.FixtureRequest
) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    for query, status in zip(
        (f"?project_id={ALPHA}", f"?project_id={BETA}", ""), statuses, strict=True
    ):
        answer = caller.get(f"/os-migrations{query}", microversion="2.80").expect(status)
        assert status == 403 or answer.json == {"migrations": []}


@pytest.mark.parametrize(
    ("microversion", "query", "status"),
    [
        ("2.58", "nosuch=1&limit=x&marker=x", 200),
        ("2.59", "nosuch=1", 400),
        ("2.59", "limit=x", 400),
        ("2.59", "marker=x", 400),
        ("2.59", "limit=1&status=done&host=host1", 200),
        ("2.59", "changes-since=yesterday", 400),
        ("2.65", "changes-before=2026-01-01T00:00:00Z", 400),
        ("2.66", "changes-before=2026-01-01T00:00:00Z", 200),
        ("2.66", "changes-since=2026-01-02&changes-before=2026-01-01", 400),
        ("2.79", f"project_id={ALPHA}", 400),
    ],
)
def test_what_may_be_asked(as_admin: ApiClient, microversion: str, query: str, status: int) -> None:
    as_admin.get(f"/os-migrations?{query}", microversion=microversion).expect(status)
