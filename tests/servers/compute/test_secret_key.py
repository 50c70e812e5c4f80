"""A worker with another secret key than the web processes: what it cannot read, it says."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from servers.models import Instance
from tests.world.client import ApiClient
from tests.world.factories import make_instance
from tests.world.hosts import make_host
from tests.world.jobs import run_jobs
from tests.world.orders import Shop

REASON = "COMPUTE_SITE_SECRET_KEY"


@pytest.fixture(autouse=True)
def _host(db: None) -> None:
    make_host("host")


def work_with_other_key(settings: Any) -> None:
    settings.SECRET_KEY = "another one"
    run_jobs()


def test_a_build_fails_with_the_reason(as_member: ApiClient, settings: Any) -> None:
    server_id = Shop().order(as_member).expect(202).json["server"]["id"]
    work_with_other_key(settings)
    server = Instance.objects.get(uuid=server_id)
    assert server.vm_state == "error"
    assert REASON in server.faults.get().message


def test_a_change_of_password_fails_with_the_reason(as_member: ApiClient, settings: Any) -> None:
    server = make_instance(vm_state="active", launched_at=timezone.now())
    body = {"changePassword": {"adminPass": "new"}}
    as_member.post(f"/servers/{server.uuid}/action", body).expect(202)
    work_with_other_key(settings)
    server.refresh_from_db()
    assert (server.vm_state, server.task_state) == ("active", None)
    assert REASON in server.faults.get().message
