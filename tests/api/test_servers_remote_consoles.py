"""``/servers/{id}/remote-consoles``, its older actions, and ``/os-console-auth-tokens``."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from servers.actions.remote_console import purge_console_tokens
from servers.models import ConsoleToken, Instance
from tests.world.cast import BETA
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_instance, make_order
from tests.world.hosts import make_host

PROXIES = {
    "novnc": "http://proxy.test:6080/vnc_auto.html",
    "spice-html5": "http://proxy.test:6082/spice_auto.html",
    "spice-direct": "http://proxy.test:13002/nova",
    "serial": "ws://proxy.test:6083/",
    "webmks": "http://proxy.test:6090/?theme=dark",
}


@pytest.fixture
def every_proxy(settings: Any) -> None:
    proxies = tuple({"type": name, "url": url} for name, url in PROXIES.items())
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, console_proxies=proxies)


@pytest.fixture
def server(db: None) -> Instance:
    make_host("host")
    return make_instance(vm_state="active", launched_at=timezone.now())


def ask(
    client: ApiClient, server: Instance, protocol: str, kind: str, version: str = "2.100"
) -> Answer:
    body = {"remote_console": {"protocol": protocol, "type": kind}}
    return client.post(f"/servers/{server.uuid}/remote-consoles", body, microversion=version)


def token_in(url: str) -> str:
    query = parse_qs(urlsplit(url).query)
    if "path" in query:
        query = parse_qs(urlsplit(query["path"][0]).query)
    [token] = query["token"]
    return token


def find(client: ApiClient, token: str, version: str = "2.31") -> Answer:
    return client.get(f"/os-console-auth-tokens/{token}", microversion=version)


@pytest.mark.usefixtures("every_proxy")
@pytest.mark.parametrize(
    "asked",
    [
        ("vnc", "novnc", "2.6"),
        ("spice", "spice-html5", "2.6"),
        ("serial", "serial", "2.6"),
        ("mks", "webmks", "2.8"),
        ("spice", "spice-direct", "2.99"),
    ],
)
def test_an_address_leads_to_the_console(
    as_member: ApiClient, as_admin: ApiClient, server: Instance, asked: tuple[str, str, str]
) -> None:
    protocol, kind, since = asked
    shown = ask(as_member, server, protocol, kind, since).expect(200).json["remote_console"]
    assert (shown["protocol"], shown["type"]) == (protocol, kind)
    assert shown["url"].startswith(PROXIES[kind])
    console = find(as_admin, token_in(shown["url"])).expect(200).json["console"]
    assert (console["instance_uuid"], console["host"]) == (str(server.uuid), "host")
    assert set(console) == {"instance_uuid", "host", "port", "internal_access_path"}


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("os-getVNCConsole", "novnc"),
        ("os-getSPICEConsole", "spice-html5"),
        ("os-getSerialConsole", "serial"),
    ],
)
@pytest.mark.usefixtures("every_proxy")
def test_each_protocol_had_an_action_of_its_own(
    as_member: ApiClient, as_admin: ApiClient, server: Instance, action: str, kind: str
) -> None:
    path, body = f"/servers/{server.uuid}/action", {action: {"type": kind}}
    shown = as_member.post(path, body, microversion="2.5").expect(200).json["console"]
    assert shown["type"] == kind
    find(as_admin, token_in(shown["url"])).expect(200)
    as_member.post(path, body, microversion="2.6").expect(404)
    as_member.post(path, {action: {}}, microversion="2.5").expect(400)
    as_member.post(path, {action: {"type": "nosuch"}}, microversion="2.5").expect(400)


def test_there_are_no_rdp_consoles_any_more(as_member: ApiClient, server: Instance) -> None:
    path = f"/servers/{server.uuid}/action"
    for asked in ({"type": "rdp-html5"}, None):
        as_member.post(path, {"os-getRDPConsole": asked}, microversion="2.5").expect(400)
    as_member.post(path, {"os-getRDPConsole": None}, microversion="2.6").expect(404)
    ask(as_member, server, "rdp", "rdp-html5").expect(400)
    ask(as_member, make_order().instance, "rdp", "rdp-html5").expect(400)


@pytest.mark.parametrize(
    ("protocol", "kind", "version"),
    [
        ("vnc", "xvpvnc", "2.6"),
        ("vnc", "serial", "2.6"),
        ("spice", "novnc", "2.6"),
        ("mks", "webmks", "2.7"),
        ("spice", "spice-direct", "2.98"),
        ("nosuch", "novnc", "2.6"),
        ("vnc", "nosuch", "2.6"),
    ],
)
@pytest.mark.usefixtures("every_proxy")
def test_what_there_is_no_console_for(
    as_member: ApiClient, server: Instance, protocol: str, kind: str, version: str
) -> None:
    assert ask(as_member, server, protocol, kind, version).expect(400).fault == "badRequest"
    assert not ConsoleToken.objects.exists()


def test_without_a_proxy_for_it_a_console_is_refused(
    as_member: ApiClient, server: Instance
) -> None:
    ask(as_member, server, "vnc", "novnc").expect(200)
    assert "serial" in ask(as_member, server, "serial", "serial").expect(400).message


def test_the_url_is_young(as_member: ApiClient, server: Instance) -> None:
    ask(as_member, server, "vnc", "novnc", "2.5").expect(404)
    as_member.get(f"/servers/{server.uuid}/remote-consoles", microversion="2.6").expect(404)


@pytest.mark.parametrize("task", ["deleting", "migrating"])
def test_a_server_that_leaves_its_host_has_none(
    as_member: ApiClient, server: Instance, task: str
) -> None:
    Instance.objects.update(task_state=task)
    ask(as_member, server, "vnc", "novnc").expect(409)


def test_a_server_on_no_host_has_none(as_member: ApiClient) -> None:
    ask(as_member, make_order().instance, "vnc", "novnc").expect(409)
    offloaded = make_instance(vm_state="shelved_offloaded", host=None, node=None)
    ask(as_member, offloaded, "vnc", "novnc").expect(409)


def test_a_lock_and_a_rest_do_not_matter(as_member: ApiClient, server: Instance) -> None:
    Instance.objects.update(locked=True, vm_state="stopped")
    ask(as_member, server, "vnc", "novnc").expect(200)


def test_who_may(as_reader: ApiClient, as_outsider: ApiClient, server: Instance) -> None:
    ask(as_reader, server, "vnc", "novnc").expect(403)
    ask(as_outsider, server, "vnc", "novnc").expect(404)
    foreign = make_instance(project_id=BETA, vm_state="active")
    ask(as_outsider, foreign, "vnc", "novnc").expect(200)


def test_each_request_gets_a_token_of_its_own_of_which_only_the_digest_is_kept(
    as_member: ApiClient, server: Instance
) -> None:
    urls = [
        ask(as_member, server, "vnc", "novnc").expect(200).json["remote_console"]["url"]
        for _ in range(2)
    ]
    tokens = {token_in(url) for url in urls}
    assert len(tokens) == 2
    assert not tokens & set(ConsoleToken.objects.values_list("digest", flat=True))


class TestTokens:
    @pytest.fixture
    def token(self, as_member: ApiClient, server: Instance) -> str:
        answer = ask(as_member, server, "vnc", "novnc").expect(200)
        return token_in(answer.json["remote_console"]["url"])

    def test_only_admins_ask(self, as_member: ApiClient, as_admin: ApiClient, token: str) -> None:
        find(as_member, token).expect(403)
        find(as_admin, token).expect(200)
        find(as_admin, "nosuch").expect(404)

    def test_old_versions_do_not_tell(
        self, as_member: ApiClient, as_admin: ApiClient, token: str
    ) -> None:
        for client in (as_member, as_admin):
            find(client, token, "2.30").expect(400)

    def test_parameters_are_refused_lately(self, as_admin: ApiClient, token: str) -> None:
        find(as_admin, f"{token}?x=1", "2.98").expect(200)
        find(as_admin, f"{token}?x=1", "2.99").expect(400)

    def test_they_end_with_their_time(self, as_admin: ApiClient, token: str) -> None:
        assert purge_console_tokens() == 0
        ConsoleToken.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
        find(as_admin, token).expect(404)
        assert purge_console_tokens() == 1

    @pytest.mark.parametrize(
        "change",
        [
            {"vm_state": "deleted", "deleted_at": timezone.now()},
            {"node": "elsewhere"},
            {"vm_state": "shelved_offloaded", "host": None, "node": None},
        ],
    )
    def test_they_end_when_the_server_leaves_its_host(
        self, as_admin: ApiClient, token: str, change: dict[str, Any]
    ) -> None:
        Instance.objects.update(**change)
        find(as_admin, token).expect(404)

    def test_the_encrypted_port_shows_lately(
        self, as_member: ApiClient, as_admin: ApiClient, server: Instance, every_proxy: None
    ) -> None:
        answer = ask(as_member, server, "spice", "spice-direct").expect(200)
        token = token_in(answer.json["remote_console"]["url"])
        assert "tls_port" not in find(as_admin, token, "2.98").json["console"]
        assert isinstance(find(as_admin, token, "2.99").json["console"]["tls_port"], int)
