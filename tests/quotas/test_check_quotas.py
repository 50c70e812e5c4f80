"""``manage.py check_quotas``."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from compute_site.identity.models import Project
from quotas.models import Usage
from servers.models.instance import Instance
from servers.models.server_group import ServerGroup
from servers.models.states import VmState
from tests.world.factories import make_project, make_user


@pytest.fixture
def project(db: None) -> Project:
    project = make_project("gamma")
    user = make_user()
    for state in (VmState.ACTIVE, VmState.ERROR, VmState.SOFT_DELETED):
        Instance.objects.create(
            project=project,
            user=user,
            display_name=state,
            flavor={},
            vm_state=state,
            soft_deleted_at=timezone.now() if state == VmState.SOFT_DELETED else None,
            host="host",
            memory_mb=512,
            vcpus=2,
            root_gb=1,
        )
    ServerGroup.objects.create(project=project, name="group", policy="affinity", user_id=user.pk)
    return project


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("check_quotas", *arguments, stdout=output)
    return output.getvalue()


def test_a_wrong_counter_is_told(project: Project) -> None:
    Usage.objects.create(project=project, resource="cores", in_use=7)
    output = StringIO()
    with pytest.raises(CommandError, match="4 counters are wrong"):
        call_command("check_quotas", stdout=output)
    assert "gamma: cores is counted as 7, but 4 are in use" in output.getvalue()
    assert Usage.objects.get(project=project, resource="cores").in_use == 7


def test_fixing_makes_the_counters_right(project: Project) -> None:
    assert "4 counters corrected" in run("--fix")
    usage = dict(Usage.objects.filter(project=project).values_list("resource", "in_use"))
    assert usage == {"instances": 2, "cores": 4, "ram": 1024, "server_groups": 1}
    assert run() == "every counter is right\n"


def test_many_projects_take_no_more_statements_than_one(
    project: Project, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    run("--fix")
    with CaptureQueriesContext(connection) as seen:
        run()
    for _ in range(3):
        other = make_project()
        ServerGroup.objects.create(project=other, name="group", policy="affinity", user_id="u")
        Usage.objects.create(project=other, resource="server_groups", in_use=1)
    with django_assert_num_queries(len(seen)):
        assert run() == "every counter is right\n"
