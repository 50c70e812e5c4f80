"""A worker in a process of its own: it builds, it ends well, and it may be killed."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from django.db import connection
from django.utils import timezone
from psycopg.errors import QueryCanceled, RaiseException

from servers.models import BuildRequest, ComputeNode, Consumer, Instance, ServerFault, Service
from servers.worker import recovery
from tests.world.factories import make_network
from tests.world.hosts import make_host
from tests.world.reservations import make_reservation
from tests.world.worker_process import wait_until, worker_process

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("cast")]


def states() -> list[tuple[str, str | None]]:
    return list(Instance.objects.order_by("pk").values_list("vm_state", "task_state"))


def all_active() -> bool:
    return set(states()) == {("active", None)}


def job_states() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT status, count(*) FROM procrastinate_jobs GROUP BY status")
        return dict(cursor.fetchall())


def test_it_builds_what_comes_and_shows_itself_among_the_services(tmp_path: Path) -> None:
    make_host(vcpus=100)
    log = tmp_path / "log"
    with worker_process(log) as process:
        make_reservation(3, networks=[{"network_id": str(make_network().pk)}])
        wait_until(all_active, log)
        shown = Service.objects.exclude(binary="nova-compute")
        wait_until(lambda: shown.count() == 2, log)
        assert all(service.is_up for service in shown)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert job_states().get("failed", 0) == 0


def test_told_to_stop_it_finishes_what_it_has_begun(tmp_path: Path) -> None:
    make_host()
    make_reservation(1)
    log = tmp_path / "log"
    with worker_process(log, FAKE_DRIVER_DELAY_SECONDS="1.5") as process:
        wait_until(lambda: ("building", "spawning") in states(), log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert all_active()


def test_killed_in_the_middle_of_a_build_the_next_worker_finishes_it(tmp_path: Path) -> None:
    node = make_host()
    [server] = make_reservation(1, networks=[{"network_id": str(make_network().pk)}])
    log = tmp_path / "log"
    with worker_process(log, FAKE_DRIVER_DELAY_SECONDS="60") as process:
        wait_until(lambda: ("building", "networking") in states(), log)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(30)
    wait_until(lambda: recovery.retry_lost_jobs(seconds=0) > 0, log)
    assert "doing" not in job_states()
    with worker_process(log):
        wait_until(all_active, log)
    assert Consumer.objects.filter(instance=server).count() == 1
    assert not BuildRequest.objects.exists()
    node.refresh_from_db()
    assert node.running_vms == ComputeNode.objects.get().running_vms == 1


REFUSE_ONCE = """
    CREATE SEQUENCE refusals;
    CREATE FUNCTION refuse_once() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF nextval('refusals') = 1 THEN
            RAISE 'not now' USING ERRCODE = '{code}';
        END IF;
        RETURN OLD;
    END $$;
    CREATE TRIGGER refuse_once BEFORE DELETE ON procrastinate_jobs FOR EACH ROW
        WHEN (OLD.task_name = 'servers.build_server') EXECUTE FUNCTION refuse_once();
"""
ADMIT = """
    DROP TRIGGER refuse_once ON procrastinate_jobs;
    DROP FUNCTION refuse_once;
    DROP SEQUENCE refusals;
"""


@contextlib.contextmanager
def refusing_once(code: str) -> Iterator[None]:
    """The database refuses to end a build's job, once."""
    with connection.cursor() as cursor:
        cursor.execute(REFUSE_ONCE.format(code=code))
    yield
    with connection.cursor() as cursor:
        cursor.execute(ADMIT)


def builds() -> list[str]:
    """The states of the jobs of builds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT status FROM procrastinate_jobs WHERE task_name = 'servers.build_server'"
        )
        return [status for (status,) in cursor.fetchall()]


def test_the_end_of_a_job_is_written_again_where_the_database_refuses_it(tmp_path: Path) -> None:
    make_host()
    log = tmp_path / "log"
    with refusing_once(QueryCanceled.sqlstate), worker_process(log) as process:
        make_reservation(1)
        wait_until(lambda: all_active() and builds() == [], log)
        assert process.poll() is None


def test_a_job_whose_end_was_lost_is_found_while_its_worker_lives(tmp_path: Path) -> None:
    make_host()
    log = tmp_path / "log"
    with refusing_once(RaiseException.sqlstate), worker_process(log) as process:
        make_reservation(1)
        wait_until(lambda: all_active() and builds() == ["doing"], log)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE procrastinate_events SET at = now() - interval '60 seconds'")
        wait_until(lambda: recovery.retry_lost_jobs() == 1 or builds() != ["doing"], log)
        wait_until(lambda: builds() == [], log)
        assert process.poll() is None
    assert all_active()


def test_its_periodic_tasks_end_builds_that_nobody_works_on(tmp_path: Path) -> None:
    [server] = make_reservation(1)
    Instance.objects.update(created_at=timezone.now() - dt.timedelta(days=1))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")
    log = tmp_path / "log"
    with worker_process(log):
        wait_until(lambda: states() == [("error", None)], log)
    assert "600 s" in ServerFault.objects.get(instance=server).message
    assert job_states().get("failed", 0) == 0


def test_it_survives_the_loss_of_all_its_connections(tmp_path: Path) -> None:
    make_host()
    log = tmp_path / "log"
    with worker_process(log) as process:
        make_reservation(1)
        wait_until(all_active, log)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        make_reservation(2)
        wait_until(lambda: all_active() and len(states()) == 3, log)
        assert process.poll() is None


def test_of_several_processes_a_killed_one_is_replaced_and_all_end_when_told(
    tmp_path: Path,
) -> None:
    make_host(vcpus=100)
    log = tmp_path / "log"
    with worker_process(log, processes=2) as process:
        wait_until(lambda: len(children(process)) == 2, log)
        make_reservation(3, networks=[{"network_id": str(make_network().pk)}])
        wait_until(all_active, log)
        killed, spared = children(process)
        killed.kill()
        wait_until(lambda: "was killed by SIGKILL" in log.read_text(), log)
        wait_until(lambda: killed not in children(process) and len(children(process)) == 2, log)
        assert spared in children(process)
        left = children(process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert not any(child.is_running() for child in left)


def children(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children()


def test_without_a_database_it_waits_and_still_ends_when_told(tmp_path: Path) -> None:
    log = tmp_path / "log"
    nowhere = f"postgresql:///nothing?host={tmp_path}"
    with worker_process(log, database_url=nowhere) as process:
        wait_until(lambda: "no database" in log.read_text(), log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_a_queue_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with worker_process(log, "--queues", "conductor,kitchen") as process:
        assert process.wait(30) != 0
    assert "kitchen" in log.read_text()
