"""Reads the actions of servers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Prefetch

from servers.errors import MarkerNotFound, NoSuchItem
from servers.models import Instance, InstanceAction


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ActionQuery:
    """The filters of a list of actions, the newest first; the marker is a request id."""

    limit: int | None = None
    marker: str | None = None
    changes_since: datetime | None = None
    changes_before: datetime | None = None


def list_actions(
    instance: Instance, query: ActionQuery, prefetch: Sequence[Prefetch[Any]] = ()
) -> Sequence[InstanceAction]:
    """The page of the server's actions.

    Raises:
        MarkerNotFound: the server has no action of that request.
    """
    actions = InstanceAction.objects.filter(instance=instance).prefetch_related(*prefetch)
    page = actions
    if query.changes_since is not None:
        page = page.filter(updated_at__gte=query.changes_since)
    if query.changes_before is not None:
        page = page.filter(updated_at__lte=query.changes_before)
    if query.limit == 0:
        return []
    if query.marker is not None:
        last = actions.filter(request_id=query.marker).order_by("-pk").first()
        if last is None:
            raise MarkerNotFound(f"There is no action {query.marker[:64]!r} to go on from.")
        page = page.filter(pk__lt=last.pk)
    return list(page.order_by("-pk")[: query.limit])


def find_action(instance: Instance, request_id: str) -> InstanceAction:
    """The action of the request, with its events.

    Raises:
        NoSuchItem: there is none.
    """
    action = (
        InstanceAction.objects.filter(instance=instance, request_id=request_id)
        .prefetch_related("events")
        .first()
    )
    if action is None:
        raise NoSuchItem(f"No request {request_id[:64]!r} asked anything of {instance.uuid}.")
    return action
