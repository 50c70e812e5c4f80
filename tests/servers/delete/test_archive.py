"""Deleted servers are archived and purged while the site runs, and leave nothing behind."""

from __future__ import annotations

import datetime as dt
from functools import partial
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from guardian.models import UserObjectPermission

from compute_site.policy.grants import set_rules_of_user
from servers.delete import archive
from servers.delete.archive import LEFT_OUT, archive_deleted, purge_archived
from servers.lifecycle.jobs import ReleaseServices
from servers.models import (
    ArchivedServer,
    ConsoleToken,
    Instance,
    InstanceActionEvent,
    ServerFault,
    Tag,
)
from servers.policies import server as policies
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_flavor, make_image, make_instance, make_network
from tests.world.hosts import hold, make_host
from tests.world.jobs import run_jobs
from tests.world.staff import operator
from tests.world.threads import run_at_once

pytestmark = pytest.mark.django_db
KEPT = {
    "actions",
    "block_devices",
    "faults",
    "mapping",
    "moves",
    "request_spec",
    "scheduling_report",
    "steps",
    "tags",
}


def make_deleted(*, days_ago: int = 0, **fields: Any) -> Instance:
    """A server that was deleted some days ago."""
    then = timezone.now() - dt.timedelta(days=days_ago)
    return make_instance(
        vm_state="deleted", deleted_at=then, terminated_at=then, created_at=then, **fields
    )


def run(command: str, *words: str) -> str:
    output = StringIO()
    call_command(command, *words, stdout=output)
    return output.getvalue()


def create_and_delete(client: ApiClient) -> str:
    """A server that lived: built, tagged, stopped and deleted; its id."""
    make_host()
    order = {
        "name": "mortal",
        "flavorRef": make_flavor().flavorid,
        "imageRef": str(make_image().pk),
        "networks": [{"uuid": str(make_network().pk)}],
        "user_data": "c2VjcmV0",
        "tags": ["blue"],
    }
    answer = client.post("/servers", {"server": order}, microversion="2.90").expect(202)
    server_id: str = answer.json["server"]["id"]
    run_jobs()
    client.post(f"/servers/{server_id}/action", {"os-stop": None}).expect(202)
    run_jobs()
    client.delete(f"/servers/{server_id}").expect(204)
    run_jobs()
    return server_id


def test_a_server_that_lived_leaves_one_row(as_member: ApiClient, as_admin: ApiClient) -> None:
    server_id = create_and_delete(as_member)
    other = make_instance()
    set_rules_of_user(Instance.objects.get(uuid=server_id), Cast.outsider.user, [policies.SHOW])
    set_rules_of_user(other, Cast.outsider.user, [policies.SHOW])
    ServerFault.objects.create(instance=Instance.objects.get(uuid=server_id), message="broken")
    run("check_quotas", "--fix")  # the other one was never counted

    assert archive_deleted(before=None, most=10) == 1

    assert list(Instance.objects.all()) == [other]
    for relation in Instance._meta.related_objects:
        model: Any = relation.related_model
        assert not model.objects.exists(), model
    assert not InstanceActionEvent.objects.exists()
    kind = ContentType.objects.get_for_model(Instance)
    granted = UserObjectPermission.objects.filter(content_type=kind)
    assert [row.object_pk for row in granted] == [str(other.pk)]
    row = ArchivedServer.objects.get()
    assert (str(row.uuid), row.project_id, row.display_name) == (server_id, ALPHA, "mortal")
    assert row.record["user_data"] == "c2VjcmV0"
    parts = row.record["parts"]
    assert parts.keys() == KEPT
    assert [action["action"] for action in parts["actions"]] == ["create", "stop", "delete"]
    assert parts["actions"][0]["parts"]["events"]
    assert [tag["tag"] for tag in parts["tags"]] == ["blue"]
    assert parts["faults"][0]["message"] == "broken"
    assert len(parts["block_devices"]) == len(parts["mapping"]) == len(parts["request_spec"]) == 1
    assert "every counter is right" in run("check_quotas")
    as_admin.get(f"/servers/{server_id}").expect(404)
    listed = as_admin.get("/servers?deleted=1&all_tenants=1").expect(200).json["servers"]
    assert listed == []


def test_every_table_that_belongs_to_a_server_is_archived_or_left_out_on_purpose() -> None:
    relations = Instance._meta.related_objects
    assert {
        relation.get_accessor_name()
        for relation in relations
        if relation.related_model not in LEFT_OUT
    } == KEPT
    assert {relation.related_model for relation in relations} >= set(LEFT_OUT)


def test_only_what_is_deleted_for_good_is_archived(cast: Cast) -> None:
    alive = make_instance()
    restorable = make_instance(vm_state="soft-delete", soft_deleted_at=timezone.now())
    busy = make_deleted()
    ReleaseServices(server_id=str(busy.uuid), volumes=()).defer()
    holding = make_deleted()
    node = make_host()
    hold(holding, node)
    gone = make_deleted()

    assert archive_deleted(before=None, most=10) == 1

    assert set(Instance.objects.all()) == {alive, restorable, busy, holding}
    assert ArchivedServer.objects.get().uuid == gone.uuid


def test_the_oldest_go_first_and_no_more_than_asked_for(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "BATCH", 2)
    servers = [make_deleted(days_ago=days) for days in (1, 5, 3, 2, 4)]
    assert archive_deleted(before=None, most=3) == 3
    assert set(Instance.objects.all()) == {servers[0], servers[3]}
    assert purge_archived(before=None, most=1) == 1
    assert not ArchivedServer.objects.filter(pk=servers[1].uuid).exists()
    assert purge_archived(before=None) == 2


