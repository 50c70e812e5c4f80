"""A trial of each recorded create says what the create then does: the same first fault, or, where
it is accepted and workers run, one of the hosts that were named.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest

from servers.models import Instance, SchedulingReport, VmState
from servers.views import dry_run
from tests.conformance.replay import Answer, Run, Step, World
from tests.conformance.test_replay import GROUPS, undone, world
from tests.world.jobs import run_jobs

__all__ = ["world"]  # a fixture

CREATE = ("/servers", "/os-volumes_boot")


def is_create(step: Step) -> bool:
    return step["method"] == "POST" and step["path"] in CREATE


CASES = [
    case
    for cases in GROUPS.values()
    for case in cases
    if any(is_create(step) for step in case["steps"])
]
PARTS = 8
"""Of the cases, of which usual runs take the first; EVERY_CASE=1 in the environment takes all."""
Outcome = tuple[int, dict[str, Any]]


class TriedRun(Run):
    """Tries each create before it is done."""

    def __init__(self, world: World, case: dict[str, Any]) -> None:
        super().__init__(world, case)
        self.problems: list[str] = []
        self.counts: Counter[str] = Counter()

    def run(self) -> None:
        """The steps up to the last create."""
        steps = self.case["steps"]
        last = max(number for number, step in enumerate(steps) if is_create(step))
        for step in steps[: last + 1]:
            self.take(step)

    def send(self, step: Step) -> Answer:
        if not is_create(step):
            return super().send(step)
        tried = super().send({**step, "path": "/servers/dry-run"})
        done = super().send(step)
        self.problems += self.judge(tried, done)
        return done

    def judge(self, tried: Answer, done: Answer) -> list[str]:
        if done.status != 202:
            self.counts["refused"] += 1
            return self.judge_refusal(first_fault(tried), (done.status, first_error(done)))
        if tried.status != 200 or not tried.body["dry_run"]["accepted"]:
            return [f"accepted, but tried {tried.status} {tried.body}"]
        run_jobs()
        placement = tried.body["dry_run"]["placement"]
        named = {placement.get("host"), *placement.get("weights", ())}
        return [
            f"named were {named}, but {server.vm_state} on {server.host}"
            for server in self.newest_servers()
            if not self.is_as_told(server, placement["outcome"], named)
        ]

    def is_as_told(self, server: Instance, outcome: str, named: set[str | None]) -> bool:
        """A build may fail on the host that was found, for want of a volume for example."""
        if outcome != "placed":
            self.counts["not placed"] += 1
            return server.vm_state == VmState.ERROR
        self.counts["placed"] += 1
        if server.vm_state == VmState.ERROR:
            self.counts["placed, but not built"] += 1
            return SchedulingReport.objects.get(instance=server).report.get("host") in named
        return server.host in named

    @staticmethod
    def newest_servers() -> list[Instance]:
        newest = Instance.objects.order_by("-pk")
        return list(newest.filter(reservation_id=newest[0].reservation_id))

    @staticmethod
    def judge_refusal(tried: Outcome, done: Outcome) -> list[str]:
        return [] if tried == done else [f"refused with {done}, tried {tried}"]


def first_error(answer: Answer) -> dict[str, Any]:
    """The first reason of a refusal, without its words, which may name the URL."""
    errors = answer.body[answer.fault].get("errors") or [{}]
    return {key: errors[0].get(key) for key in ("code", "field")}


def first_fault(tried: Answer) -> Outcome:
    if tried.status != 200:
        return tried.status, first_error(tried)
    faults = tried.body["dry_run"]["faults"] or [{"status": 202}]
    return faults[0].get("status", 202), {key: faults[0].get(key) for key in ("code", "field")}


@pytest.mark.django_db
@pytest.mark.parametrize("part", range(PARTS if os.environ.get("EVERY_CASE") else 1))
def test_a_trial_says_what_the_create_then_does(
    world: World, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dry_run, "names_hosts", lambda _request: True)
    found: dict[str, list[str]] = {}
    counts: Counter[str] = Counter()
    for case in CASES[part::PARTS]:
        with undone():
            run = TriedRun(world, case)
            run.run()
            found[case["id"]] = run.problems
            counts += run.counts
    wrong = [f"{name}: {line}" for name, lines in found.items() for line in lines]
    assert not wrong, f"{len(wrong)} are wrong\n" + "\n".join(wrong)
    assert counts["refused"]
    assert counts["placed"]
