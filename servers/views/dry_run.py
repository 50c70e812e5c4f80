"""``/servers/dry-run`` and ``/servers/{id}/dry-run``: what a request would do."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from rest_framework.response import Response

from compute_site.api import demo
from compute_site.api.microversions.contract import Contract
from compute_site.api.view import ComputeRequest, ComputeView
from compute_site.caller import PolicyRefused
from compute_site.faults import BadRequest, Fault, InvalidBody, OverLimit
from servers.dry_run.action import try_action
from servers.dry_run.create import try_create
from servers.dry_run.trial import Trial
from servers.policies import placement as rules
from servers.policies import server as server_rules
from servers.read.placement import show_report
from servers.serializers.server_action import ServerActionBody
from servers.serializers.server_create import ServerCreate
from servers.views.action import ROUTES, find_for, read_action
from servers.views.choices import Choices, choices_of

OBJECT = {"type": "object"}
STAGES: tuple[tuple[type[Fault], str], ...] = (
    (InvalidBody, "form"),
    (PolicyRefused, "policy"),
    (OverLimit, "quota"),
    (Fault, "request"),
)
"""The stage of the request at which a fault of the class ends it; the first class that fits counts.
"""


class CannotBeTried(BadRequest):
    """The action asks neither for a host nor for quota."""

    code = "cannot_be_tried"


class ServersDryRun(ComputeView):
    """What a request for servers would do."""

    contracts = {
        "POST": Contract(
            summary="Try to create servers without doing it",
            body=ServerCreate,
            example=demo.NEW_SERVER,
            answer={"dry_run": OBJECT},
        ),
    }

    def post(self, request: ComputeRequest) -> Response:
        try:
            order = self.read(ServerCreate)
        except Fault as fault:
            trial = Trial(faults=[fault])
        else:
            request.caller.permit(server_rules.CREATE)
            trial = try_create(request.caller, order)
        return self.answer({"dry_run": show_trial(trial, named=names_hosts(request))})

    @property
    def real(self) -> str:
        return self.request.path.removesuffix("/dry-run")

    def choices(self) -> Mapping[str, Choices]:
        return choices_of(self.request.caller)


class ServerDryRun(ComputeView):
    """What an action on a server would do."""

    contracts = {
        "POST": Contract(
            summary="Try an action on a server without doing it",
            body=ServerActionBody,
            example={"resize": {"flavorRef": "3"}},
            answer={"dry_run": OBJECT},
            faults=(403, 409),
        ),
    }

    def post(self, request: ComputeRequest, server_id: str) -> Response:
        asked = read_action(self)
        if asked.name not in TRIED:
            raise CannotBeTried(f"Only these can be tried: {', '.join(TRIED.values())}.")
        instance = find_for(request.caller, server_id, asked)
        run = ROUTES[asked.name].run
        trial = try_action(
            request.caller, instance, lambda: run(request.caller, instance, asked.values)
        )
        return self.answer({"dry_run": show_trial(trial, named=names_hosts(request))})

    @property
    def real(self) -> str:
        return self.request.path.removesuffix("dry-run") + "action"


TRIED = {
    **{name: name for name in ("resize", "rebuild", "migrate", "evacuate")},
    "migrate_live": "os-migrateLive",
}
"""The actions that can be tried: those that ask for a host or for quota, as bodies name them."""


def names_hosts(request: ComputeRequest) -> bool:
    """May the caller see hosts?"""
    return request.caller.may(rules.SHOW_HOSTS)


def show_trial(trial: Trial, *, named: bool) -> dict[str, Any]:
    """A trial in the form of the API. ``named``: with the names of hosts."""
    faults = [shown for fault in trial.faults for shown in _show_fault(fault)]
    if trial.misplaced is not None:
        faults.append({"stage": "placement", "code": "no_valid_host", "detail": trial.misplaced})
    return {
        "accepted": trial.accepted,
        "faults": faults,
        "servers": trial.servers,
        "quota": [dataclasses.asdict(use) for use in trial.quota],
        "placement": None if trial.report is None else show_report(trial.report, named=named),
    }


def _show_fault(fault: Fault) -> list[dict[str, Any]]:
    stage = next(word for kind, word in STAGES if isinstance(fault, kind))
    return [{"stage": stage, "status": fault.status, **error.as_json()} for error in fault.errors]
