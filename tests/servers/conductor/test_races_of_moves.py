"""Moves at once: no host is filled beyond its room, and everything happens once."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable

import pytest

from servers.lifecycle.jobs import PlaceMove
from servers.models import Allocation, Consumer, Instance, Migration
from servers.moves.place import place_move
from tests.world.cast import Cast, Persona
from tests.world.client import ApiClient
from tests.world.hosts import make_host
from tests.world.jobs import queued, run_jobs
from tests.world.moving import (
    Rack,
    assert_books_balance,
    confirm,
    held_on,
    in_use,
    resize,
    revert,
    state,
)
from tests.world.orders import limit
from tests.world.threads import run_at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("cast")]


@pytest.fixture
def member() -> ApiClient:
    return ApiClient(Cast.member)


def statuses(*requests: Callable[[ApiClient], int], persona: Persona = Cast.member) -> list[int]:
    """What was answered to requests that were sent at once."""
    outcomes = run_at_once([functools.partial(send, ApiClient(persona)) for send in requests])
    assert not [error for error in outcomes if isinstance(error, Exception)]
    return sorted(outcome for outcome in outcomes if isinstance(outcome, int))


def test_two_conductors_share_the_last_room(member: ApiClient) -> None:
    """Four servers want to be larger, and there is room for two."""
    limit("cores", -1)
    rack = Rack(vcpus=1)
    servers = [rack.server(member) for _ in range(4)]
    spare = make_host("host3", vcpus=4, memory_mb=10**6, cpu_allocation_ratio=2)
    for server in servers:
        resize(member, server, rack.large).expect(202)
    jobs = queued("servers.place_move")
    assert len(jobs) == 4
    run_at_once([functools.partial(place_move, PlaceMove.from_arguments(job)) for job in jobs])
    assert Migration.objects.open().count() == 2
    for node in (*rack.hosts, spare):
        held_on(node)
        assert node.free_vcpus >= 0
    run_jobs()
    assert Counter(Instance.objects.values_list("vm_state", flat=True)) == {
        "resized": 2,
        "active": 2,
    }
    assert_books_balance()


def test_a_move_is_placed_once(member: ApiClient) -> None:
    rack = Rack()
    server = rack.server(member)
    resize(member, server, rack.large).expect(202)
    [job] = queued("servers.place_move")
    place = functools.partial(place_move, PlaceMove.from_arguments(job))
    assert run_at_once([place] * 4) == [None] * 4
    assert Consumer.objects.count() == 2
    assert len(queued("servers.move_server")) == 1


def test_one_of_several_resizes_wins(member: ApiClient) -> None:
    rack = Rack()
    server = rack.server(member)
    found = statuses(*[lambda client: resize(client, server, rack.large).status] * 6)
    assert found == [202, 409, 409, 409, 409, 409]
    assert in_use("cores") == 4
    assert Migration.objects.count() == 1
    run_jobs()
    assert state(server) == ("resized", None)
    assert_books_balance()


def test_one_verdict_wins(member: ApiClient) -> None:
    rack = Rack()
    server = rack.server(member)
    resize(member, server, rack.large).expect(202)
    run_jobs()
    found = statuses(
        *[lambda client: confirm(client, server).status] * 3,
        *[lambda client: revert(client, server).status] * 3,
    )
    assert len([status for status in found if status < 300]) == 1
    assert set(found) <= {202, 204, 400, 409}
    run_jobs()
    assert state(server) == ("active", None)
    assert_books_balance()


def test_the_last_cores_go_to_one_resize(member: ApiClient) -> None:
    rack = Rack()
    servers = [rack.server(member) for _ in range(3)]
    limit("cores", 6)  # three are in use, and each wants three more
    found = statuses(
        *(
            lambda client, server=server: resize(client, server, rack.large).status
            for server in servers
        )
    )
    assert found == [202, 403, 403]
    assert in_use("cores") == 6
    assert_books_balance()


def test_resizing_placing_and_deleting_at_once(member: ApiClient) -> None:
    rack = Rack()
    servers = [rack.server(member) for _ in range(2)]
    found = statuses(
        *(
            lambda client, server=server: resize(client, server, rack.large).status
            for server in servers
        ),
        *(
            lambda client, server=server: client.delete(f"/servers/{server.uuid}").status
            for server in servers
        ),
    )
    assert set(found) <= {202, 204, 404, 409}
    outcomes = run_at_once([run_jobs, run_jobs, run_jobs])
    assert not [error for error in outcomes if isinstance(error, Exception)]
    run_jobs()
    assert set(Instance.objects.values_list("vm_state", flat=True)) == {"deleted"}
    assert not Allocation.objects.exists()
    assert (in_use("instances"), in_use("cores"), in_use("ram")) == (0, 0, 0)
    assert_books_balance()


def test_deleting_while_workers_move(member: ApiClient) -> None:
    rack = Rack()
    for step in (None, confirm, revert):
        server = rack.server(member)
        resize(member, server, rack.large).expect(202)
        if step is not None:
            run_jobs()
            step(member, server)
        delete = functools.partial(ApiClient(Cast.member).delete, f"/servers/{server.uuid}")
        at_once: list[Callable[[], object]] = [run_jobs, run_jobs, delete]
        outcomes = run_at_once(at_once)
        assert not [error for error in outcomes if isinstance(error, Exception)]
        run_jobs()
        assert state(server) == ("deleted", None)
        assert not Allocation.objects.exists()
        assert in_use("cores") == 0
        assert_books_balance()
