"""The pages of the API for people: links that stay at the version, forms for what can be done."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from servers.models import Instance
from tests.world.cast import Cast
from tests.world.client import ApiClient, browser_of
from tests.world.factories import make_instance, make_network
from tests.world.orders import Shop

LIST = "/compute/v2.1/servers"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def browser(cast: Cast) -> ApiClient:
    return browser_of(cast.member)


def links_of(page: str) -> list[str]:
    return [html.unescape(link) for link in re.findall(r'href="([^"]+)"', page)]


def page_of(browser: ApiClient, path: str) -> str:
    return browser.get(path, microversion=None).expect(200).content.decode()


def send(browser: ApiClient, path: str, **entered: str) -> Any:
    return browser.http.post(
        path, urlencode(entered or {"csrfmiddlewaretoken": ""}), content_type=FORM
    )


def test_links_and_the_next_page_keep_the_version_and_the_query(browser: ApiClient) -> None:
    servers = [make_instance(display_name="a<b") for _ in range(2)]
    links = links_of(page_of(browser, "/servers?limit=1&microversion=2.90&status=ACTIVE"))
    shown = f"http://testserver{LIST}/{servers[1].uuid}?microversion=2.90"
    assert shown in links
    [following] = [link for link in links if "marker" in link]
    assert {"limit=1", "microversion=2.90", "status=ACTIVE"} <= set(
        following.partition("?")[2].split("&")
    )
    last = browser.http.get(following).content.decode()
    assert str(servers[0].uuid) in last
    assert "<option selected>2.90</option>" in last
    assert "a&lt;b" in last
    assert '<input type="hidden" name="limit" value="1">' in last


def test_the_way_to_a_new_server_keeps_the_version(browser: ApiClient) -> None:
    shop = Shop()
    entered = {
        "server.name": "web",
        "server.flavorRef": shop.flavor.flavorid,
        "server.imageRef": shop.image_id,
        "server.networks": '"none"',
    }
    answer = send(browser, f"{LIST}?microversion=2.67", **entered)
    assert answer.status_code == 202
    server = Instance.objects.get()
    assert f"http://testserver{LIST}/{server.uuid}?microversion=2.67" in links_of(answer.text)


def test_flavors_images_and_networks_are_chosen_by_name(browser: ApiClient, cast: Cast) -> None:
    shop, network = Shop(), make_network(name="office")
    page = html.unescape(page_of(browser, "/servers?microversion=2.67"))
    assert f'<option value="{shop.flavor.flavorid}">{shop.flavor.name}</option>' in page
    assert f'<option value="{shop.image_id}">{shop.image.name}</option>' in page
    assert f'<option value="[{{"uuid": "{network.pk}"}}]">office</option>' in page
    other = html.unescape(browser_of(cast.outsider).get("/servers").content.decode())
    assert "office" not in other


def test_the_form_stands_above_the_list(browser: ApiClient) -> None:
    make_instance()
    page = page_of(browser, "/servers")
    assert page.index('id="create"') < page.index('class="response-info"')
    refused = send(browser, LIST).text
    assert refused.index('class="response-info"') < refused.index('id="create" open')


def test_a_form_changes_a_server(browser: ApiClient) -> None:
    server = make_instance(display_name="old")
    path = f"{LIST}/{server.uuid}"
    assert f'action="{path}?microversion=2.1&amp;_method=PUT"' in page_of(
        browser, f"/servers/{server.uuid}"
    )
    url = f"{path}?microversion=2.90&_method=PUT"
    refused = send(browser, url, **{"server.name": "x" * 300})
    assert refused.status_code == 400
    assert "x" * 300 in refused.text
    changed = send(browser, url, **{"server.name": "new"})
    assert changed.status_code == 200
    assert Instance.objects.get().display_name == "new"


def test_a_form_deletes_a_server(browser: ApiClient) -> None:
    server = make_instance(host=None, vm_state="error")
    url = f"{LIST}/{server.uuid}?microversion=2.90&_method=DELETE"
    answer = send(browser, url)
    assert "HTTP 204" in answer.text
    assert answer.status_code == 200, "a browser stays where it was after a 204"
    assert Instance.objects.get().deleted_at is not None


def test_a_form_does_something_with_a_server(browser: ApiClient) -> None:
    server = make_instance()
    page = page_of(browser, f"/servers/{server.uuid}?microversion=2.90")
    assert f'action="{LIST}/{server.uuid}/action?microversion=2.90"' in page
    assert "<option>os-stop</option>" in page
    action = f"{LIST}/{server.uuid}/action?microversion=2.90"
    done = send(browser, action, _action="lock", _value='{"locked_reason": "mine"}')
    assert done.status_code == 202
    assert send(browser, action, _action="unlock").status_code == 202
    assert send(browser, action, _action="reboot", _value="{").status_code == 400


def test_only_pages_send_one_method_for_another(cast: Cast) -> None:
    """And only with the token against forgery."""
    server = make_instance(host=None, vm_state="error")
    url = f"{LIST}/{server.uuid}?_method=DELETE"
    program = ApiClient(cast.member)
    assert program.post(f"//{url[1:]}", {}).status == 404
    forged = Client(headers={"Accept": "text/html"}, enforce_csrf_checks=True)
    forged.force_login(cast.member.user)
    assert forged.post(url, "", content_type=FORM).status_code == 403
    forged.get(LIST)
    token = forged.cookies["csrftoken"].value
    sent = urlencode({"csrfmiddlewaretoken": token})
    assert Instance.objects.get().deleted_at is None
    assert forged.post(url, sent, content_type=FORM).status_code == 200
    assert Instance.objects.get().deleted_at is not None


def test_a_browser_gets_json_where_it_asks_for_it(browser: ApiClient) -> None:
    make_instance(), make_instance()
    answer = browser.get(
        "/servers/detail?limit=1&microversion=2.90&format=json", microversion=None
    ).expect(200)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["OpenStack-API-Version"] == "compute 2.90"
    assert "format=json" in answer.json["servers_links"][0]["href"]


@pytest.mark.parametrize("path", [LIST, "/accounts/login/"])
def test_pages_have_our_name_and_fit_phones(cast: Cast, path: str) -> None:
    page = Client(headers={"Accept": "text/html"}).get(path).content.decode()
    assert "Django REST framework" not in page
    assert "– compute-site</title>" in page
    assert 'name="viewport"' in page