def test_a_batch_costs_the_same_for_few_and_many(cast: Cast, statements: Any) -> None:
    costs = []
    for number in (2, 20):
        for _ in range(number):
            server = make_deleted()
            Tag.objects.create(instance=server, tag="blue")
        with statements() as seen:
            assert archive_deleted(before=None, most=number) == number
        costs.append(len(seen))
    assert costs[0] == costs[1]


def test_commands_take_what_is_older(cast: Cast) -> None:
    old, new = make_deleted(days_ago=40), make_deleted(days_ago=1)
    month = (timezone.now() - dt.timedelta(days=30)).date().isoformat()
    assert run("archive_deleted", "--before", month) == "1 deleted servers archived\n"
    assert list(Instance.objects.all()) == [new]
    assert run("archive_deleted", "--before", month) == "0 deleted servers archived\n"
    assert run("archive_deleted") == "1 deleted servers archived\n"
    assert run("purge_deleted", "--before", f"{month} 12:00:00") == "1 archived servers purged\n"
    assert [row.uuid for row in ArchivedServer.objects.all()] == [new.uuid]
    assert run("purge_deleted", "--all") == "1 archived servers purged\n"
    assert old.uuid != new.uuid


def test_a_round_is_bounded_and_one_can_ask_for_all(cast: Cast) -> None:
    for _ in range(5):
        make_deleted()
    assert run("archive_deleted", "--max-rows", "2") == "2 deleted servers archived\n"
    words = ("--max-rows", "2", "--until-complete", "--purge")
    assert run("archive_deleted", *words).splitlines() == [
        "3 deleted servers archived",
        "5 archived servers purged",
    ]
    assert not ArchivedServer.objects.exists()


@pytest.mark.parametrize(
    "words",
    [
        ("archive_deleted", "--before", "yesterday"),
        ("archive_deleted", "--before", "2026-13-01"),
        ("archive_deleted", "--max-rows", "0"),
        ("archive_deleted", "--max-rows", "-1"),
        ("archive_deleted", "--sleep", "nan"),
        ("purge_deleted",),
        ("purge_deleted", "--all", "--before", "2026-01-01"),
    ],
)
def test_what_makes_no_sense_is_refused(cast: Cast, words: tuple[str, ...]) -> None:
    make_deleted()
    with pytest.raises(CommandError):
        run(*words)
    assert Instance.objects.exists()


def test_a_project_whose_servers_are_archived_can_go(as_admin: ApiClient, cast: Cast) -> None:
    make_deleted(project_id=BETA, user_id=cast.outsider.user_id)
    archive_deleted(before=None, most=10)
    as_admin.delete(f"//identity/v3/projects/{BETA}").expect(204)
    assert ArchivedServer.objects.get().project_id == BETA


def test_who_held_rules_on_servers_of_a_project_that_goes_holds_none(
    as_admin: ApiClient, cast: Cast
) -> None:
    server = make_deleted(project_id=BETA, user_id=cast.outsider.user_id)
    set_rules_of_user(server, cast.member.user, [policies.SHOW])
    as_admin.delete(f"//identity/v3/projects/{BETA}").expect(204)
    assert not UserObjectPermission.objects.filter(object_pk=str(server.pk)).exists()


def test_secrets_of_a_build_are_not_kept(cast: Cast) -> None:
    server = make_deleted()
    ConsoleToken.objects.create(
        digest="d" * 64,
        instance=server,
        console_type="novnc",
        node="n",
        host="h",
        port=1,
        expires_at=timezone.now(),
    )
    archive_deleted(before=None, most=10)
    assert "d" * 64 not in str(ArchivedServer.objects.get().record)


def test_operators_look_at_archived_servers(as_member: ApiClient) -> None:
    server_id = create_and_delete(as_member)
    archive_deleted(before=None, most=10)
    client = operator()
    url = reverse("admin:servers_archivedserver_changelist")
    found = client.get(url, {"q": server_id})
    assert [str(row.uuid) for row in found.context["cl"].result_list] == [server_id]
    shown = client.get(reverse("admin:servers_archivedserver_change", args=[server_id]))
    page = shown.content.decode()
    assert "mortal" in page
    assert "stop" in page
    assert "c2VjcmV0" not in page


@pytest.mark.django_db(transaction=True)
def test_who_is_at_work_on_a_row_is_not_waited_for(cast: Cast) -> None:
    busy, free = make_deleted(), make_deleted()
    database = settings.DATABASES["default"]
    with (
        psycopg.connect(
            dbname=connection.settings_dict["NAME"],
            host=database["HOST"],
            port=database["PORT"] or None,
            user=database["USER"],
            password=database["PASSWORD"] or None,
        ) as other,
    ):
        other.execute("SELECT 1 FROM servers_instance WHERE id = %s FOR UPDATE", [busy.pk])
        assert archive_deleted(before=None, most=10) == 1
        assert list(Instance.objects.all()) == [busy]
        assert ArchivedServer.objects.get().uuid == free.uuid
        other.rollback()
    assert archive_deleted(before=None, most=10) == 1


@pytest.mark.django_db(transaction=True)
def test_two_at_a_time_share_the_work_while_servers_are_listed(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "BATCH", 3)
    servers = {make_deleted().uuid for _ in range(30)}
    alive = make_instance()
    listing = partial(ApiClient(cast.member).get, "/servers/detail")
    work = partial(archive_deleted, before=None, most=1000)
    first, second, *answers = run_at_once([work, work, *[listing] * 4])
    assert first + second == 30
    assert {row.uuid for row in ArchivedServer.objects.all()} == servers
    for answer in answers:
        assert [entry["id"] for entry in answer.json["servers"]] == [str(alive.uuid)]
