"""Every recorded case of these groups gets the answer that it got from Nova."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import transaction
from pytest_django import DjangoDbBlocker

from compute_site.identity.models import Project, User
from tests.conformance.replay import WORLD, Case, Run, World, read_cases

GROUPS = read_cases()
AGREEING = (
    "keypairs/create",
    "keypairs/delete",
    "keypairs/list",
    "keypairs/paging",
    "keypairs/show",
    "server-groups/create",
    "server-groups/delete",
    "server-groups/list",
    "server-groups/show",
    "versions/bodies",
    "versions/documents",
    "versions/wrong-methods",
)


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """The recorded world instead of the cast, for the time of this module."""
    with django_db_blocker.unblock(), transaction.atomic():
        for model in (User, Group, Project):
            model.objects.all().delete()
        call_command("loadcloud", str(WORLD), verbosity=0)
        yield World.log_in()
        transaction.set_rollback(True)


def run_and_forget(world: World, case: Case) -> list[str]:
    with transaction.atomic():
        found = Run(world, case).differences()
        transaction.set_rollback(True)
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("group", AGREEING)
def test_recorded_answers_agree(world: World, group: str) -> None:
    cases = [case for case in GROUPS[group] if not case["needs"]]
    found = {case["id"]: run_and_forget(world, case) for case in cases}
    differing = [f"{name}\n    " + "\n    ".join(lines) for name, lines in found.items() if lines]
    assert not differing, f"{len(differing)} of {len(cases)} differ\n" + "\n".join(differing)
