"""*Who did what*: changes in the admin, actions on servers, limits, sign-ins, tokens: one page."""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from compute_site.identity.ids import stable_id
from compute_site.identity.models import FailedSignIns, IdentityChange, SignIn, Token
from compute_site.identity.records import (
    KEPT,
    note_change,
    note_failed_sign_in,
    purge_records,
)
from compute_site.identity.sign_ins import purge_sign_ins
from quotas.changes import set_limits
from servers.models import Instance, InstanceAction
from tests.world.cast import ALPHA, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_instance, make_user
from tests.world.staff import operator, staff, user_of

PAGE = "/admin/activity/"
Statements = Callable[[], AbstractContextManager[CaptureQueriesContext]]


@pytest.fixture
def admin_site(cast: Cast) -> Client:
    client = operator()
    Token.objects.all().delete()
    SignIn.objects.all().delete()
    return client


def shown(client: Client, **query: Any) -> list[str]:
    """The lines, each as kind and what was done."""
    answer: Any = client.get(PAGE, query)
    assert answer.status_code == 200
    return [f"{entry['kind']}: {entry['what']}" for entry in answer.context["entries"]]


def act(server: Instance, user_id: str, action: str = "reboot", **values: Any) -> InstanceAction:
    return InstanceAction.objects.create(
        instance=server,
        action=action,
        user_id=user_id,
        project_id=ALPHA,
        request_id=f"req-{action}",
        **values,
    )


def test_an_empty_page_says_so(admin_site: Client) -> None:
    assert "Nothing was found." in admin_site.get(PAGE).content.decode()


def test_what_was_done_stands_in_order_with_who_did_it(admin_site: Client, cast: Cast) -> None:
    server = make_instance(display_name="web")
    member = cast.member.user_id
    act(server, member, start_time=timezone.now() - dt.timedelta(hours=2))
    act(server, "", "stop", start_time=timezone.now() - dt.timedelta(hours=1))
    set_limits(ALPHA, {"cores": 7}, by=member)
    url = f"/admin/servers/instance/do/set_error/?key={server.pk}"
    admin_site.post(url)
    lines = shown(admin_site)
    assert lines[-3:] == [
        "limit: cores: none of its own → 7",
        "action on a server: stop",
        "action on a server: reboot",
    ]
    assert sorted(lines[:-3]) == [
        "action on a server: resetState",
        "change in the admin: Set error: asked for in the admin.",
    ]
    page = html.unescape(admin_site.get(PAGE).content.decode())
    assert f'<a href="/admin/identity/user/{member}/change/">{cast.member.name}</a>' in page
    assert "the site" in page
    assert f'<a href="/admin/servers/instance/{server.pk}/change/">web</a>' in page


def test_sign_ins_and_tokens_are_noted(admin_site: Client, cast: Cast) -> None:
    browser = Client(REMOTE_ADDR="192.0.2.7")
    sent = {"username": cast.admin.name, "password": cast.admin.password}
    assert browser.post("/admin/login/?next=/admin/", sent).status_code == 302
    identity = {
        "methods": ["password"],
        "password": {"user": {"id": cast.member.user_id, "password": cast.member.password}},
    }
    ApiClient().post("//identity/v3/auth/tokens", {"auth": {"identity": identity}}).expect(201)
    token = Token.objects.get()
    assert shown(admin_site) == [
        f"token: token {token.audit_id} by password",
        "sign-in: signed in with a browser from 192.0.2.7",
    ]
    assert shown(admin_site, about="192.0.2.7", kind="sign-in") != []


def test_sharing_a_server_by_the_api_is_noted(as_manager: ApiClient, cast: Cast) -> None:
    server = make_instance()
    url = f"/servers/{server.uuid}/grants/{cast.outsider.user_id}"
    as_manager.put(url, {"grant": {"rules": ["os_compute_api:servers:show"]}}).expect(200)
    as_manager.delete(url).expect(204)
    assert shown(operator(), about=str(server.uuid)) == [
        "action on a server: unshare",
        "action on a server: share",
    ]


