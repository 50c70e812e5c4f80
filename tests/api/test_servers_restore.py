"""Servers that are deleted for a while: ``DELETE``, ``restore``, ``forceDelete``."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from quotas.models import Limit, Usage
from servers.delete.reclaim import reclaim_deleted
from servers.drivers import fake
from servers.drivers.protocol import DriverFailed
from servers.models import Allocation, Instance, InstanceAction
from servers.usage import count_usage
from servers.worker.recovery import give_up_lost_actions
from tests.world.cast import ALPHA, BETA
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_instance, make_order
from tests.world.hosts import make_host
from tests.world.jobs import run_jobs

RESTORE: dict[str, Any] = {"restore": None}
FORCE: dict[str, Any] = {"forceDelete": None}


@pytest.fixture(autouse=True)
def _an_hour(db: None, settings: Any) -> None:
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, reclaim_instance_interval=3600)
    make_host("host")


@pytest.fixture
def server(_an_hour: None) -> Instance:
    """A server that has run, and counts in the quota."""
    server = make_instance(vm_state="active", launched_at=timezone.now(), vcpus=2, memory_mb=512)
    for resource, amount in {"instances": 1, "cores": 2, "ram": 512}.items():
        Usage.objects.create(project_id=ALPHA, resource=resource, in_use=amount)
    return server


def do(client: ApiClient, server: Instance, body: dict[str, Any]) -> Answer:
    return client.post(f"/servers/{server.uuid}/action", body)


def state(server: Instance) -> tuple[str, str | None]:
    server.refresh_from_db()
    return server.vm_state, server.task_state


def used() -> dict[str, int]:
    """What the counters say; they must be right."""
    counters = dict(Usage.objects.filter(project=ALPHA).values_list("resource", "in_use"))
    counted = count_usage(ALPHA)
    assert counters == {resource: counted[resource] for resource in counters}
    return counters


def delete_softly(client: ApiClient, server: Instance) -> None:
    client.delete(f"/servers/{server.uuid}").expect(204)
    run_jobs()


def test_a_deleted_server_can_still_be_seen_and_counts_no_more(
    as_member: ApiClient, server: Instance
) -> None:
    as_member.delete(f"/servers/{server.uuid}").expect(204)
    assert state(server) == ("active", "soft-deleting")
    run_jobs()
    shown = as_member.get(f"/servers/{server.uuid}").expect(200).json["server"]
    assert (shown["status"], shown["OS-SRV-USG:terminated_at"]) == ("SOFT_DELETED", None)
    assert used() == {"instances": 0, "cores": 0, "ram": 0}
    action = InstanceAction.objects.get(instance=server)
    assert (action.action, [event.event for event in action.events.all()]) == (
        "delete",
        ["compute_soft_delete_instance"],
    )


SEEN_BY_ADMINS = ("deleted=true", "deleted=true&status=SOFT_DELETED", "soft_deleted=1")
SEEN_BY_ALL = ("changes-since=2020-01-01T00:00:00Z",)
SEEN_BY_NOBODY = ("", "status=SOFT_DELETED", "vm_state=soft-delete")


@pytest.mark.parametrize("query", [*SEEN_BY_ADMINS, *SEEN_BY_ALL, *SEEN_BY_NOBODY])
def test_where_lists_show_it(
    as_member: ApiClient, as_admin: ApiClient, server: Instance, query: str
) -> None:
    delete_softly(as_member, server)
    for client, everything in ((as_member, ""), (as_admin, "&all_tenants=1")):
        seen = query in SEEN_BY_ALL or (query in SEEN_BY_ADMINS and client is as_admin)
        listed = client.get(f"/servers?{query}{everything}").expect(200).json["servers"]
        assert [found["id"] for found in listed] == [str(server.uuid)] * seen


def test_restoring_brings_it_back_into_the_quota(as_member: ApiClient, server: Instance) -> None:
    delete_softly(as_member, server)
    do(as_member, server, RESTORE).expect(202)
    assert state(server) == ("soft-delete", "restoring")
    assert used() == {"instances": 1, "cores": 2, "ram": 512}
    run_jobs()
    assert state(server) == ("active", None)
    assert used() == {"instances": 1, "cores": 2, "ram": 512}
    do(as_member, server, RESTORE).expect(409)


def test_restoring_needs_room_in_the_quota(as_member: ApiClient, server: Instance) -> None:
    delete_softly(as_member, server)
    Limit.objects.create(project_id=ALPHA, resource="cores", limit=1)
    assert do(as_member, server, RESTORE).expect(403).fault == "forbidden"
    assert state(server) == ("soft-delete", None)
    assert used()["cores"] == 0
    assert not InstanceAction.objects.filter(action="restore").exists()


def test_a_user_with_a_limit_of_its_own(as_member: ApiClient, server: Instance) -> None:
    delete_softly(as_member, server)
    user_id = str(server.user_id)
    Limit.objects.create(project_id=ALPHA, user_id=user_id, resource="instances", limit=1)
    do(as_member, server, RESTORE).expect(202)


def test_only_what_was_deleted_can_be_restored(as_member: ApiClient, server: Instance) -> None:
    do(as_member, server, RESTORE).expect(409)
    do(as_member, make_order().instance, RESTORE).expect(409)


def test_who_may_restore(
    as_member: ApiClient, as_reader: ApiClient, as_outsider: ApiClient, server: Instance
) -> None:
    delete_softly(as_member, server)
    do(as_reader, server, RESTORE).expect(403)
    do(as_outsider, server, RESTORE).expect(404)


def test_a_restore_that_fails_gives_the_quota_back(
    as_member: ApiClient, server: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> int:
        raise DriverFailed("The disk is gone.")

    delete_softly(as_member, server)
    do(as_member, server, RESTORE).expect(202)
    monkeypatch.setattr(fake, "perform", fail)
    run_jobs()
    assert state(server) == ("soft-delete", None)
    assert used() == {"instances": 0, "cores": 0, "ram": 0}


def test_a_restore_that_nobody_works_on_gives_the_quota_back(
    as_member: ApiClient, server: Instance
) -> None:
    delete_softly(as_member, server)
    Instance.objects.update(
        task_state="restoring", soft_deleted_at=None, updated_at=timezone.now() - dt.timedelta(1)
    )
    Usage.objects.filter(resource="instances").update(in_use=1)
    Usage.objects.filter(resource="cores").update(in_use=2)
    Usage.objects.filter(resource="ram").update(in_use=512)
    assert give_up_lost_actions() == 1
    assert state(server) == ("soft-delete", None)
    assert used() == {"instances": 0, "cores": 0, "ram": 0}


@pytest.mark.parametrize("restoring", [False, True])
def test_force_delete_ends_it_and_gives_back_once(
    as_member: ApiClient, server: Instance, restoring: bool
) -> None:
    delete_softly(as_member, server)
    if restoring:
        do(as_member, server, RESTORE).expect(202)
    do(as_member, server, FORCE).expect(202)
    run_jobs()
    as_member.get(f"/servers/{server.uuid}").expect(404)
    assert used() == {"instances": 0, "cores": 0, "ram": 0}
    assert not Allocation.objects.exists()


def test_force_delete_spares_the_time_to_restore(as_member: ApiClient, server: Instance) -> None:
    do(as_member, server, FORCE).expect(202)
    run_jobs()
    assert state(server) == ("deleted", None)


def test_force_delete_goes_before_a_deletion_that_has_begun(
    as_member: ApiClient, server: Instance
) -> None:
    as_member.delete(f"/servers/{server.uuid}").expect(204)
    as_member.delete(f"/servers/{server.uuid}").expect(204)
    do(as_member, server, FORCE).expect(202)
    run_jobs()
    assert state(server) == ("deleted", None)
    assert used() == {"instances": 0, "cores": 0, "ram": 0}


def test_deleting_again_gives_back_once_and_starts_the_time_anew(
    as_member: ApiClient, server: Instance
) -> None:
    delete_softly(as_member, server)
    Instance.objects.update(soft_deleted_at=timezone.now() - dt.timedelta(hours=2))
    other = make_instance(vm_state="active", launched_at=timezone.now(), vcpus=1, memory_mb=64)
    for resource, amount in {"instances": 1, "cores": 1, "ram": 64}.items():
        Usage.objects.filter(resource=resource).update(in_use=amount)
    delete_softly(as_member, server)
    assert used() == {"instances": 1, "cores": 1, "ram": 64}
    assert reclaim_deleted() == 0
    assert other.deleted_at is None


def test_when_its_time_is_over_it_ends(as_member: ApiClient, server: Instance) -> None:
    delete_softly(as_member, server)
    assert reclaim_deleted() == 0
    Instance.objects.update(soft_deleted_at=timezone.now() - dt.timedelta(hours=2))
    assert reclaim_deleted() == 1
    do(as_member, server, RESTORE).expect(409)
    run_jobs()
    as_member.get(f"/servers/{server.uuid}").expect(404)
    assert used() == {"instances": 0, "cores": 0, "ram": 0}


def test_an_end_that_fails_is_tried_again(
    as_member: ApiClient, server: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise DriverFailed("The disk is busy.")

    delete_softly(as_member, server)
    Instance.objects.update(soft_deleted_at=timezone.now() - dt.timedelta(hours=2))
    reclaim_deleted()
    with monkeypatch.context() as broken:
        broken.setattr(fake, "destroy", fail)
        run_jobs()
    assert state(server) == ("soft-delete", None)
    assert reclaim_deleted() == 1


def test_what_never_ran_is_deleted_for_good(as_member: ApiClient) -> None:
    never_ran = make_instance(vm_state="error")
    order = make_order().instance
    for server in (never_ran, order):
        delete_softly(as_member, server)
        assert state(server) == ("deleted", None)


def test_an_admin_may_say_that_it_is_active(as_admin: ApiClient, server: Instance) -> None:
    delete_softly(as_admin, server)
    do(as_admin, server, {"os-resetState": {"state": "active"}}).expect(202)
    assert state(server) == ("active", None)
    assert used() == {"instances": 1, "cores": 2, "ram": 512}


def test_without_the_option_a_server_is_gone_at_once(
    as_member: ApiClient, server: Instance, settings: Any
) -> None:
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, reclaim_instance_interval=0)
    delete_softly(as_member, server)
    assert state(server) == ("deleted", None)
    assert reclaim_deleted() == 0


def test_a_server_of_another_project_stays_what_it_is(as_member: ApiClient) -> None:
    foreign = make_instance(vm_state="active", launched_at=timezone.now(), project_id=BETA)
    as_member.delete(f"/servers/{foreign.uuid}").expect(404)
    assert state(foreign) == ("active", None)
