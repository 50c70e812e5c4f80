"""Finds jobs of lost workers, and builds, deletions and moves without a job."""

from __future__ import annotations

import datetime as dt
import logging

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from procrastinate.jobs import Status

from compute_site.db.locks import Kind
from compute_site.faults import Fault
from servers.actions.perform import give_up
from servers.build.failure import fail
from servers.build.unplaced import fail_unplaced
from servers.build.waiting import lock_request
from servers.lifecycle.actions import BY_TASK
from servers.lifecycle.companions import JOB_KEYS
from servers.lifecycle.jobs import (
    GIVE_BACKS,
    MOVES,
    BuildServer,
    DeleteServer,
    Job,
    PerformAction,
    ScheduleAndBuild,
    UnshelveServer,
    defer_all,
    job_manager,
)
from servers.models import (
    Instance,
    Migration,
    MigrationStatus,
    TaskState,
    VmState,
)
from servers.moves.failure import end_lost_move

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5.0
"""How often a worker writes its heartbeat."""

LOST_AFTER_SECONDS = 25.0
"""A worker without a heartbeat for so long counts as dead, and its jobs as lost."""

BEGIN_SECONDS = 10.0
"""How long a worker may take from the moment it has a job to the lock that it holds while it works
on it."""

MAX_ATTEMPTS = 30
"""So that a job of which its worker dies each time ends at last."""

NEVER_GIVEN_UP = frozenset(kind.task_name for kind in GIVE_BACKS)
"""If these tasks were given up, other services would keep things for servers that are gone."""

KEEP_JOBS_HOURS = 72

# A job at work: waiting, or running. Its arguments name the server or the whole reservation.
AT_WORK = """
    SELECT args ->> 'server_id', args ->> 'reservation_id' FROM procrastinate_jobs
    WHERE status IN ('todo', 'doing') AND task_name = ANY(%s)
"""

# A worker holds a lock for each job that it runs. A running job without a lock is lost: its worker
# died, or could not write how the job ended.
LOST_JOBS = """
    SELECT job.id, job.task_name, job.attempts
    FROM procrastinate_jobs AS job
    LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
    WHERE job.status = 'doing'
        AND (
            worker.last_heartbeat IS NULL
            OR worker.last_heartbeat < now() - make_interval(secs => %(silent)s)
            OR now() - make_interval(secs => %(begin)s) > (
                SELECT max(event.at) FROM procrastinate_events AS event
                WHERE event.job_id = job.id AND event.type = 'started'
            )
        )
        AND NOT EXISTS (
            SELECT FROM pg_locks AS held
            JOIN pg_database AS here ON here.oid = held.database
            WHERE held.locktype = 'advisory' AND here.datname = current_database()
                AND held.classid = %(kind)s AND held.objid = job.id %% %(keys)s AND held.granted
        )
    FOR UPDATE OF job SKIP LOCKED
"""


class BuildLost(Fault):
    """No job is at work on the build any more; the text says since when."""

    code = "build_lost"


def retry_lost_jobs(seconds: float = LOST_AFTER_SECONDS) -> int:
    """Queue the jobs again that nobody works on; their number. A worker that was silent for that
    long begins with no job any more.
    """
    with transaction.atomic():
        lost = _find_lost_jobs(seconds)
        for job_id, task, attempts in lost:
            logger.warning("nobody works on job %s (%s) any more", job_id, task)
            if attempts + 1 < MAX_ATTEMPTS or task in NEVER_GIVEN_UP:
                job_manager.retry_job_by_id(job_id, retry_at=timezone.now())
            else:
                finish = async_to_sync(job_manager.finish_job_by_id_async)
                finish(job_id, status=Status.FAILED, delete_job=False)
    async_to_sync(job_manager.prune_stalled_workers)(seconds)
    return len(lost)


