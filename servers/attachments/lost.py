"""Gives up changes whose jobs have failed for good: after errors, or with worker after worker."""

from __future__ import annotations

import json

from django.db import connection

from servers.attachments.begin import (
    ATTACH_INTERFACE,
    ATTACH_VOLUME,
    DETACH_INTERFACE,
    DETACH_VOLUME,
    SWAP_VOLUME,
)
from servers.attachments.on_host import give_up

CHANGES = {
    change.task: change
    for change in (
        ATTACH_VOLUME,
        DETACH_VOLUME,
        SWAP_VOLUME,
        ATTACH_INTERFACE,
        DETACH_INTERFACE,
    )
}

# The open event says that nobody has given the change up yet.
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
    """Undo what no job will finish; the number of changes."""
    with connection.cursor() as cursor:
        cursor.execute(FAILED, [list(CHANGES)])
        rows = cursor.fetchall()
    for task, text in rows:
        things = json.loads(text)
        server_id, request_id = things.pop("server_id"), things.pop("request_id")
        give_up(CHANGES[task], server_id, request_id, things)
    return len(rows)
