"""The pages for people: a form that follows the microversion, a session, and what was wrong."""

from __future__ import annotations

import html
import re
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse
from django.test import Client

from servers.models import Instance
from tests.world.cast import Cast
from tests.world.orders import Shop

PAGE = "/compute/v2.1/servers"
BROWSER = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def browser(cast: Cast) -> Client:
    """A browser in which a member is logged in."""
    client = Client(headers=BROWSER, enforce_csrf_checks=True)
    client.force_login(cast.member.user)
    return client


@pytest.fixture
def shop(cast: Cast) -> Shop:
    return Shop()


def names_of(page: str) -> set[str]:
    """The controls of the form."""
    form = page.partition('<form method="post" action="/compute')[2].partition("</form>")[0]
    return set(re.findall(r'name="([^"]+)"', form))


def show(browser: Client, microversion: str) -> str:
    response = browser.get(PAGE, {"microversion": microversion})
    assert response.status_code == 200
    return response.content.decode()


def send(browser: Client, microversion: str, **controls: str) -> HttpResponse:
    """As a browser sends a form."""
    return browser.post(
        f"{PAGE}?microversion={microversion}",
        urlencode(controls),
        content_type="application/x-www-form-urlencoded",
    )


def csrf_token(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found
    return found[1]


def test_the_form_has_the_keys_of_its_microversion(browser: Client) -> None:
    assert "server.personality" in names_of(show(browser, "2.56"))
    newer = names_of(show(browser, "2.57"))
    assert "server.personality" not in newer
    assert "server.tags" in newer
    assert "server.hostname" not in newer
    assert "server.hostname" in names_of(show(browser, "2.90"))


def test_the_page_names_its_microversion(browser: Client) -> None:
    page = show(browser, "2.67")
    assert "<option selected>2.67</option>" in page
    assert "at microversion 2.67" in page


def test_a_refused_form_comes_back_with_what_was_typed_and_why(browser: Client) -> None:
    token = csrf_token(show(browser, "2.67"))
    controls = {"server.name": "web", "server.key_name": "x" * 256}
    response = send(browser, "2.67", csrfmiddlewaretoken=token, **controls)
    page = html.unescape(response.content.decode())
    assert response.status_code == 400
    assert '"field": "server.flavorRef"' in page
    assert 'name="server.name" value="web"' in page
    assert "256 characters are too many" in page
    assert not Instance.objects.exists()


def test_a_form_creates_a_server(browser: Client, shop: Shop) -> None:
    token = csrf_token(show(browser, "2.67"))
    response = send(
        browser,
        "2.67",
        csrfmiddlewaretoken=token,
        **{
            "server.name": "web",
            "server.flavorRef": shop.flavor.flavorid,
            "server.imageRef": shop.image_id,
            "server.networks": "none",
            "server.tags": '["a", "b"]',
            "server.config_drive": "true",
            "server.min_count": "2",
            "server.OS-DCF:diskConfig": "AUTO",
        },
    )
    assert response.status_code == 202, response.content.decode()
    servers = Instance.objects.order_by("pk")
    assert [server.display_name for server in servers] == ["web-1", "web-2"]
    assert servers[0].config_drive == "True"
    assert servers[0].auto_disk_config is True


@pytest.mark.parametrize("number", ["--5", "²", "٣", "5-", "1" * 5000])
def test_a_form_with_a_number_that_is_none_is_refused(
    browser: Client, shop: Shop, number: str
) -> None:
    token = csrf_token(show(browser, "2.67"))
    wanted = {"server.name": "web", "server.flavorRef": shop.flavor.flavorid}
    wanted |= {"server.imageRef": shop.image_id, "server.networks": "none"}
    wanted["server.min_count"] = number
    response = send(browser, "2.67", csrfmiddlewaretoken=token, **wanted)
    assert response.status_code == 400
    assert not Instance.objects.exists()


def test_a_whole_body_wins_over_the_controls(browser: Client) -> None:
    token = csrf_token(show(browser, "2.67"))
    whole = '{"server": {"nonsense": 1}}'
    response = send(
        browser, "2.67", csrfmiddlewaretoken=token, _body=whole, **{"server.name": "web"}
    )
    assert response.status_code == 400
    assert "server.nonsense" in response.content.decode()


def test_a_whole_body_that_is_no_json_is_refused(browser: Client) -> None:
    token = csrf_token(show(browser, "2.67"))
    response = send(browser, "2.67", csrfmiddlewaretoken=token, _body="{")
    assert response.status_code == 400
    assert "not JSON" in response.content.decode()


def test_a_form_without_csrf_token_is_refused(browser: Client) -> None:
    show(browser, "2.67")
    response = send(browser, "2.67", **{"server.name": "web"})
    assert response.status_code == 403


def test_a_form_with_a_token_of_the_api_is_no_json(browser: Client, cast: Cast) -> None:
    """Only a session is guarded against forms of other sites."""
    headers = {**BROWSER, "X-Auth-Token": cast.member.token}
    response = Client(headers=headers).post(
        PAGE, "server.name=web", content_type="application/x-www-form-urlencoded"
    )
    assert response.status_code == 415


def test_a_stranger_is_shown_where_to_log_in(db: None) -> None:
    response = Client(headers=BROWSER).get(PAGE)
    assert response.status_code == 401
    assert "WWW-Authenticate" not in response
    assert "/accounts/login/" in response.content.decode()


def test_a_member_logs_in_on_a_page(cast: Cast) -> None:
    stranger = Client(headers=BROWSER)
    form = {"username": cast.member.name, "password": cast.member.password, "next": PAGE}
    assert stranger.get("/accounts/login/").status_code == 200
    response = stranger.post("/accounts/login/", form)
    assert (response.status_code, response["Location"]) == (302, PAGE)
    page = stranger.get(PAGE)
    assert page.status_code == 200
    assert cast.member.name in page.content.decode()


def test_programs_never_choose_the_version_by_the_query(cast: Cast) -> None:
    client = Client(headers={"X-Auth-Token": cast.member.token})
    response = client.get(PAGE, {"microversion": "2.67"})
    assert response["OpenStack-API-Version"] == "compute 2.1"
