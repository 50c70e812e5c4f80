"""The history of a server with the steps of each action, and how long each of them took."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Sequence

from django.db.models import Prefetch
from django.utils import timezone

from servers.lifecycle.action_log import ActionQuery, list_actions
from servers.lifecycle.history import ERROR, SUCCESS
from servers.models import BuildRequest, Instance, InstanceAction, InstanceActionEvent, ServerStep
from servers.models.server_step import QUEUED

CREATE, RETRY = "create", "retryBuild"
NOT_APART, CLOCKS_APART = dt.timedelta(), dt.timedelta(seconds=2)
"""Workers and web processes may run on machines whose clocks differ by so much."""
MOST_STEPS = 1000
"""Of a server, the newest; who tries again and again for days leaves many."""


EVENTS = Prefetch("events", InstanceActionEvent.objects.order_by("pk"))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """``end`` ``None``: it has not ended."""

    begin: dt.datetime
    end: dt.datetime | None

    @property
    def seconds(self) -> float:
        """How long it took, or takes until now. The clocks of two machines may differ."""
        return max(0.0, ((self.end or timezone.now()) - self.begin).total_seconds())


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StepTaken(Span):
    """A step of an action."""

    step: str
    host: str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ActionTaken(Span):
    """An action from the request to its end. ``result`` is empty while it is at work."""

    action: str
    request_id: str
    user_id: str
    project_id: str
    result: str | None
    steps: Sequence[StepTaken] = ()


def read_history(instance: Instance, query: ActionQuery) -> list[ActionTaken]:
    """The actions of the page, the newest first, each with its steps in their order.

    Raises:
        MarkerNotFound: the server has no action of that request.
    """
    actions = list_actions(instance, query, prefetch=(EVENTS,))
    waiting = [] if query.marker else _waiting_builds(instance)
    return [*waiting, *time_actions(instance, actions)][: query.limit]


def time_actions(instance: Instance, actions: Sequence[InstanceAction]) -> list[ActionTaken]:
    """Actions of the server with their steps. They come with their events, the newest first."""
    taken = [_taken(instance, action, actions) for action in actions]
    newest = ServerStep.objects.filter(instance=instance).order_by("-pk")[:MOST_STEPS]
    marks: dict[int, list[ServerStep]] = {}
    for mark in reversed(newest):
        owner = _owner(mark, taken)
        if owner is not None:
            marks.setdefault(owner, []).append(mark)
    return [
        dataclasses.replace(action, steps=tuple(_steps(action, marks.get(number, ()))))
        for number, action in enumerate(taken)
    ]


def _waiting_builds(instance: Instance) -> list[ActionTaken]:
    """The creation of a server for which nobody has looked for a host yet: it has no action."""
    requests = BuildRequest.objects.filter(instance=instance).only("request_id", "created_at")
    return [
        ActionTaken(
            action=CREATE,
            request_id=request.request_id,
            user_id=str(instance.user_id),
            project_id=str(instance.project_id),
            begin=request.created_at,
            end=None,
            result=None,
            steps=(StepTaken(step=QUEUED, host=None, begin=request.created_at, end=None),),
        )
        for request in requests
    ]


def _taken(
    instance: Instance, action: InstanceAction, actions: Sequence[InstanceAction]
) -> ActionTaken:
    events = list(action.events.all())
    ends = [event.finish_time for event in events if event.finish_time is not None]
    is_over = bool(ends) and len(ends) == len(events)
    failed = bool(events) and events[-1].result == ERROR
    return ActionTaken(
        action=action.action,
        request_id=action.request_id,
        user_id=action.user_id,
        project_id=action.project_id,
        begin=_begin(instance, action, actions),
        end=max(ends) if is_over else None,
        result=(ERROR if failed else SUCCESS) if is_over else None,
    )


def _begin(
    instance: Instance, action: InstanceAction, actions: Sequence[InstanceAction]
) -> dt.datetime:
    """The time of the request. A creation is written when a host was found, or none: it began with
    the server, or with the last request to try again.
    """
    if action.action != CREATE:
        return action.start_time
    again = [one.start_time for one in actions if one.action == RETRY and one.pk < action.pk]
    return max(again, default=instance.created_at)


def _owner(mark: ServerStep, actions: Sequence[ActionTaken]) -> int | None:
    """The number of the action that the step belongs to: of those at work then, the newest."""
    if mark.request_id is not None:
        requests = [action.request_id for action in actions]
        return requests.index(mark.request_id) if mark.request_id in requests else None
    for apart in (NOT_APART, CLOCKS_APART):
        for number, action in enumerate(actions):
            end = action.end or mark.started_at
            if action.begin - apart <= mark.started_at <= end + apart:
                return number
    return None


def _steps(action: ActionTaken, marks: Sequence[ServerStep]) -> Iterator[StepTaken]:
    """From mark to mark. What comes before the first one is the time until a worker had time."""
    if not marks:
        return
    first = marks[0].started_at
    yield StepTaken(step=QUEUED, host=None, begin=action.begin, end=first)
    ends = [*(mark.started_at for mark in marks[1:]), action.end]
    for mark, end in zip(marks, ends, strict=True):
        yield StepTaken(step=mark.step, host=mark.host, begin=mark.started_at, end=end)
