"""OAuth 1.0a: programs that users let act for them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.core.management import call_command
from django.utils import timezone
from oauthlib.oauth1 import Client

from compute_site.identity.models import (
    AccessToken,
    ApplicationCredential,
    Consumer,
    IdentityChange,
    Project,
    RequestToken,
    Token,
    User,
)
from tests.identity.test_domains import ADMIN, MEMBER, READER, SERVERS, V3, Holder, names_of
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import Answer, ApiClient

pytestmark = pytest.mark.django_db
OAUTH = f"{V3}/OS-OAUTH1"
HOST = "http://testserver"


def sign(path: str, *, headers: Any = None, **keys: Any) -> dict[str, str]:
    """The headers of a POST that a consumer has signed."""
    key = keys.pop("key")
    stamp = str(keys.pop("timestamp", int(time.time())))
    client = Client(key, timestamp=stamp, **keys)
    url = f"{HOST}{path.removeprefix('/')}"
    _, signed, _ = client.sign(url, http_method="POST", headers=headers)
    return {**signed, "X-Auth-Token": ""}


def post(path: str, *, headers: Any = None, **keys: Any) -> Answer:
    return ApiClient().post(path, headers=sign(path, headers=headers, **keys))


def read_form(answer: Answer) -> dict[str, str]:
    assert answer.headers["Content-Type"] == "application/x-www-form-urlencoded"
    return dict(parse_qsl(answer.content.decode()))


class Program:
    """A consumer with what it has got."""

    def __init__(self, admin: ApiClient) -> None:
        self.admin = admin
        made = admin.post(f"{OAUTH}/consumers", {"consumer": {"description": "pictures"}})
        self.consumer = made.expect(201).json["consumer"]
        self.keys = {"key": self.consumer["id"], "client_secret": self.consumer["secret"]}

    def ask(self, project: str = ALPHA, **keys: Any) -> dict[str, str]:
        return read_form(self.try_to_ask(project, **keys).expect(201))

    def try_to_ask(self, project: str = ALPHA, **keys: Any) -> Answer:
        headers = {"Requested-Project-Id": project} if project else {}
        asked = {**self.keys, "callback_uri": "oob", **keys}
        return post(f"{OAUTH}/request_token", headers=headers, **asked)

    def authorize(self, request: str, *roles: str) -> str:
        body = {"roles": [{"id": role} for role in roles]}
        answer = self.admin.put(f"{OAUTH}/authorize/{request}", body).expect(200)
        return str(answer.json["token"]["oauth_verifier"])

    def try_to_fetch(self, request: dict[str, str], verifier: str, **keys: Any) -> Answer:
        with_token = {
            "resource_owner_key": request["oauth_token"],
            "resource_owner_secret": request["oauth_token_secret"],
            "verifier": verifier,
        }
        return post(f"{OAUTH}/access_token", **{**self.keys, **with_token, **keys})

    def get_access(self, *roles: str, project: str = ALPHA) -> dict[str, str]:
        request = self.ask(project)
        verifier = self.authorize(request["oauth_token"], *roles)
        return read_form(self.try_to_fetch(request, verifier).expect(201))

    def try_to_log_in(self, access: dict[str, str], *, scope: Any = None, **keys: Any) -> Answer:
        body: dict[str, Any] = {"auth": {"identity": {"methods": ["oauth1"], "oauth1": {}}}}
        if scope is not None:
            body["auth"]["scope"] = scope
        path = f"{V3}/auth/tokens"
        with_token = {
            "resource_owner_key": access["oauth_token"],
            "resource_owner_secret": access["oauth_token_secret"],
        }
        return ApiClient().post(
            path, body, headers=sign(path, **{**self.keys, **with_token, **keys})
        )

    def log_in(self, access: dict[str, str], **keys: Any) -> Holder:
        answer = self.try_to_log_in(access, **keys).expect(201)
        return Holder(answer.headers["X-Subject-Token"], answer.json["token"])


@pytest.fixture
def program(as_admin: ApiClient) -> Program:
    return Program(as_admin)


def test_consumers_are_made_shown_changed_and_deleted(
    as_admin: ApiClient, as_member: ApiClient, program: Program
) -> None:
    made = program.consumer
    assert made["description"] == "pictures"
    assert len(made["secret"]) == 32
    path = f"{OAUTH}/consumers/{made['id']}"
    assert made["links"]["self"].endswith(path.removeprefix("//"))
    shown = {name: value for name, value in made.items() if name != "secret"}
    assert as_admin.get(path).json["consumer"] == shown
    assert as_admin.get(f"{OAUTH}/consumers").json["consumers"] == [shown]
    changed = as_admin.patch(path, {"consumer": {"description": None, "owner": "x"}}).expect(200)
    assert changed.json["consumer"] == {**shown, "description": None, "owner": "x"}
    row = Consumer.objects.get()
    assert made["secret"] not in row.sealed_secret
    for client, status in ((as_member, 403), (ApiClient(), 401)):
        client.get(path).expect(status)
        client.get(f"{OAUTH}/consumers").expect(status)
        client.post(f"{OAUTH}/consumers", {"consumer": {}}).expect(status)
        client.delete(path).expect(status)
    as_admin.delete(path).expect(204)
    as_admin.get(path).expect(404)
    notes = IdentityChange.objects.filter(kind="consumer").values_list("what", flat=True)
    assert sorted(notes) == ["Changed: description, owner.", "Deleted.", "Made."]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "consumer"),
        ({"consumer": []}, "consumer"),
        ({"consumer": {"description": 5}}, "consumer.description"),
        ({"consumer": {"description": "x" * 256}}, "consumer.description"),
        ({"consumer": {"secret": "x"}}, "consumer.secret"),
    ],
)
def test_wrong_consumers_are_refused(as_admin: ApiClient, body: Any, told: str) -> None:
    answer = as_admin.post(f"{OAUTH}/consumers", body).expect(400)
    assert answer.json["error"]["message"].startswith(told)
    assert not Consumer.objects.exists()


def test_a_program_acts_with_the_roles_that_it_was_given(program: Program, cast: Cast) -> None:
    request = program.ask()
    assert set(request) == {"oauth_token", "oauth_token_secret", "oauth_expires_at"}
    verifier = program.authorize(request["oauth_token"], READER)
    access = read_form(program.try_to_fetch(request, verifier).expect(201))
    assert not RequestToken.objects.exists()
    client = program.log_in(access)
    assert client.shown["methods"] == ["oauth1"]
    assert client.shown["user"]["id"] == cast.admin.user_id
    assert client.shown["project"]["id"] == ALPHA
    assert names_of(client.shown) == {"reader"}
    assert client.shown["OS-OAUTH1"] == {
        "access_token_id": access["oauth_token"],
        "consumer_id": program.consumer["id"],
    }
    assert client.shown["expires_at"] == access["oauth_expires_at"]
    client.get(SERVERS).expect(200)
    client.post("//network/v2.0/networks", {"network": {"name": "n"}}).expect(403)
    client.get(f"{V3}/users").expect(403)
    program.try_to_fetch(request, verifier).expect(404)


@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", "PLAINTEXT"])
def test_each_way_to_sign(program: Program, method: str) -> None:
    program.ask(signature_method=method)
    program.try_to_ask(signature_method=method, client_secret="wrong").expect(401)


def test_what_is_signed_otherwise_is_refused(program: Program, cast: Cast) -> None:
    program.try_to_ask("").expect(400)
    program.try_to_ask(UNKNOWN).expect(404)
    program.try_to_ask(callback_uri=None).expect(400)
    program.try_to_ask(key=UNKNOWN).expect(404)
    program.try_to_ask(timestamp=int(time.time()) - 3600).expect(401)
    program.try_to_ask(timestamp="soon").expect(400)
    program.try_to_ask(signature_method="PLAINTEXT", key="\N{SNOWMAN}").expect(404)
    other = sign(f"{OAUTH}/access_token", callback_uri="oob", **program.keys)
    headers = {**other, "Requested-Project-Id": ALPHA}
    ApiClient().post(f"{OAUTH}/request_token", headers=headers).expect(401)
    for header in ("", "Basic YTpi", "OAuth", 'OAuth oauth_nonce="1"'):
        headers = {"Authorization": header, "Requested-Project-Id": ALPHA}
        ApiClient().post(f"{OAUTH}/request_token", headers=headers).expect(400)
    headers = {"Authorization": other["Authorization"], "Requested-Project-Id": ALPHA}
    ApiClient().post(f"{OAUTH}/request_token?oauth_nonce=2", headers=headers).expect(400)
    assert not RequestToken.objects.exists()


def test_the_query_is_signed(program: Program) -> None:
    path = f"{OAUTH}/request_token"
    signed = sign(f"{path}?a=1", callback_uri="oob", **program.keys)
    headers = {**signed, "Requested-Project-Id": ALPHA}
    ApiClient().post(f"{path}?a=2", headers=headers).expect(401)
    ApiClient().post(f"{path}?a=1", headers=headers).expect(201)


UNKNOWN = "ab" * 16


def test_only_what_a_user_holds_is_authorized(
    program: Program, as_admin: ApiClient, as_member: ApiClient
) -> None:
    path = f"{OAUTH}/authorize/{program.ask()['oauth_token']}"
    as_member.put(path, {"roles": [{"id": READER}]}).expect(403)
    for body in ({}, {"roles": []}, {"roles": [{}]}, {"roles": [READER]}, {"roles": "reader"}):
        answer = as_admin.put(path, body).expect(400)
        assert answer.json["error"]["message"].startswith("roles: ")
    as_admin.put(path, {"roles": [{"id": READER, "name": "reader"}]}).expect(400)
    as_admin.put(path, {"roles": [{"id": READER}], "more": 1}).expect(400)
    as_admin.put(path, {"roles": [{"name": "none"}]}).expect(404)
    as_admin.put(path, {"roles": [{"name": "service"}]}).expect(401)
    as_admin.put(f"{OAUTH}/authorize/{UNKNOWN}", {"roles": [{"id": READER}]}).expect(404)
    elsewhere = program.ask(BETA)["oauth_token"]
    as_admin.put(f"{OAUTH}/authorize/{elsewhere}", {"roles": [{"id": READER}]}).expect(401)
    assert not RequestToken.objects.exclude(verifier="").exists()
    as_admin.put(path, {"roles": [{"name": "member"}]}).expect(200)
    assert RequestToken.objects.get(user__isnull=False).roles == [MEMBER]


def test_the_verifier_belongs_to_the_request(program: Program, as_admin: ApiClient) -> None:
    request = program.ask()
    program.try_to_fetch(request, "abcdefgh").expect(401)
    verifier = program.authorize(request["oauth_token"], READER)
    program.try_to_fetch(request, "abcdefgh").expect(401)
    program.try_to_fetch(request, verifier, resource_owner_secret="x").expect(401)
    program.try_to_fetch({**request, "oauth_token": UNKNOWN}, verifier).expect(404)
    program.try_to_fetch(request, "").expect(400)
    other = Program(as_admin)
    other.try_to_fetch(request, verifier).expect(401)
    RequestToken.objects.update(expires_at=timezone.now())
    program.try_to_fetch(request, verifier).expect(401)
    assert not AccessToken.objects.exists()


def test_wrong_logins(program: Program, as_admin: ApiClient, cast: Cast) -> None:
    access = program.get_access(MEMBER)
    program.try_to_log_in(access, resource_owner_secret="x").expect(401)
    program.try_to_log_in(access, client_secret="x").expect(401)
    program.try_to_log_in({**access, "oauth_token": UNKNOWN}).expect(404)
    other = Program(as_admin)
    other.try_to_log_in(access).expect(401)
    program.try_to_log_in(access, timestamp=1_000_000_000).expect(401)
    identity: dict[str, Any] = {"methods": ["oauth1"], "oauth1": {}}
    ApiClient().post(f"{V3}/auth/tokens", {"auth": {"identity": identity}}).expect(400)
    for scope in (
        {"project": {"id": BETA}},
        {"project": {"id": UNKNOWN}},
        {"system": {"all": True}},
        {"domain": {"id": "default"}},
        "unscoped",
    ):
        program.try_to_log_in(access, scope=scope).expect(400)
    named = {"project": {"name": "alpha", "domain": {"id": "default"}}}
    assert program.log_in(access, scope=named).shown["project"]["id"] == ALPHA
    AccessToken.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    program.try_to_log_in(access).expect(401)


def test_a_program_gives_nothing_on(program: Program, cast: Cast, as_admin: ApiClient) -> None:
    client = program.log_in(program.get_access(ADMIN))
    assert names_of(client.shown) == {"admin", "manager", "member", "reader"}
    client.get(f"{V3}/users").expect(200)
    own = f"{V3}/users/{cast.admin.user_id}"
    request = program.ask()["oauth_token"]
    client.put(f"{OAUTH}/authorize/{request}", {"roles": [{"id": READER}]}).expect(403)
    access = AccessToken.objects.get().pk
    client.get(f"{own}/OS-OAUTH1/access_tokens").expect(403)
    client.delete(f"{own}/OS-OAUTH1/access_tokens/{access}").expect(403)
    client.post(f"{own}/credentials/OS-EC2", {"tenant_id": ALPHA}).expect(403)
    credential = {"user_id": cast.admin.user_id, "type": "totp", "blob": "GEZDGNBVGY3TQOJQ" * 2}
    client.post(f"{V3}/credentials", {"credential": credential}).expect(403)
    robot = {"application_credential": {"name": "robot"}}
    client.post(f"{own}/application_credentials", robot).expect(403)
    client.get(f"{own}/application_credentials").expect(403)
    client.get(f"{own}/application_credentials/nothing").expect(403)
    client.get(f"{own}/access_rules").expect(403)
    trust = {
        "trustor_user_id": cast.admin.user_id,
        "trustee_user_id": cast.member.user_id,
        "project_id": ALPHA,
        "impersonation": True,
        "roles": [{"id": READER}],
    }
    client.post(f"{V3}/OS-TRUST/trusts", {"trust": trust}).expect(403)
    client.get(f"{V3}/OS-TRUST/trusts").expect(403)
    exchanged = {"methods": ["token"], "token": {"id": client.token}}
    ApiClient().post(f"{V3}/auth/tokens", {"auth": {"identity": exchanged}}).expect(403)
    assert not ApplicationCredential.objects.exists()


def test_what_programs_may_do_is_seen_and_taken_away(
    program: Program, cast: Cast, as_admin: ApiClient, as_member: ApiClient
) -> None:
    access = program.get_access(READER)
    client = program.log_in(access)
    path = f"{V3}/users/{cast.admin.user_id}/OS-OAUTH1/access_tokens"
    one = f"{path}/{access['oauth_token']}"
    shown = as_admin.get(one).expect(200).json["access_token"]
    links = shown.pop("links")
    assert links["self"].endswith(one.removeprefix("//"))
    assert links["roles"] == f"{links['self']}/roles"
    assert shown == {
        "id": access["oauth_token"],
        "consumer_id": program.consumer["id"],
        "authorizing_user_id": cast.admin.user_id,
        "project_id": ALPHA,
        "expires_at": access["oauth_expires_at"],
    }
    (listed,) = as_admin.get(path).expect(200).json["access_tokens"]
    assert listed == {**shown, "links": links}
    assert [role["id"] for role in as_admin.get(f"{one}/roles").json["roles"]] == [READER]
    assert as_admin.get(f"{one}/roles/{READER}").json["role"]["name"] == "reader"
    as_admin.get(f"{one}/roles/{MEMBER}").expect(404)
    of_other = f"{V3}/users/{cast.member.user_id}/OS-OAUTH1/access_tokens"
    assert as_admin.get(of_other).json["access_tokens"] == []
    for method in ("get", "delete"):
        getattr(as_admin, method)(f"{of_other}/{access['oauth_token']}").expect(404)
        getattr(as_member, method)(one).expect(403)
    as_member.get(path).expect(403)
    as_member.get(of_other).expect(403)
    as_admin.get(f"{V3}/users/{UNKNOWN}/OS-OAUTH1/access_tokens").expect(404)
    client.get(SERVERS).expect(200)
    as_admin.delete(one).expect(204)
    client.get(SERVERS).expect(401)
    program.try_to_log_in(access).expect(404)
    as_admin.delete(one).expect(404)


def test_a_user_takes_the_own_away(cast: Cast, as_member: ApiClient, program: Program) -> None:
    program.get_access(READER)
    AccessToken.objects.update(user=cast.member.user_id)
    own = AccessToken.objects.get().pk
    path = f"{V3}/users/{cast.member.user_id}/OS-OAUTH1/access_tokens/{own}"
    as_member.delete(path).expect(204)
    assert not AccessToken.objects.exists()


def delete_consumer(program: Program) -> None:
    program.admin.delete(f"{OAUTH}/consumers/{program.consumer['id']}").expect(204)


def disable_user(program: Program) -> None:
    user = AccessToken.objects.get().user
    user.is_active = False
    user.save()


def disable_project(program: Program) -> None:
    project = Project.objects.get(pk=ALPHA)
    project.enabled = False
    project.save()


def lose_the_role(program: Program) -> None:
    user = AccessToken.objects.get().user_id
    path = f"{V3}/projects/{ALPHA}/users/{user}/roles/{MEMBER}"
    program.admin.delete(path).expect(204)


def delete_user(program: Program) -> None:
    User.objects.get(pk=AccessToken.objects.get().user_id).delete()


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (delete_consumer, 404),
        (disable_user, 401),
        (disable_project, 401),
        (lose_the_role, 401),
        (delete_user, 404),
    ],
)
def test_access_ends_with_what_it_stands_on(
    program: Program, cast: Cast, end: Callable[[Program], None], status: int
) -> None:
    access = program.get_access(MEMBER)
    AccessToken.objects.update(user=cast.member.user_id)
    client = program.log_in(access)
    client.get(SERVERS).expect(200)
    end(program)
    client.get(SERVERS).expect(401)
    program.try_to_log_in(access).expect(status)
    assert not Token.objects.filter(access__isnull=False).exists()


def test_options_say_how_long_it_lasts(program: Program, settings: Any) -> None:
    settings.OPTIONS = dataclasses.replace(
        settings.OPTIONS, oauth_request_seconds=0, oauth_access_seconds=0
    )
    request = program.ask()
    assert set(request) == {"oauth_token", "oauth_token_secret"}
    verifier = program.authorize(request["oauth_token"], READER)
    access = read_form(program.try_to_fetch(request, verifier).expect(201))
    assert set(access) == {"oauth_token", "oauth_token_secret"}
    program.log_in(access)


def test_what_has_expired_is_forgotten(program: Program) -> None:
    program.get_access(READER)
    program.ask()
    for model in (AccessToken, RequestToken):
        model.objects.update(expires_at=timezone.now())
    call_command("purge_tokens")
    assert not AccessToken.objects.exists()
    assert not RequestToken.objects.exists()
