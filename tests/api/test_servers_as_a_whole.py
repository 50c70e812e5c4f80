"""What an action writes of a server, it writes together; what others wrote meanwhile stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from servers.actions import lock, rebuild, reset, shelve
from servers.errors import WrongState
from servers.models import Instance, InstanceAction, RequestSpec
from tests.world.client import ApiClient
from tests.world.factories import make_image, make_instance
from tests.world.hosts import make_host
from tests.world.jobs import run_jobs
from tests.world.moving import act

PASSWORD = {"password_0": "secret", "other": "kept"}


def make_server(**fields: Any) -> Instance:
    make_host("host")
    image = {"image_ref": str(make_image().pk), "system_metadata": PASSWORD}
    server = make_instance(launched_at=timezone.now(), **image | fields)
    RequestSpec.objects.create(instance=server, flavor=server.flavor)
    return server


def refuse(*_: Any, **__: Any) -> None:
    raise WrongState("The history cannot be written now.")


@pytest.mark.parametrize(
    ("module", "late", "body"),
    [
        (rebuild, "choose_password", {"rebuild": {"imageRef": ""}}),
        (shelve, "ask_host", {"shelve": None}),
    ],
)
def test_a_password_that_is_deleted_meanwhile_does_not_come_back(
    as_member: ApiClient,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    late: str,
    body: dict[str, Any],
) -> None:
    server = make_server()
    go_on: Callable[..., Any] = getattr(module, late)

    def delete_password(*args: Any, **values: Any) -> Any:
        as_member.delete(f"/servers/{server.uuid}/os-server-password").expect(204)
        return go_on(*args, **values)

    monkeypatch.setattr(module, late, delete_password)
    if "rebuild" in body:
        body = {"rebuild": {"imageRef": str(make_image(properties={"os_type": "linux"}).pk)}}
    act(as_member, server, **body).expect(202)
    server.refresh_from_db()
    assert "password_0" not in server.system_metadata
    assert server.system_metadata["other"] == "kept"


def test_the_image_of_the_shelf_that_is_forgotten_is_the_present_one(
    as_member: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = make_server()
    old = make_image(owner_id=server.project_id)
    real = shelve.ask_host

    def remember_another(*args: Any, **values: Any) -> None:
        kept = {**PASSWORD, "shelved_image_id": str(old.pk)}
        Instance.objects.filter(pk=server.pk).update(system_metadata=kept)
        real(*args, **values)

    monkeypatch.setattr(shelve, "ask_host", remember_another)
    act(as_member, server, shelve=None).expect(202)
    run_jobs()
    assert not type(old).objects.filter(pk=old.pk).exists()


@pytest.mark.parametrize(
    ("module", "body", "before"),
    [
        (lock, {"lock": None}, {}),
        (lock, {"unlock": None}, {"locked": True, "locked_by": "owner"}),
        (reset, {"os-resetState": {"state": "error"}}, {}),
    ],
)
def test_nothing_changes_without_a_line_in_the_history(
    as_admin: ApiClient,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    body: dict[str, Any],
    before: dict[str, Any],
) -> None:
    server = make_server(**before)
    monkeypatch.setattr(module, "log_action", refuse)
    act(as_admin, server, **body).expect(409)
    found = Instance.objects.get(pk=server.pk)
    assert (found.vm_state, found.locked) == (server.vm_state, server.locked)
    assert not InstanceAction.objects.exists()


@pytest.mark.parametrize(
    "body", [{"lock": None}, {"unlock": None}, {"os-resetState": {"state": "error"}}]
)
def test_a_server_that_is_deleted_meanwhile_is_not_found(
    as_admin: ApiClient, monkeypatch: pytest.MonkeyPatch, body: dict[str, Any]
) -> None:
    server = make_server(locked=True)
    name = "lock" if "os-resetState" not in body else "reset"
    module = {"lock": lock, "reset": reset}[name]
    real = module.lock_row

    def delete_first(instance: Instance) -> Instance:
        now = timezone.now()
        Instance.objects.filter(pk=instance.pk).update(vm_state="deleted", deleted_at=now)
        return real(instance)

    monkeypatch.setattr(module, "lock_row", delete_first)
    act(as_admin, server, **body).expect(404)
    assert not InstanceAction.objects.exists()