def test_the_page_is_narrowed_by_person_object_kind_and_time(
    admin_site: Client, cast: Cast
) -> None:
    web, other = make_instance(display_name="web"), make_instance()
    member, manager = cast.member.user_id, cast.manager.user_id
    old = timezone.now() - dt.timedelta(days=3)
    act(web, member, "stop", start_time=old)
    act(web, manager, "start")
    act(other, member, "lock")
    set_limits(ALPHA, {"cores": 7}, by=member)
    by_member = {"person": cast.member.name}
    assert shown(admin_site, **by_member, kind="server") == [
        "action on a server: lock",
        "action on a server: stop",
    ]
    assert shown(admin_site, person=member, kind="limit") != []
    for word in ("web", str(web.uuid)):
        assert shown(admin_site, about=word) == [
            "action on a server: start",
            "action on a server: stop",
        ]
    day = f"{timezone.now() - dt.timedelta(days=1):%Y-%m-%dT%H:%M}"
    assert shown(admin_site, until=day) == ["action on a server: stop"]
    assert "action on a server: stop" not in shown(admin_site, since=day)
    assert len(shown(admin_site, about="alpha")) == 4
    assert shown(admin_site, person="nobody") == []


@pytest.mark.parametrize(
    "query", [{"since": "banana"}, {"person": "a\0b"}, {"kind": "gossip"}, {"about": "x" * 300}]
)
def test_nonsense_is_told(admin_site: Client, query: dict[str, str]) -> None:
    answer = admin_site.get(PAGE, query)
    assert list(answer.context["form"].errors) == list(query)
    assert answer.context["entries"] == []


def test_older_entries_are_on_the_next_page(admin_site: Client, cast: Cast) -> None:
    server, user = make_instance(), user_of(admin_site)
    now = timezone.now()
    InstanceAction.objects.bulk_create(
        InstanceAction(
            instance=server,
            action=f"action {number}",
            user_id=user.pk,
            project_id=ALPHA,
            request_id="-",
            start_time=now - dt.timedelta(minutes=150 - number),
        )
        for number in range(150)
    )
    first: Any = admin_site.get(PAGE)
    assert len(first.context["entries"]) == 100
    second: Any = admin_site.get(f"{PAGE}?{first.context['older']}")
    seen = {entry["what"] for page in (first, second) for entry in page.context["entries"]}
    assert len(seen) == 150
    assert second.context["older"] == ""


@pytest.mark.parametrize(
    ("permission", "kind"),
    [
        ("admin.view_logentry", "change in the admin"),
        ("servers.view_instanceaction", "action on a server"),
        ("quotas.view_projectquota", "limit"),
        ("identity.view_signin", "sign-in"),
        ("identity.view_failedsignins", "failed sign-in"),
        ("identity.view_identitychange", "project, user or role by the API"),
        ("identity.view_token", "token"),
    ],
)
def test_who_may_see_one_table_sees_no_other(cast: Cast, permission: str, kind: str) -> None:
    client = staff(permission)
    act(make_instance(), cast.member.user_id)
    set_limits(ALPHA, {"cores": 7}, by=cast.member.user_id)
    LogEntry.objects.create(
        user_id=cast.admin.user_id, object_repr="x", action_flag=CHANGE, object_id="1"
    )
    SignIn.objects.create(user_id=cast.member.user_id)
    note_failed_sign_in(cast.member.user_id, way="page")
    note_change(make_user(), "Made.", by=cast.admin.user_id)
    kinds = {line.partition(":")[0] for line in shown(client)}
    assert kinds == {kind}
    assert "/admin/activity/" in client.get("/admin/").content.decode()


def test_the_page_is_for_nobody_else(cast: Cast) -> None:
    client = staff("servers.view_instance")
    assert client.get(PAGE).status_code == 403
    assert PAGE not in client.get("/admin/").content.decode()


def test_the_page_takes_as_many_statements_for_one_as_for_many(
    admin_site: Client, cast: Cast, statements: Statements
) -> None:
    def fill(number: int) -> None:
        for _ in range(number):
            user = make_user()
            act(make_instance(), user.pk)
            set_limits(ALPHA, {"cores": LogEntry.objects.count() + 1}, by=user.pk)
            LogEntry.objects.create(user=user, object_repr="x", action_flag=ADDITION)
            SignIn.objects.create(user=user)
            note_failed_sign_in(user.pk, way="page")
            note_change(user, "Made.", by=user.pk)

    costs = []
    for number in (1, 20):
        fill(number)
        admin_site.get(PAGE)
        with statements() as seen:
            admin_site.get(PAGE)
        costs.append(len(seen))
    assert costs[0] == costs[1]


