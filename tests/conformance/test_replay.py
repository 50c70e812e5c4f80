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
    "aggregates",
    "aggregates/action",
    "aggregates/create",
    "aggregates/policy",
    "aggregates/unknown",
    "aggregates/update",
    "availability-zones",
    "create/",
    "flavors/",
    "hypervisors",
    "limits",
    "quota-",
    "servers/all-tenants",
    "servers/detail",
    "servers/diagnostics",
    "servers/filters",
    "servers/interfaces",
    "servers/ips",
    "servers/list",
    "servers/metadata",
    "servers/paging",
    "servers/security-groups",
    "servers/sort",
    "servers/tags",
    "servers/update",
    "servers/volumes",
    "services",
    "versions/documents",
    "versions/negotiation",
    "versions/unknown-urls",
    "versions/wrong-methods",
)
"""What the names of the groups begin with."""
NEEDS_SERVER_GROUPS = ("create/server-groups",)
OUT_OF_CONTEXT = ("quota-classes/update/no-values",)
"""Recorded after a change that no case makes: the limits it shows cannot be there."""


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


def run_group(world: World, group: str) -> dict[str, list[str]]:
    """What differs, by the id of the case."""
    cases = [case for case in GROUPS[group] if not case["needs"]]
    return {
        case["id"]: run_and_forget(world, case)
        for case in cases
        if case["id"] not in OUT_OF_CONTEXT
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    "group",
    [
        group
        for group in GROUPS
        if group.startswith(AGREEING) and not group.startswith(NEEDS_SERVER_GROUPS)
    ],
)
def test_recorded_answers_agree(world: World, group: str) -> None:
    found = run_group(world, group)
    differing = [f"{name}\n    " + "\n    ".join(lines) for name, lines in found.items() if lines]
    assert not differing, f"{len(differing)} of {len(found)} differ\n" + "\n".join(differing)


def test_the_list_names_groups_that_exist() -> None:
    for prefix in AGREEING:
        assert any(group.startswith(prefix) for group in GROUPS), prefix
