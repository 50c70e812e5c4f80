"""Defers jobs on Django's own connection, so that a job exists exactly when its rows do.

Inside a worker the tasks' own ``defer`` would use the worker's connections, outside of the
transaction that writes the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.jobs import Job
from procrastinate.manager import JobManager

CONDUCTOR = "conductor"
"""The queue of decisions: where servers go, what became of lost jobs."""

COMPUTE = "compute"
"""The queue of work on hosts."""

SCHEDULE_AND_BUILD = "servers.schedule_and_build"
BUILD_SERVER = "servers.build_server"
DELETE_SERVER = "servers.delete_server"
RELEASE_SERVICES = "servers.release_services"
PERFORM_ACTION = "servers.perform_action"
UNSHELVE_SERVER = "servers.unshelve_server"
ATTACH_VOLUME = "servers.attach_volume"
DETACH_VOLUME = "servers.detach_volume"
SWAP_VOLUME = "servers.swap_volume"
ATTACH_INTERFACE = "servers.attach_interface"
DETACH_INTERFACE = "servers.detach_interface"
PLACE_MOVE = "servers.place_move"
MOVE_SERVER = "servers.move_server"
CONFIRM_RESIZE = "servers.confirm_resize"
REVERT_RESIZE = "servers.revert_resize"
MIGRATE_LIVE = "servers.migrate_live"
EVACUATE = "servers.evacuate"
MOVES = (PLACE_MOVE, MOVE_SERVER, CONFIRM_RESIZE, REVERT_RESIZE, MIGRATE_LIVE, EVACUATE)
"""What takes servers to other hosts, and back."""

job_manager = JobManager(DjangoConnector())


def defer(task: str, *, queue: str, jobs: Sequence[dict[str, Any]]) -> None:
    """Defer one job for each set of arguments, in one statement."""
    if not jobs:
        return
    job_manager.batch_defer_jobs(
        [
            Job(
                id=None,
                queue=queue,
                lock=None,
                queueing_lock=None,
                task_name=task,
                task_kwargs=arguments,
            )
            for arguments in jobs
        ]
    )
