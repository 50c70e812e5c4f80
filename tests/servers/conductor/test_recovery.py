"""What was lost is found: jobs of dead workers, builds and deletions that nobody works on."""

from __future__ import annotations

import datetime as dt

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from servers.build.place import place_reservation
from servers.lifecycle.jobs import DeleteServer
from servers.models import (
    Allocation,
    BuildRequest,
    Instance,
    InstanceMapping,
    ServerFault,
    TaskState,
)
from servers.worker import recovery
from servers.worker.recovery import MAX_ATTEMPTS
from tests.world.hosts import make_host
from tests.world.jobs import queued, run_jobs
from tests.world.reservations import make_reservation, usage_of
from tests.world.worker_process import url_of_database, wait_until

pytestmark = pytest.mark.django_db


def execute(sql: str, *parameters: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def drop_jobs() -> None:
    execute("DELETE FROM procrastinate_jobs")


def take_job(seconds_ago: int) -> None:
    """A worker that was last seen so long ago has taken the job."""
    execute(
        "INSERT INTO procrastinate_workers (last_heartbeat)"
        " VALUES (now() - make_interval(secs => %s))",
        seconds_ago,
    )
    execute(
        "UPDATE procrastinate_jobs SET status = 'doing',"
        " worker_id = (SELECT max(id) FROM procrastinate_workers)"
    )


def begin_long_ago() -> None:
    """The jobs at work have begun so long ago that their workers must be at them."""
    execute("UPDATE procrastinate_events SET at = now() - interval '60 seconds'")


def make_overdue() -> Instance:
    [server] = make_reservation()
    Instance.objects.update(created_at=timezone.now() - dt.timedelta(seconds=601))
    return server


def test_the_job_of_a_silent_worker_is_queued_again() -> None:
    make_reservation()
    take_job(60)
    assert queued() == []
    assert recovery.retry_lost_jobs() == 1
    assert len(queued()) == 1


def test_the_job_of_a_worker_that_lives_is_left_alone() -> None:
    make_reservation()
    take_job(1)
    assert recovery.retry_lost_jobs() == 0
    assert queued() == []


def test_a_job_that_nobody_works_on_is_queued_again_whatever_its_worker_says() -> None:
    """Its worker lives, but could not write down that it was done or failed."""
    make_reservation()
    take_job(1)
    begin_long_ago()
    assert recovery.retry_lost_jobs() == 1
    assert len(queued()) == 1
    assert recovery.retry_lost_jobs() == 0


@pytest.mark.parametrize("seconds_ago", [1, 60])
def test_a_job_that_somebody_works_on_is_left_alone(seconds_ago: int) -> None:
    """Its worker may be silent: the lock is what counts."""
    make_reservation()
    take_job(seconds_ago)
    begin_long_ago()
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM procrastinate_jobs")
        [(job,)] = cursor.fetchall()
    with psycopg.connect(url_of_database()) as worker:
        worker.execute("SELECT pg_advisory_lock(7102, %s)", [job])
        assert recovery.retry_lost_jobs() == 0
    wait_until(lambda: recovery.retry_lost_jobs() == 1)


def test_a_job_that_kills_every_worker_is_given_up() -> None:
    make_reservation()
    execute("UPDATE procrastinate_jobs SET attempts = %s", MAX_ATTEMPTS - 1)
    take_job(60)
    assert recovery.retry_lost_jobs() == 1
    assert queued() == []


def test_an_overdue_build_that_was_never_placed_is_buried() -> None:
    server = make_overdue()
    drop_jobs()
    assert recovery.fail_lost_builds() == 1
    server.refresh_from_db()
    assert (server.vm_state, server.task_state) == ("error", None)
    assert InstanceMapping.objects.get(instance=server).cell.name == "cell0"
    assert "600 s" in ServerFault.objects.get(instance=server).message
    assert not BuildRequest.objects.exists()
    assert usage_of()["instances"] == 1


def test_an_overdue_build_on_a_host_gives_the_host_back() -> None:
    node = make_host()
    server = make_overdue()
    place_reservation(server.reservation_id)
    drop_jobs()
    assert recovery.fail_lost_builds() == 1
    server.refresh_from_db()
    assert (server.vm_state, server.host) == ("error", None)
    assert not Allocation.objects.exists()
    node.refresh_from_db()
    assert node.running_vms == 0
    assert recovery.fail_lost_builds() == 0


def test_an_overdue_build_with_a_job_at_work_is_left_alone() -> None:
    make_host()
    server = make_overdue()
    assert recovery.fail_lost_builds() == 0
    place_reservation(server.reservation_id)
    execute("DELETE FROM procrastinate_jobs WHERE task_name = 'servers.schedule_and_build'")
    assert recovery.fail_lost_builds() == 0
    run_jobs()
    server.refresh_from_db()
    assert server.vm_state == "active"


def test_a_build_that_is_not_overdue_is_left_alone() -> None:
    make_reservation()
    drop_jobs()
    assert recovery.fail_lost_builds() == 0


def test_a_deletion_that_nobody_works_on_is_taken_up() -> None:
    make_host()
    [server] = make_reservation()
    run_jobs()
    Instance.objects.update(task_state=TaskState.DELETING)
    assert recovery.resume_lost_deletions() == 1
    assert queued(DeleteServer.task_name) == [{"server_id": str(server.uuid)}]
    assert recovery.resume_lost_deletions() == 0
    run_jobs()
    server.refresh_from_db()
    assert server.vm_state == "deleted"


def test_jobs_that_ended_long_ago_are_forgotten() -> None:
    make_reservation(1)
    make_reservation(1)
    execute("UPDATE procrastinate_jobs SET status = 'failed'")
    execute(
        "UPDATE procrastinate_events SET at = now() - interval '100 hours'"
        " WHERE job_id = (SELECT min(id) FROM procrastinate_jobs)"
    )
    recovery.purge_jobs()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs")
        assert cursor.fetchone() == (1,)
