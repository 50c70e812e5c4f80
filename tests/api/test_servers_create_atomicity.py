"""``POST /servers``: all or nothing, wherever it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError, connection

from compute_site.neighbours.volume.models import Attachment, Volume
from quotas.models import Usage
from servers.models import (
    BuildRequest,
    Instance,
    InstanceMapping,
    RequestSpec,
    ServerGroup,
    ServerGroupMember,
)
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.factories import make_network, make_volume
from tests.world.jobs import queued
from tests.world.orders import Shop

pytestmark = pytest.mark.django_db(transaction=True)

TABLES = (Instance, RequestSpec, BuildRequest, InstanceMapping, ServerGroupMember, Attachment)


class Broken(OperationalError):
    """What the database says in place of an answer."""


class FailAt:
    """Lets statements pass up to a number, and fails the next one, before or after it was run."""

    def __init__(self, number: int, *, after: bool) -> None:
        self.number = number
        self.after = after
        self.seen = 0

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        self.seen += 1
        if self.seen != self.number:
            return execute(sql, params, many, context)
        if self.after:
            execute(sql, params, many, context)
        raise Broken(sql[:80])


@pytest.fixture
def order(shop: Shop, cast: Cast) -> dict[str, Any]:
    """An order that touches everything a create request can touch."""
    group = ServerGroup.objects.create(
        name="g", policy="affinity", project=cast.alpha, user_id=cast.member.user_id
    )
    return {
        "hints": {"group": str(group.uuid)},
        "networks": [{"uuid": str(make_network().pk)}],
        "metadata": {"a": "b"},
        "tags": ["blue"],
        "block_device_mapping_v2": [
            shop.root(),
            {
                "source_type": "volume",
                "destination_type": "volume",
                "uuid": str(make_volume().pk),
                "boot_index": -1,
            },
        ],
    }


def send_failing(
    shop: Shop, client: ApiClient, order: dict[str, Any], number: int, *, after: bool
) -> int | None:
    """The status, or ``None`` when there were fewer statements than ``number``."""
    failure = FailAt(number, after=after)
    with connection.execute_wrapper(failure):
        answer = shop.order(client, **order)
    return None if failure.seen < number else answer.status


def assert_nothing_is_left() -> None:
    for table in TABLES:
        assert not table.objects.exists(), table
    assert set(Usage.objects.values_list("in_use", flat=True)) <= {0}
    assert set(Volume.objects.values_list("status", flat=True)) == {"available"}
    assert queued() == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_failure_at_any_statement_leaves_nothing(
    shop: Shop, as_member: ApiClient, order: dict[str, Any], *, after: bool
) -> None:
    as_member.http.raise_request_exception = False
    failed = 0
    for number in range(1, 100):
        status = send_failing(shop, as_member, order, number, after=after)
        if status is None:
            break
        assert status == 503
        assert_nothing_is_left()
        failed += 1
    assert failed > 15
    assert Instance.objects.count() == 1
    assert Volume.objects.get().status == "reserved"
    assert len(queued()) == 1


def test_a_process_that_dies_before_the_end_leaves_nothing(
    shop: Shop, as_member: ApiClient, order: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any, **__: Any) -> None:
        raise SystemExit(1)

    monkeypatch.setattr("servers.lifecycle.jobs.send_later", die)
    with pytest.raises(SystemExit):
        shop.order(as_member, **order)
    assert_nothing_is_left()
