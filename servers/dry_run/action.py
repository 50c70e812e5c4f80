"""Tries an action on a server: the fault that it would meet, or where the server would go."""

from __future__ import annotations

from collections.abc import Callable

from procrastinate.contrib.django.models import ProcrastinateJob

from compute_site.caller import Caller
from compute_site.faults import Fault
from servers.dry_run.trial import Trial, compare_usage, read_outcome, undone, usage_of
from servers.lifecycle.jobs import PlaceMove
from servers.models import Instance
from servers.moves.place import place_move


def try_action(caller: Caller, instance: Instance, run: Callable[[], object]) -> Trial:
    """Run the action and, where it moves the server, the search for its host; and undo both."""
    try:
        return undone(lambda: _run_and_place(caller, instance, run))
    except Fault as fault:
        return Trial(faults=[fault])


def _run_and_place(caller: Caller, instance: Instance, run: Callable[[], object]) -> Trial:
    project_id = instance.project_id
    before = usage_of(project_id)
    run()
    after = usage_of(project_id)
    quota = compare_usage(project_id, caller.user_id, before, after)
    waiting = ProcrastinateJob.objects.filter(
        task_name=PlaceMove.task_name, status="todo", args__server_id=str(instance.uuid)
    )
    job = waiting.order_by("-id").first()
    if job is None:
        return Trial(quota=quota)
    refused = place_move(PlaceMove.from_arguments(job.args))
    report, _ = read_outcome([instance.pk])
    return Trial(
        quota=quota, report=report, misplaced=refused.detail if refused is not None else None
    )