def test_old_sign_ins_are_forgotten(cast: Cast) -> None:
    old = timezone.now() - dt.timedelta(days=91)
    SignIn.objects.create(user_id=cast.member.user_id, at=old)
    kept = SignIn.objects.create(user_id=cast.member.user_id)
    assert purge_sign_ins() == 1
    assert list(SignIn.objects.filter(user_id=cast.member.user_id)) == [kept]


def wrong_token(api: ApiClient, name: str, password: str) -> None:
    user = {"name": name, "domain": {"id": "default"}, "password": password}
    identity = {"methods": ["password"], "password": {"user": user}}
    api.post("//identity/v3/auth/tokens", {"auth": {"identity": identity}}).expect(401)


def test_failed_sign_ins_are_counted_by_user_and_hour(
    admin_site: Client, cast: Cast, anonymous: ApiClient
) -> None:
    for name in (cast.member.name, cast.member.name, "my-password-by-mistake"):
        wrong_token(anonymous, name, "guess-1234")
    admin_site.post("/admin/login/", {"username": cast.member.name, "password": "guess-1234"})
    entries = admin_site.get(PAGE, {"kind": "failed"}).context["entries"]
    told = {(str(entry["who"]), entry["what"].partition(" since")[0]) for entry in entries}
    assert ("a name that nobody has", "failed to sign in once") in told
    assert any(
        cast.member.name in who and what == "failed to sign in 3 times" for who, what in told
    )
    assert FailedSignIns.objects.count() == 2
    kept = str(list(FailedSignIns.objects.values()))
    assert "guess-1234" not in kept
    assert "my-password-by-mistake" not in kept
    assert shown(admin_site, person=cast.member.name, kind="failed")[0].endswith("by page")


def test_what_the_api_changes_of_users_projects_and_roles_is_noted(
    cast: Cast, as_admin: ApiClient
) -> None:
    admin_site = operator()
    v3 = "//identity/v3"
    user = {"name": "newcomer", "password": "sesame-1234"}
    made = as_admin.post(f"{v3}/users", {"user": user}).expect(201).json["user"]
    as_admin.patch(f"{v3}/users/{made['id']}", {"user": {"password": "sesame-5678"}}).expect(200)
    project = {"name": "novelty"}
    new = as_admin.post(f"{v3}/projects", {"project": project}).expect(201).json["project"]
    as_admin.patch(f"{v3}/projects/{new['id']}", {"project": {"enabled": False}}).expect(200)
    grant = f"{v3}/projects/{new['id']}/users/{made['id']}/roles/{stable_id('role', 'member')}"
    for _ in range(2):  # the second time nothing changes
        as_admin.put(grant).expect(204)
    as_admin.delete(grant).expect(204)
    as_admin.delete(f"{v3}/users/{made['id']}").expect(204)
    as_admin.delete(f"{v3}/projects/{new['id']}").expect(204)
    lines = shown(admin_site, kind="identity")
    assert [line.removeprefix("project, user or role by the API: ") for line in lines] == [
        "Deleted.",
        "Deleted.",
        "Lost the role member in novelty.",
        "Given the role member in novelty.",
        "Changed: enabled.",
        "Made.",
        "Changed: password.",
        "Made.",
    ]
    assert len(shown(admin_site, kind="identity", person=cast.admin.name, about="newcomer")) == 5
    assert "sesame" not in str(list(IdentityChange.objects.values()))


def test_old_records_are_forgotten(cast: Cast) -> None:
    note_change(make_user(), "Made.", by=cast.admin.user_id)
    note_failed_sign_in(None, way="page")
    assert purge_records() == 0
    old = timezone.now() - KEPT - dt.timedelta(seconds=1)
    IdentityChange.objects.update(at=old)
    FailedSignIns.objects.update(last_at=old)
    assert purge_records() == 2
