"""The first page, and the pages that lead back to it."""

from __future__ import annotations

import html
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from servers.models import Service
from tests.world.cast import Cast
from tests.world.factories import make_user
from tests.world.hosts import make_host

BROWSER = {"Accept": "text/html,application/xhtml+xml"}


def page_of(client: Client, path: str, status: int = 200, **words: Any) -> str:
    response = client.get(path, **words)
    assert response.status_code == status
    assert response["Content-Type"].startswith("text/html")
    return html.unescape(response.content.decode())


@pytest.fixture
def browser(db: None) -> Client:
    return Client(headers=BROWSER)


def test_the_first_page_leads_everywhere(browser: Client) -> None:
    page = page_of(browser, "/")
    for link in ("/admin/", "/docs/", "/schema/", "/compute/v2.1/servers", "/accounts/login/"):
        assert f'href="{link}"' in page
    assert "OS_AUTH_URL=http://testserver/identity" in page
    assert "<dt>Hosts</dt>" not in page


def test_the_first_page_tells_of_workers(browser: Client) -> None:
    Service.objects.control().update(last_seen_up=None)
    assert "new servers wait until one is started" in page_of(browser, "/")
    Service.objects.control().update(last_seen_up=timezone.now())
    assert "new servers wait until one is started" not in page_of(browser, "/")


def test_who_has_signed_in_sees_how_much_there_is(browser: Client, cast: Cast) -> None:
    make_host()
    browser.force_login(cast.member.user)
    page = page_of(browser, "/")
    assert "<dd>1, with 0 servers on them</dd>" in page
    assert f"signed in as {cast.member.user.username}" in page
    assert "/accounts/login/" not in page


@pytest.mark.parametrize("method", ["get", "post"])
def test_programs_get_the_versions_at_the_root(method: str, db: None) -> None:
    answer = getattr(Client(enforce_csrf_checks=True), method)("/")
    assert answer.status_code == 200
    assert [version["id"] for version in answer.json()["versions"]] == ["v2.0", "v2.1"]


def test_a_page_that_is_not_there_leads_back(browser: Client) -> None:
    page = page_of(browser, "/<nowhere>", 404)
    assert "There is nothing at /<nowhere>." in page
    assert 'href="/"' in page
    assert "<nowhere>" not in browser.get("/<nowhere>").content.decode()


def test_a_page_that_is_forbidden_leads_back(browser: Client, cast: Cast) -> None:
    browser.force_login(make_user("looker", is_staff=True))
    assert 'href="/"' in page_of(browser, "/admin/servers/instance/", 403)


@pytest.mark.parametrize("path", ["/", "/compute/v2.1/servers", "/identity/v3"])
def test_an_unknown_host_is_named_with_the_option(path: str, cast: Cast) -> None:
    text = "does not answer to the host cloud.test:81. The option COMPUTE_SITE_ALLOWED_HOSTS lists"
    program = Client(headers={"X-Auth-Token": cast.member.token})
    answer = program.get(path, HTTP_HOST="cloud.test:81")
    assert answer.status_code == 400
    assert text in answer.content.decode()
    if path == "/":
        assert text in page_of(Client(headers=BROWSER), path, 400, HTTP_HOST="cloud.test:81")
