"""The second factor: passcodes (TOTP), rules of users on methods, and receipts."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import struct
import time
from typing import Any

import pytest
from django.test import Client as Browser

from compute_site.identity import factors
from compute_site.identity.models import StoredCredential, Token, User
from compute_site.identity.passcodes import is_passcode
from tests.identity.test_domains import READER, SERVERS, V3, Holder
from tests.identity.test_oauth import Program, program
from tests.world.cast import ALPHA, Cast, Persona
from tests.world.client import Answer, ApiClient

__all__ = ["program"]
pytestmark = pytest.mark.django_db
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""That of the examples of RFC 6238."""
BOTH = [["password", "totp"]]
RULES, ENABLED = "multi_factor_auth_rules", "multi_factor_auth_enabled"
RECEIPT = "Openstack-Auth-Receipt"


def passcode(secret: str = SECRET, *, earlier: int = 0) -> str:
    """By the standard library, as an authenticator shows it, or has shown it some times ago."""
    message = struct.pack(">Q", int(time.time()) // 30 - earlier)
    digest = hmac.digest(base64.b32decode(secret), message, hashlib.sha1)
    begin = digest[-1] & 15
    number = struct.unpack(">I", digest[begin : begin + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**6:06}"


def proof(method: str, person: Persona, given: str | None = None) -> dict[str, Any]:
    user: dict[str, Any] = {"name": person.name, "domain": {"id": "default"}}
    if method == "password":
        return {"user": user | {"password": given or person.password}}
    return {"user": user | {"passcode": given or passcode()}}


def ask(*methods: str, person: Persona = Cast.member, receipt: str = "", **given: Any) -> Answer:
    proofs = {method: proof(method, person, given.get(method)) for method in methods}
    identity = {"methods": list(methods), **proofs, **given.get("whole", {})}
    auth: dict[str, Any] = {"identity": identity}
    if "scope" in given:
        auth["scope"] = given["scope"]
    headers = {RECEIPT: receipt} if receipt else {}
    return ApiClient().post(f"{V3}/auth/tokens", {"auth": auth}, headers=headers)


def holder(answer: Answer) -> Holder:
    answer.expect(201)
    return Holder(answer.headers["X-Subject-Token"], answer.json["token"])


def set_options(admin: ApiClient, person: Persona, **options: Any) -> Answer:
    return admin.patch(f"{V3}/users/{person.user_id}", {"user": {"options": options}})


@pytest.fixture
def authenticator(as_member: ApiClient, cast: Cast) -> str:
    """The member has one; the id of its credential."""
    order = {"user_id": cast.member.user_id, "type": "totp", "blob": SECRET}
    made = as_member.post(f"{V3}/credentials", {"credential": order}).expect(201)
    return str(made.json["credential"]["id"])


def test_the_examples_of_the_standard(monkeypatch: pytest.MonkeyPatch) -> None:
    for moment, shown in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        monkeypatch.setattr(time, "time", lambda moment=moment: moment)
        assert is_passcode(SECRET, shown)
        assert not is_passcode(SECRET, shown[::-1])


def test_a_passcode_is_a_proof(authenticator: str, cast: Cast) -> None:
    client = holder(ask("totp"))
    assert client.shown["methods"] == ["totp"]
    assert client.shown["user"]["id"] == cast.member.user_id
    assert client.shown["project"]["id"] == ALPHA
    client.get(SERVERS).expect(200)
    holder(ask("totp", totp=passcode(earlier=1)))
    by_id = {"user": {"id": cast.member.user_id, "passcode": passcode()}}
    holder(ask(whole={"methods": ["totp"], "totp": by_id}))


@pytest.mark.parametrize("wrong", ["000000x", "", "\u0663" * 6, "\x00"])
def test_a_wrong_passcode_is_none(authenticator: str, wrong: str) -> None:
    user = {"user": {"id": Cast.member.user_id, "passcode": wrong}}
    ask(whole={"methods": ["totp"], "totp": user}).expect(401)
    assert not Token.objects.filter(methods=["totp"]).exists()


def test_passcodes_of_other_times_and_people(authenticator: str, cast: Cast) -> None:
    for earlier in (2, 3, -2):
        ask("totp", totp=passcode(earlier=earlier)).expect(401)
    ask("totp", totp=passcode("ABCDEFGH" * 4)).expect(401)
    ask("totp", person=cast.second_member).expect(401)
    nobody = dataclasses.replace(cast.member, name="nobody")
    ask("totp", person=nobody).expect(401)
    StoredCredential.objects.all().delete()
    ask("totp").expect(401)


@pytest.mark.parametrize(
    "totp",
    [
        {},
        {"user": {}},
        {"user": {"id": "x"}},
        {"user": {"passcode": "1"}},
        {"user": {"id": "x", "passcode": 123456}},
        {"user": {"name": "x", "passcode": "1"}},
    ],
)
def test_bodies_without_a_passcode(cast: Cast, totp: Any) -> None:
    answer = ask(whole={"methods": ["totp"], "totp": totp}).expect(400)
    assert answer.json["error"]["message"].startswith("auth.identity.totp.user")


def test_secrets_that_no_authenticator_takes(
    as_member: ApiClient, cast: Cast, authenticator: str
) -> None:
    order = {"user_id": cast.member.user_id, "type": "totp"}
    for blob in ("GEZDGNBVGY3TQOJQ", "1" * 32, "gezd" * 8, "ABC=" * 8):
        made = as_member.post(f"{V3}/credentials", {"credential": {**order, "blob": blob}})
        assert made.expect(400).json["error"]["message"].startswith("credential.blob: ")
        changed = as_member.patch(
            f"{V3}/credentials/{authenticator}", {"credential": {"blob": blob}}
        )
        changed.expect(400)
    holder(ask("totp"))


def test_rules_ask_for_all_that_they_name(
    as_admin: ApiClient, authenticator: str, cast: Cast
) -> None:
    set_options(as_admin, cast.member, **{RULES: BOTH}).expect(200)
    for method in ("password", "totp"):
        answer = ask(method).expect(401)
        assert answer.headers[RECEIPT]
        assert answer.json["required_auth_methods"] == BOTH
        receipt = answer.json["receipt"]
        assert receipt["methods"] == [method]
        assert receipt["user"] == {
            "id": cast.member.user_id,
            "name": cast.member.name,
            "domain": {"id": "default", "name": "Default"},
        }
        assert receipt["issued_at"] < receipt["expires_at"]
    assert Token.objects.count() == len(cast.personas)
    client = holder(ask("password", "totp"))
    assert sorted(client.shown["methods"]) == ["password", "totp"]
    exchanged = holder(ask(whole={"methods": ["token"], "token": {"id": client.token}}))
    assert set(exchanged.shown["methods"]) == {"token", "password", "totp"}
    ask("password", "totp", totp="000000x").expect(401)
    ask("password", "totp", password="x").expect(401)


def test_rules_can_be_off_and_taken_away(
    as_admin: ApiClient, cast: Cast, authenticator: str
) -> None:
    shown = set_options(as_admin, cast.member, **{RULES: BOTH, ENABLED: False}).expect(200)
    assert shown.json["user"]["options"] == {RULES: BOTH, ENABLED: False}
    holder(ask("password"))
    set_options(as_admin, cast.member, **{ENABLED: True}).expect(200)
    ask("password").expect(401)
    set_options(as_admin, cast.member, **{ENABLED: None}).expect(200)
    ask("password").expect(401)
    several = [["password", "totp"], ["password"]]
    set_options(as_admin, cast.member, **{RULES: several}).expect(200)
    holder(ask("password"))
    set_options(as_admin, cast.member, **{RULES: []}).expect(200)
    holder(ask("totp"))
    set_options(as_admin, cast.member, **{RULES: BOTH}).expect(200)
    set_options(as_admin, cast.member, **{RULES: None}).expect(200)
    holder(ask("password"))
    assert User.objects.get(pk=cast.member.user_id).options == {}


@pytest.mark.parametrize(
    "rules",
    [
        {},
        "password",
        [[]],
        [["password"], "totp"],
        [["password", "password"]],
        [["password"], ["password"]],
        [["password", 5]],
        [["password", "\0"]],
        [["password", "voice"]],
        [["x"]] * 2,
        [[str(number), "x"] for number in range(101)] + [["password"]],
    ],
)
def test_wrong_rules_are_refused(as_admin: ApiClient, cast: Cast, rules: Any) -> None:
    answer = set_options(as_admin, cast.member, **{RULES: rules}).expect(400)
    assert answer.json["error"]["message"].startswith("user.options: ")
    assert User.objects.get(pk=cast.member.user_id).options == {}


def test_a_rule_with_a_method_that_is_not_offered_is_never_met(
    as_admin: ApiClient, cast: Cast, authenticator: str
) -> None:
    rules = [["password", "totp"], ["password", "voice"]]
    set_options(as_admin, cast.member, **{RULES: rules}).expect(200)
    assert ask("password").expect(401).json["required_auth_methods"] == rules
    holder(ask("password", "totp"))


def test_receipts_stand_for_what_was_proven(
    as_admin: ApiClient, cast: Cast, authenticator: str
) -> None:
    set_options(as_admin, cast.member, **{RULES: BOTH}).expect(200)
    receipt = ask("password").expect(401).headers[RECEIPT]
    client = holder(ask("totp", receipt=receipt))
    assert set(client.shown["methods"]) == {"password", "totp"}
    other_way = ask("totp").expect(401).headers[RECEIPT]
    holder(ask("password", receipt=other_way))
    again = ask("password", receipt=receipt).expect(401)
    assert again.json["receipt"]["methods"] == ["password"]
    ask("totp", totp="000000x", receipt=receipt).expect(401)
    for wrong in ("x", receipt[:-1], f"{receipt}x"):
        answer = ask("totp", receipt=wrong).expect(401)
        assert RECEIPT not in answer.headers
    ask("password", person=cast.second_member, receipt=receipt).expect(401)
    ask("password", person=cast.second_member).expect(201)


def test_receipts_end(
    as_admin: ApiClient, cast: Cast, authenticator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_options(as_admin, cast.member, **{RULES: BOTH}).expect(200)
    receipt = ask("password").expect(401).headers[RECEIPT]
    user = {"user": {"password": "another one"}}
    as_admin.patch(f"{V3}/users/{cast.member.user_id}", user).expect(200)
    ask("totp", receipt=receipt).expect(401)
    receipt = ask("password", password="another one").expect(401).headers[RECEIPT]
    monkeypatch.setattr(factors, "LASTS", -factors.LASTS)
    ask("totp", receipt=receipt).expect(401)


def test_a_password_alone_opens_nothing_else(
    as_admin: ApiClient, cast: Cast, authenticator: str
) -> None:
    secret = base64.b64encode(f"{cast.member.name}:{cast.member.password}".encode()).decode()
    basic = {"Authorization": f"Basic {secret}"}
    ApiClient().get(SERVERS, headers=basic).expect(200)
    ApiClient().get(f"{V3}/auth/projects", headers=basic).expect(200)
    set_options(as_admin, cast.member, **{RULES: BOTH}).expect(200)
    ApiClient().get(SERVERS, headers=basic).expect(401)
    ApiClient().get(f"{V3}/auth/projects", headers=basic).expect(401)
    page = Browser()
    assert not page.login(username=cast.member.name, password=cast.member.password)
    set_options(as_admin, cast.member, **{ENABLED: False}).expect(200)
    assert page.login(username=cast.member.name, password=cast.member.password)


def test_application_credentials_and_programs_need_a_rule_too(
    as_admin: ApiClient, as_member: ApiClient, cast: Cast, program: Program
) -> None:
    path = f"{V3}/users/{cast.member.user_id}/application_credentials"
    made = as_member.post(path, {"application_credential": {"name": "robot"}}).expect(201)
    given = {key: made.json["application_credential"][key] for key in ("id", "secret")}
    robot = {"methods": ["application_credential"], "application_credential": given}
    access = program.get_access(READER)
    for person in (cast.member, cast.admin):
        set_options(as_admin, person, **{RULES: BOTH}).expect(200)
    assert ask(whole=robot).expect(401).json["required_auth_methods"] == []
    program.try_to_log_in(access).expect(401)
    rules = [*BOTH, ["application_credential"], ["oauth1"]]
    for person in (cast.member, cast.admin):
        set_options(as_admin, person, **{RULES: rules}).expect(200)
    holder(ask(whole=robot))
    program.log_in(access)


def test_what_others_hold_does_not_count_later(
    as_admin: ApiClient, as_member: ApiClient, cast: Cast, authenticator: str
) -> None:
    """Otherwise a passcode would make a whole token of the secret of a program."""
    path = f"{V3}/users/{cast.member.user_id}/application_credentials"
    robot = {"name": "robot", "roles": [{"name": "reader"}]}
    made = as_member.post(path, {"application_credential": robot}).expect(201)
    given = {key: made.json["application_credential"][key] for key in ("id", "secret")}
    shown = {"methods": ["application_credential"], "application_credential": given}
    rules = [["application_credential", "totp"]]
    set_options(as_admin, cast.member, **{RULES: rules}).expect(200)
    receipt = ask(whole=shown).expect(401).headers[RECEIPT]
    ask("totp", receipt=receipt).expect(401)
    receipt = ask("totp").expect(401).headers[RECEIPT]
    client = holder(ask(whole=shown, receipt=receipt))
    assert [role["name"] for role in client.shown["roles"]] == ["reader"]


def test_guesses_lock_passcodes_though_the_password_is_known(
    authenticator: str, as_admin: ApiClient, cast: Cast, settings: Any
) -> None:
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, lockout_failure_attempts=3)
    for _ in range(3):
        ask("totp", totp="000000x").expect(401)
        holder(ask("password"))
    ask("totp").expect(401)
    enabled = {"user": {"enabled": True}}
    as_admin.patch(f"{V3}/users/{cast.member.user_id}", enabled).expect(200)
    holder(ask("totp"))
    for _ in range(3):
        ask("totp", totp="000000x").expect(401)
    set_options(as_admin, cast.member, ignore_lockout_failure_attempts=True).expect(200)
    holder(ask("totp"))
