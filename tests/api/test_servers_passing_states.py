"""States that pass: simulated hosts keep them, so that clients that look each second see them."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from django.conf import settings

from compute_site.options import Options
from servers.drivers import fake
from servers.models import Instance
from tests.world.client import ApiClient
from tests.world.factories import make_image
from tests.world.jobs import run_jobs
from tests.world.moving import Rack, act

pytestmark = pytest.mark.django_db

DEFAULT = Options().fake_driver_delay_seconds


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch, as_member: ApiClient) -> dict[str, float]:
    """For how long each status could be seen."""
    seconds: dict[str, float] = {}

    def look(duration: float) -> None:
        [server] = as_member.get("/servers/detail").expect(200).json["servers"]
        seconds[server["status"]] = seconds.get(server["status"], 0) + duration

    monkeypatch.setattr(fake.time, "sleep", look)
    options = dataclasses.replace(settings.OPTIONS, fake_driver_delay_seconds=DEFAULT)
    monkeypatch.setattr(settings, "OPTIONS", options)
    return seconds


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("REBOOT", {"reboot": {"type": "SOFT"}}),
        ("HARD_REBOOT", {"reboot": {"type": "HARD"}}),
        ("REBUILD", {"rebuild": {}}),
        ("PASSWORD", {"changePassword": {"adminPass": "other"}}),
    ],
)
def test_what_is_done_with_a_server_can_be_seen(
    seen: dict[str, float], as_member: ApiClient, status: str, body: dict[str, Any]
) -> None:
    server = Rack().server(as_member)
    seen.clear()
    if status == "REBUILD":
        body = {"rebuild": {"imageRef": str(make_image().pk)}}
    act(as_member, server, "2.1", **body).expect(202)
    run_jobs()
    assert seen[status] >= 1
    assert Instance.objects.get().vm_state == "active"


def test_a_build_can_be_seen(seen: dict[str, float], as_member: ApiClient) -> None:
    Rack().server(as_member)
    assert seen == {"BUILD": pytest.approx(DEFAULT)}
    assert DEFAULT >= 1


def test_an_image_is_made_alone(seen: dict[str, float], as_member: ApiClient) -> None:
    server = Rack().server(as_member)
    first = {"createImage": {"name": "first"}}
    assert act(as_member, server, "2.45", **first).expect(202).json["image_id"]
    act(as_member, server, "2.45", createImage={"name": "second"}).expect(409)
    run_jobs()
    saved = Instance.objects.get()
    assert (saved.vm_state, saved.task_state) == ("active", None)
    act(as_member, server, "2.45", createImage={"name": "third"}).expect(202)


def test_a_backup_takes_the_place_of_the_last_when_it_is_made(
    seen: dict[str, float], as_member: ApiClient
) -> None:
    server = Rack().server(as_member)
    for name in ("monday", "tuesday"):
        body = {"name": name, "backup_type": "daily", "rotation": 1}
        act(as_member, server, "2.45", createBackup=body).expect(202)
        run_jobs()
    images = as_member.get("//image/v2/images").expect(200).json["images"]
    assert [image["name"] for image in images if image.get("backup_type")] == ["tuesday"]
