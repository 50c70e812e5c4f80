"""``DELETE /servers/{id}``: who may, and when."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from guardian.shortcuts import assign_perm
from pytest_django import DjangoCaptureOnCommitCallbacks

from servers.models import BuildRequest, Instance
from servers.policies import server as rules
from tests.world.cast import BETA, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_instance, make_order
from tests.world.hosts import make_host
from tests.world.jobs import run_jobs


@pytest.fixture(autouse=True)
def _host(db: None) -> None:
    make_host("host")


def test_a_server_that_nobody_builds_yet_is_gone_at_once(as_member: ApiClient) -> None:
    server = make_order().instance
    assert as_member.delete(f"/servers/{server.uuid}").expect(204).content == b""
    as_member.get(f"/servers/{server.uuid}").expect(404)
    as_member.delete(f"/servers/{server.uuid}").expect(404)
    assert not BuildRequest.objects.exists()


def test_what_is_done_after_the_commit_has_a_name_for_the_log(
    as_member: ApiClient,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    """Django tells it where that fails, which must not break the answer."""
    server = make_order().instance
    with django_capture_on_commit_callbacks() as callbacks:
        as_member.delete(f"/servers/{server.uuid}").expect(204)
    assert callbacks
    assert all(hasattr(callback, "__qualname__") for callback in callbacks)


def test_a_server_on_a_host_is_deleted_by_the_host(as_member: ApiClient) -> None:
    server = make_instance()
    as_member.delete(f"/servers/{server.uuid}").expect(204)
    shown = as_member.get(f"/servers/{server.uuid}").expect(200).json["server"]
    assert shown["OS-EXT-STS:task_state"] == "deleting"
    as_member.delete(f"/servers/{server.uuid}").expect(204)
    run_jobs()
    as_member.get(f"/servers/{server.uuid}").expect(404)
    assert Instance.objects.get(pk=server.pk).deleted_at is not None


def test_another_member_of_the_project_may(as_second_member: ApiClient) -> None:
    as_second_member.delete(f"/servers/{make_order().instance.uuid}").expect(204)


def test_who_may_not(as_reader: ApiClient, as_outsider: ApiClient) -> None:
    server = make_order().instance
    as_reader.delete(f"/servers/{server.uuid}").expect(403)
    as_outsider.delete(f"/servers/{server.uuid}").expect(404)
    as_outsider.delete("/servers/nosuch").expect(404)
    assert BuildRequest.objects.filter(instance=server).exists()


def test_an_admin_deletes_in_every_project(as_admin: ApiClient) -> None:
    as_admin.delete(f"/servers/{make_order(project_id=BETA).instance.uuid}").expect(204)


def test_the_right_to_delete_one_server_can_be_shared(as_outsider: ApiClient, cast: Cast) -> None:
    server = make_order().instance
    permission = Permission.objects.get(codename=rules.DELETE, content_type__model="instance")
    assign_perm(permission, cast.outsider.user, server)
    as_outsider.get(f"/servers/{server.uuid}").expect(404)
    as_outsider.delete(f"/servers/{server.uuid}").expect(204)


def test_a_lock_keeps_a_server_from_members(as_member: ApiClient, as_admin: ApiClient) -> None:
    server = make_instance(locked=True, locked_by="owner")
    assert as_member.delete(f"/servers/{server.uuid}").expect(409).fault == "conflictingRequest"
    as_admin.delete(f"/servers/{server.uuid}").expect(204)
