"""What servers do not wait for any longer: options that end resizes, rescues and reboots."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from servers.actions.overdue import end_overdue_rescues, reboot_stuck
from servers.models import Instance, InstanceAction, Migration, Service
from servers.moves.confirm_or_revert import confirm_overdue
from servers.worker.tasks import end_waiting
from tests.world.client import ApiClient
from tests.world.factories import make_image
from tests.world.jobs import drop_jobs, run_jobs
from tests.world.moving import Rack, act, assert_books_balance, move_of, resize, state

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def rack(db: None) -> Rack:
    return Rack()


@pytest.fixture
def option(settings: Any) -> Callable[..., None]:
    def set_options(**values: Any) -> None:
        settings.OPTIONS = dataclasses.replace(settings.OPTIONS, **values)

    return set_options


def resized(rack: Rack, client: ApiClient, *, ago: dt.timedelta = HOUR) -> Instance:
    server = rack.server(client)
    resize(client, server, rack.large).expect(202)
    run_jobs()
    assert state(server) == ("resized", None)
    Migration.objects.update(updated_at=timezone.now() - ago)
    return server


def rescued(rack: Rack, client: ApiClient, *, ago: dt.timedelta = HOUR) -> Instance:
    server = rack.server(client)
    Instance.objects.filter(pk=server.pk).update(launched_at=timezone.now() - 9 * HOUR)
    act(client, server, rescue=None).expect(200)
    run_jobs()
    server.refresh_from_db()
    assert server.launched_at is not None
    assert timezone.now() - server.launched_at < HOUR
    Instance.objects.filter(pk=server.pk).update(launched_at=timezone.now() - ago)
    return server


def rebooting(rack: Rack, client: ApiClient, *, ago: dt.timedelta = HOUR) -> Instance:
    server = rack.server(client)
    act(client, server, reboot={"type": "SOFT"}).expect(202)
    Instance.objects.filter(pk=server.pk).update(updated_at=timezone.now() - ago)
    return server


@dataclasses.dataclass(frozen=True)
class Case:
    """An option, servers that it is about, and what it does with them."""

    name: str
    prepare: Callable[..., Instance]
    end: Callable[[], int]
    action: str


CASES = [
    Case("resize_confirm_window", resized, confirm_overdue, "confirmResize"),
    Case("rescue_timeout", rescued, end_overdue_rescues, "unrescue"),
    Case("reboot_timeout", rebooting, reboot_stuck, "reboot"),
]
each_option = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@each_option
def test_nothing_ends_by_itself_unless_the_site_wants_it(
    rack: Rack,
    as_member: ApiClient,
    option: Callable[..., None],
    case: Case,
) -> None:
    before = state(case.prepare(rack, as_member))
    assert case.end() == 0
    option(**{case.name: 7200})
    assert case.end() == 0
    assert state(Instance.objects.get()) == before


@each_option
def test_what_has_gone_on_for_too_long_ends(
    rack: Rack,
    as_member: ApiClient,
    option: Callable[..., None],
    case: Case,
) -> None:
    option(**{case.name: 1800})
    server = case.prepare(rack, as_member)
    as_lock = act(as_member, server, lock=None)
    as_lock.expect(202)
    Instance.objects.update(updated_at=timezone.now() - HOUR)  # a lock is a change
    end_waiting(0)
    end_waiting(0)  # what has begun does not begin again
    run_jobs()
    assert state(server) == ("active", None)
    done = InstanceAction.objects.filter(instance=server, action=case.action).latest("pk")
    assert (done.user_id, done.project_id, done.message) == ("", "", None)
    assert done.request_id.startswith("req-")
    url = f"/servers/{server.uuid}/os-instance-actions/{done.request_id}"
    shown = as_member.get(url).expect(200).json["instanceAction"]
    assert (shown["user_id"], shown["project_id"]) == (None, None)
    assert_books_balance()


@each_option
def test_a_host_that_is_down_is_not_asked(
    rack: Rack,
    as_member: ApiClient,
    option: Callable[..., None],
    case: Case,
) -> None:
    option(**{case.name: 1800})
    before = state(case.prepare(rack, as_member))
    Service.objects.update(forced_down=True)
    assert case.end() == 0
    assert state(Instance.objects.get()) == before
    Service.objects.update(forced_down=False)
    assert case.end() == 1


def test_a_resize_that_is_reverted_is_not_confirmed(
    rack: Rack, as_member: ApiClient, option: Callable[..., None]
) -> None:
    option(resize_confirm_window=1800)
    server = resized(rack, as_member)
    act(as_member, server, revertResize=None).expect(202)
    Migration.objects.update(updated_at=timezone.now() - HOUR)
    assert confirm_overdue() == 0
    run_jobs()
    assert move_of(server).status == "reverted"


def test_a_hard_reboot_takes_the_place_of_a_soft_one(
    rack: Rack, as_member: ApiClient, option: Callable[..., None]
) -> None:
    option(reboot_timeout=1800)
    server = rebooting(rack, as_member)
    drop_jobs()
    assert reboot_stuck() == 1
    assert state(server) == ("active", "rebooting_hard")


# config drives


def test_the_image_wants_a_config_drive(rack: Rack, as_member: ApiClient) -> None:
    image = make_image(properties={"img_config_drive": "mandatory"})
    server = rack.server(as_member, imageRef=str(image.pk))
    shown = as_member.get(f"/servers/{server.uuid}").json["server"]
    assert (server.config_drive, shown["config_drive"]) == ("True", "True")


def test_the_site_wants_config_drives_of_new_servers(
    rack: Rack, as_member: ApiClient, option: Callable[..., None]
) -> None:
    old = rack.server(as_member)
    option(force_config_drive=True)
    answer = rack.shop.order(as_member).expect(202).json["server"]
    assert Instance.objects.get(uuid=answer["id"]).config_drive == ""
    run_jobs()
    assert Instance.objects.get(uuid=answer["id"]).config_drive == "True"
    act(as_member, old, rebuild={"imageRef": rack.shop.image_id}).expect(202)
    run_jobs()
    old.refresh_from_db()
    assert old.config_drive == ""


@pytest.mark.parametrize(("wanted", "drive"), [("mandatory", "True"), ("optional", "")])
def test_a_server_that_is_rebuilt_gets_what_its_new_image_wants(
    rack: Rack, as_member: ApiClient, wanted: str, drive: str
) -> None:
    server, image = rack.server(as_member), make_image(properties={"img_config_drive": wanted})
    before = server.launched_at
    act(as_member, server, rebuild={"imageRef": str(image.pk)}).expect(202)
    run_jobs()
    server.refresh_from_db()
    assert server.config_drive == drive
    assert before is not None
    assert server.launched_at > before
