"""Every recorded case of these groups gets the answer that it got from Nova."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import transaction
from pytest_django import DjangoDbBlocker

from compute_site.identity.models import Project, User
from tests.conformance.replay import WORLD, Run, World, read_cases
from tests.world.jobs import run_jobs

GROUPS = read_cases()
OUT_OF_CONTEXT = {
    "active/lock/lets-through": "its Location is in the image service of the recording",
    "quota-classes/update/no-values": "recorded after a change that no case makes",
}
"""Cases whose expectation is of the place where they were recorded."""


@contextmanager
def undone() -> Iterator[None]:
    """A transaction that is rolled back. What the site does outside of transactions is done in it
    nevertheless, as in every test.
    """
    block = transaction.atomic()
    block._from_testcase = True
    with block:
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """The recorded world instead of the cast, for the time of this module."""
    with django_db_blocker.unblock(), undone():
        for model in (User, Group, Project):
            model.objects.all().delete()
        call_command("loadcloud", str(WORLD), verbosity=0)
        yield World.log_in()


def replay(world: World, group: str, work: Callable[[], object] | None = None) -> None:
    """Every case in a transaction that is rolled back; fail with what differs."""
    found: dict[str, list[str]] = {}
    for case in GROUPS[group]:
        if bool(case["needs"]) is bool(work) and case["id"] not in OUT_OF_CONTEXT:
            with undone():
                found[case["id"]] = Run(world, case, work).differences()
    differing = [f"{name}\n    " + "\n    ".join(lines) for name, lines in found.items() if lines]
    assert found
    assert not differing, f"{len(differing)} of {len(found)} differ\n" + "\n".join(differing)


def groups_that_need(*, workers: bool) -> list[str]:
    return [
        group
        for group, cases in GROUPS.items()
        if any(bool(case["needs"]) is workers for case in cases)
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("group", groups_that_need(workers=False))
def test_recorded_answers_agree(world: World, group: str) -> None:
    replay(world, group)


@pytest.mark.django_db
@pytest.mark.parametrize("group", groups_that_need(workers=True))
def test_recorded_answers_agree_while_workers_build(world: World, group: str) -> None:
    replay(world, group, run_jobs)
