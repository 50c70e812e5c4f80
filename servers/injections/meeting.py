"""Where faults on request are met: in the steps of builds, and in requests."""

from __future__ import annotations

import dataclasses
import fnmatch
import time
from collections.abc import Iterable
from typing import Any

from django.db.models import F, Q

from compute_site.faults import BadRequest
from servers.drivers.protocol import DriverFailed
from servers.injections.shapes import BUILD, FAIL, FAIL_HERE, HANG, REQUEST, SECONDS
from servers.models import Injection, Instance, VmState

OF_SERVER = {f"compute_site:{outcome}": outcome for outcome in (FAIL, HANG)}
"""Metadata of a server that ask for a fault of its own: the value is the step."""
LOOK_SECONDS = 0.1


class FailedOnRequest(BadRequest):
    """Somebody has asked for this failure; no other host is tried."""

    code = "failed_on_request"


class HostFailedOnRequest(DriverFailed):
    """Somebody has asked for this failure of a host; another one may be tried."""

    code = "host_failed_on_request"


@dataclasses.dataclass(frozen=True, slots=True)
class Met:
    """A fault for one request."""

    outcome: str
    seconds: int


def meet_in_build(step: str, server: Instance, host: str) -> None:
    """Meet what was asked for this step of this server.

    Raises:
        FailedOnRequest, HostFailedOnRequest: that the build shall fail.
    """
    for key, outcome in OF_SERVER.items():
        if server.metadata.get(key) == step:
            _meet(outcome, server, f"The step {step} fails, as {key} asks.", None)
    for injection in _open(BUILD):
        details = injection.details
        if details["step"] == step and _is_about(details, server, host) and _take(injection):
            words = details["message"] or f"The step {step} fails on request."
            _meet(details["outcome"], server, words, injection)


def _is_about(details: dict[str, Any], server: Instance, host: str) -> bool:
    return (
        details["server"] in ("", str(server.uuid), server.display_name)
        and details["host"] in ("", host)
        and details["project"] in ("", server.project_id)
    )


def _meet(outcome: str, server: Instance, words: str, injection: Injection | None) -> None:
    if outcome == FAIL:
        raise FailedOnRequest(words)
    if outcome == FAIL_HERE:
        raise HostFailedOnRequest(words)
    seconds = SECONDS.default if injection is None else injection.details["seconds"]
    _hang(server, seconds, injection)


def _hang(server: Instance, seconds: int, injection: Injection | None) -> None:
    """Wait, at most until the fault is withdrawn or somebody deletes the server."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        waits = Instance.objects.filter(pk=server.pk, vm_state=VmState.BUILDING)
        if not waits.exclude(task_state="deleting").exists():
            return
        if injection is not None and not Injection.objects.filter(pk=injection.pk).exists():
            return
        time.sleep(LOOK_SECONDS)


def find_for_request(method: str, path: str) -> Met | None:
    """The first fault that this request shall meet."""
    for injection in _open(REQUEST):
        details = injection.details
        if details["method"] not in ("any", method):
            continue
        if fnmatch.fnmatchcase(path, details["path"]) and _take(injection):
            return Met(details["outcome"], details["seconds"])
    return None


def _open(kind: str) -> Iterable[Injection]:
    found = Injection.objects.filter(Q(left__isnull=True) | Q(left__gt=0), kind=kind)
    return found.order_by("pk")


def _take(injection: Injection) -> bool:
    """Count one meeting; ``False``: others have used it up."""
    rows = Injection.objects.filter(pk=injection.pk)
    if injection.left is None:
        return bool(rows.update(met=F("met") + 1))
    return bool(rows.filter(left__gt=0).update(left=F("left") - 1, met=F("met") + 1))
