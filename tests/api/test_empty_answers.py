"""Answers without a body: what they are called."""

from __future__ import annotations

import pytest
from django.utils import timezone

from servers.models import Instance
from tests.world.cast import Cast
from tests.world.client import Answer, ApiClient, browser_of
from tests.world.factories import make_flavor, make_image, make_instance
from tests.world.hosts import make_host

JSON, HTML = "application/json", "text/html; charset=UTF-8"


@pytest.fixture
def server(db: None) -> Instance:
    make_host("host")
    image = str(make_image().pk)
    return make_instance(vm_state="active", launched_at=timezone.now(), image_ref=image)


def check(answer: Answer, content_type: str) -> None:
    assert (answer.content, answer.headers["Content-Type"]) == (b"", content_type)


def test_they_are_json(as_member: ApiClient, as_admin: ApiClient, server: Instance) -> None:
    check(as_member.post(f"/servers/{server.uuid}/action", {"lock": None}).expect(202), JSON)
    check(as_admin.delete(f"/servers/{server.uuid}").expect(204), JSON)
    check(as_admin.delete(f"/flavors/{make_flavor().flavorid}").expect(202), JSON)


def test_those_that_only_tell_a_place_are_html(as_member: ApiClient, server: Instance) -> None:
    path = f"/servers/{server.uuid}"
    check(as_member.put(f"{path}/tags/a", microversion="2.26").expect(201), HTML)
    create = {"createImage": {"name": "a"}}
    check(as_member.post(f"{path}/action", create, microversion="2.44").expect(202), HTML)
    backup = {"createBackup": {"name": "a", "backup_type": "daily", "rotation": 1}}
    check(as_member.post(f"{path}/action", backup, microversion="2.44").expect(202), HTML)


def test_a_browser_gets_a_page_all_the_same(cast: Cast) -> None:
    page = browser_of(cast.admin).delete(f"/flavors/{make_flavor().flavorid}")
    assert page.expect(202).content.lstrip().startswith(b"<!DOCTYPE html>")
    assert page.headers["Content-Type"].startswith("text/html")