def _find_lost_jobs(seconds: float) -> list[tuple[int, str, int]]:
    """Id, task and attempts of each; locked."""
    values = {"silent": seconds, "begin": BEGIN_SECONDS, "kind": Kind.JOB, "keys": JOB_KEYS}
    with connection.cursor() as cursor:
        cursor.execute(LOST_JOBS, values)
        return list(cursor.fetchall())


def fail_lost_builds() -> int:
    """End in ``error`` what is in ``building`` for too long with no job at work; their number."""
    limit: int = settings.OPTIONS.build_timeout_seconds
    overdue = list(
        Instance.objects.alive()
        .filter(
            vm_state=VmState.BUILDING, created_at__lt=timezone.now() - dt.timedelta(seconds=limit)
        )
        .exclude(task_state=TaskState.DELETING)
        .order_by()
    )
    if not overdue:
        return 0
    servers, reservations = _at_work(ScheduleAndBuild, BuildServer)
    lost = [
        instance
        for instance in overdue
        if str(instance.uuid) not in servers and instance.reservation_id not in reservations
    ]
    for instance in lost:
        _fail(instance, BuildLost(f"The server was not built within {limit} s."))
    return len(lost)


def resume_lost_deletions() -> int:
    """Queue the deletion of servers that are ``deleting`` with no job at work; their number."""
    deleting = Instance.objects.alive().filter(task_state=TaskState.DELETING).order_by()
    waiting = {str(server_id) for server_id in deleting.values_list("uuid", flat=True)}
    if not waiting:
        return 0
    lost = waiting - _at_work(DeleteServer)[0]
    defer_all([DeleteServer(server_id=server_id) for server_id in sorted(lost)])
    return len(lost)


def give_up_lost_actions() -> int:
    """Free servers from tasks that no job is at work on; their number. Moves have their own end."""
    limit = timezone.now() - dt.timedelta(seconds=LOST_AFTER_SECONDS)
    late = Instance.objects.alive().filter(task_state__in=BY_TASK, updated_at__lt=limit)
    busy = list(late.exclude(pk__in=Migration.objects.open().values("instance")).order_by())
    if not busy:
        return 0
    servers, _ = _at_work(PerformAction, UnshelveServer)
    lost = [instance for instance in busy if str(instance.uuid) not in servers]
    for instance in lost:
        action = BY_TASK[str(instance.task_state)]
        give_up(instance, action, "Nobody works on it any more.")
    return len(lost)


def end_lost_moves() -> int:
    """Free servers from moves that no job is at work on; their number."""
    limit = timezone.now() - dt.timedelta(seconds=LOST_AFTER_SECONDS)
    going_on = list(
        Migration.objects.open()
        .exclude(status=MigrationStatus.FINISHED)
        .filter(Q(updated_at__lt=limit) | Q(updated_at=None, created_at__lt=limit))
        .select_related("instance")
    )
    if not going_on:
        return 0
    servers, _ = _at_work(*MOVES)
    lost = [move for move in going_on if str(move.instance.uuid) not in servers]
    for move in lost:
        end_lost_move(move)
    return len(lost)


def purge_jobs() -> None:
    """Forget jobs that ended long ago, however they ended."""
    async_to_sync(job_manager.delete_old_jobs)(
        nb_hours=KEEP_JOBS_HOURS,
        include_failed=True,
        include_cancelled=True,
        include_aborted=True,
    )


def _at_work(*kinds: type[Job]) -> tuple[set[str], set[str]]:
    """Ids of servers and of reservations that jobs of these kinds are about."""
    with connection.cursor() as cursor:
        cursor.execute(AT_WORK, [[kind.task_name for kind in kinds]])
        rows = cursor.fetchall()
    return {server for server, _ in rows if server}, {group for _, group in rows if group}


def _fail(instance: Instance, fault: Fault) -> None:
    logger.warning("server %s: %s", instance.uuid, fault.detail)
    with transaction.atomic():
        requests = lock_request(instance.pk)
        if requests:
            fail_unplaced(requests, fault)
            return
    fail(instance, fault, host=instance.host)
