"""Gives up attachment changes whose jobs have failed for good."""

from __future__ import annotations

import json
import logging

from django.db import connection

from compute_site.faults import Unavailable
from servers.attachments.changes import CHANGES
from servers.attachments.on_host import give_up
from servers.lifecycle.jobs import AttachmentJob

logger = logging.getLogger(__name__)

# An open event means that the change was not given up yet.
FAILED = """
    SELECT job.task_name, job.args::text
    FROM procrastinate_jobs AS job
    JOIN servers_instance AS server
      ON server.uuid = (job.args ->> 'server_id')::uuid AND server.deleted_at IS NULL
    JOIN servers_instanceaction AS action
      ON action.instance_id = server.id AND action.request_id = job.args ->> 'request_id'
    JOIN servers_instanceactionevent AS event
      ON event.action_id = action.id AND event.finish_time IS NULL
    WHERE job.status = 'failed' AND job.task_name = ANY(%s)
"""


def give_up_lost_changes() -> int:
    """Undo changes that no job will finish; return their number."""
    kinds = {kind.task_name: kind for kind in CHANGES}
    with connection.cursor() as cursor:
        cursor.execute(FAILED, [list(kinds)])
        rows = cursor.fetchall()
    for task_name, arguments in rows:
        _give_up(kinds[task_name].from_arguments(json.loads(arguments)))
    return len(rows)


def _give_up(job: AttachmentJob) -> None:
    """If a service does not answer, the next round tries again."""
    try:
        give_up(job)
    except Unavailable as fault:
        logger.warning("%s is not given up yet: %s", job.task_name, fault.detail)
