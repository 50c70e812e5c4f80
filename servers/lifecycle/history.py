"""Writes the history of servers: an action for each request, and its events.

Times, results and names are those that ``/servers/{id}/os-instance-actions`` shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from compute_site.caller import Caller
from compute_site.db.prepared import array, prepared_cursor
from servers.models import Instance, InstanceAction, InstanceActionEvent

SUCCESS, ERROR = "Success", "Error"


def log_action(
    caller: Caller,
    instance: Instance,
    action: str,
    event: str,
    *,
    result: str = SUCCESS,
    details: str = "",
) -> None:
    """Write an action without a job, which begins and ends at once."""
    with transaction.atomic(savepoint=False):
        begin_action(instance, action, event, caller)
        finish_event(
            instance.pk, event, result=result, details=details, request_id=caller.request_id
        )


def begin_action(instance: Instance, action: str, event: str, caller: Caller) -> None:
    """Write the begin of the caller's action with its first event."""
    record = InstanceAction.objects.create(
        instance=instance,
        action=action,
        request_id=caller.request_id,
        user_id=caller.user_id,
        project_id=caller.project_id,
    )
    InstanceActionEvent.objects.create(action=record, event=event, host=instance.host)


def begin_actions(servers: Sequence[Instance], action: str, event: str, caller: Caller) -> None:
    """``begin_action`` for several servers."""
    records = InstanceAction.objects.bulk_create(
        InstanceAction(
            instance=server,
            action=action,
            request_id=caller.request_id,
            user_id=caller.user_id,
            project_id=caller.project_id,
        )
        for server in servers
    )
    InstanceActionEvent.objects.bulk_create(
        InstanceActionEvent(action=record, event=event, host=record.instance.host)
        for record in records
    )


def add_event(server: int, action: str, event: str, *, host: str | None) -> None:
    """Write the begin of a further event of the newest action of that name, unless it is there."""
    record = InstanceAction.objects.filter(instance=server, action=action).order_by("-pk").first()
    if record is not None:
        InstanceActionEvent.objects.get_or_create(
            action=record, event=event, defaults={"host": host}
        )


NOTE = """
    INSERT INTO servers_serverstep (instance_id, step, host, request_id, started_at)
    SELECT id, COALESCE(%(step)s, task_state, %(otherwise)s), COALESCE(%(host)s, host),
           %(request)s, %(now)s
    FROM servers_instance WHERE uuid = %(server)s::uuid AND deleted_at IS NULL
"""


def note_step(
    server_id: str,
    step: str | None,
    *,
    otherwise: str | None = None,
    host: str | None = None,
    request_id: str | None = None,
) -> None:
    """Write that a step of the work on a server begins now; without a name it is called like its
    task_state, or ``otherwise`` where it has none. ``host``: if it is not the server's.
    """
    values: dict[str, Any] = {
        "server": server_id,
        "step": step,
        "otherwise": otherwise,
        "host": host,
        "request": request_id,
        "now": timezone.now(),
    }
    with prepared_cursor() as cursor:
        cursor.execute(NOTE, values)


# The beginning of a statement; whoever uses it says of which servers.
FINISH = """
    closed AS (
        UPDATE servers_instanceactionevent AS event
        SET finish_time = %(now)s, result = %(result)s, details = %(details)s,
            traceback = %(traceback)s
        FROM servers_instanceaction AS action
        WHERE action.id = event.action_id AND action.instance_id = ANY({servers})
          AND event.event = ANY(%(events)s::text[]) AND event.finish_time IS NULL
          AND (%(request)s::text IS NULL OR action.request_id = %(request)s)
        RETURNING event.action_id
    ), told AS (
        UPDATE servers_instanceaction AS action
        SET updated_at = %(now)s, message = COALESCE(%(message)s, action.message)
        FROM closed WHERE action.id = closed.action_id
        RETURNING action.id
    )
"""
OF_SERVERS = "WITH" + FINISH.format(servers="%(servers)s::bigint[]") + "SELECT id FROM told"  # noqa: S608


def outcome_values(
    result: str, events: Sequence[str], *, details: str = "", traceback: str = ""
) -> dict[str, Any]:
    """The values of ``FINISH``, but for the time and the request."""
    return {
        "events": array(events),
        "result": result,
        "details": details or None,
        "traceback": traceback or None,
        "message": ERROR if result == ERROR else None,
        "request": None,
    }


def finish_event(
    server: int,
    event: str,
    *,
    result: str,
    details: str = "",
    traceback: str = "",
    request_id: str | None = None,
) -> bool:
    """Close the open event of this kind and update its action, in one statement. With
    ``request_id``, only the event of that request, for kinds of which several can be open.
    ``False``: none was open.
    """
    return finish_events(
        server,
        [event],
        result=result,
        details=details,
        traceback=traceback,
        request_id=request_id,
    )


def finish_events(
    server: int,
    events: Sequence[str],
    *,
    result: str,
    details: str = "",
    traceback: str = "",
    request_id: str | None = None,
) -> bool:
    """``finish_event`` for events of several kinds."""
    return _finish(
        [server],
        events,
        result=result,
        details=details,
        traceback=traceback,
        request_id=request_id,
    )


def finish_event_of_all(servers: Sequence[int], event: str, *, result: str) -> bool:
    """``finish_event`` for several servers."""
    return _finish(servers, [event], result=result)


def _finish(
    servers: Sequence[int],
    events: Sequence[str],
    *,
    result: str,
    details: str = "",
    traceback: str = "",
    request_id: str | None = None,
) -> bool:
    values = outcome_values(result, events, details=details, traceback=traceback)
    values |= {"now": timezone.now(), "servers": array(servers), "request": request_id}
    with prepared_cursor() as cursor:
        cursor.execute(OF_SERVERS, values)
        return bool(cursor.fetchall())
