"""Application credentials: made by their user, used by programs, with one role in one project."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from guardian.shortcuts import assign_perm

from compute_site.identity.models import ApplicationCredential, Role, Token
from compute_site.identity.scope import find_by_token
from compute_site.identity.tokens import digest_of
from compute_site.policy.granted import find_granted, find_token_with_rules
from servers.policies import server as policies
from tests.world.cast import ALPHA, Cast, Persona
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_project

pytestmark = pytest.mark.django_db
DEFAULT = {"id": "default"}
TOKENS = "//identity/v3/auth/tokens"


def url_of(persona: Persona) -> str:
    return f"//identity/v3/users/{persona.user_id}/application_credentials"


def make(persona: Persona = Cast.member, *, token: str | None = None, **members: Any) -> Answer:
    body = {"application_credential": {"name": "robot"} | members}
    headers = {"X-Auth-Token": token} if token else None
    return ApiClient(persona).post(url_of(persona), body, headers=headers)


def made(persona: Persona = Cast.member, **members: Any) -> dict[str, Any]:
    shown: dict[str, Any] = make(persona, **members).expect(201).json["application_credential"]
    return shown


def log_in(credential: dict[str, Any], scope: Any = None) -> Answer:
    identity = {"methods": ["application_credential"], "application_credential": credential}
    auth = {"identity": identity} | ({} if scope is None else {"scope": scope})
    return ApiClient().post(TOKENS, {"auth": auth})


def token_of(credential: dict[str, Any]) -> str:
    answer = log_in({"id": credential["id"], "secret": credential["secret"]}).expect(201)
    return answer.headers["X-Subject-Token"]


def test_a_credential_is_made_with_the_roles_of_its_user(cast: Cast) -> None:
    shown = made(description="for the robot")

    assert shown["project_id"] == ALPHA
    assert shown["user_id"] == cast.member.user_id
    assert [role["name"] for role in shown["roles"]] == ["reader", "member"]
    assert (shown["unrestricted"], shown["expires_at"]) == (False, None)
    assert len(shown["secret"]) >= 64
    row = ApplicationCredential.objects.get(pk=shown["id"])
    assert shown["secret"] not in row.secret_hash


def test_the_secret_is_shown_once(as_member: ApiClient, cast: Cast) -> None:
    shown = made()

    listed = as_member.get(url_of(cast.member)).expect(200).json["application_credentials"]
    single = as_member.get(f"{url_of(cast.member)}/{shown['id']}").expect(200).json

    assert listed == [{key: value for key, value in shown.items() if key != "secret"}]
    assert single == {"application_credential": listed[0]}


def test_credentials_are_found_by_name(as_member: ApiClient, cast: Cast) -> None:
    made(name="one")
    made(name="two")

    found = as_member.get(f"{url_of(cast.member)}?name=two").json["application_credentials"]

    assert [entry["name"] for entry in found] == ["two"]


def test_a_name_is_used_once_by_a_user(cast: Cast) -> None:
    made(name="robot")
    made(Cast.outsider, name="robot")

    assert make(name="robot").expect(409).json["error"]["title"] == "Conflict"


@pytest.mark.parametrize(
    "naming",
    [
        None,
        {"name": "robot", "user": {"id": Cast.member.user_id}},
        {"name": "robot", "user": {"name": "alpha-member", "domain": DEFAULT}},
    ],
)
def test_a_credential_gets_a_token_for_its_project(cast: Cast, naming: Any) -> None:
    shown = made()

    credential = naming or {"id": shown["id"]}
    answer = log_in(credential | {"secret": shown["secret"]}).expect(201)

    token = answer.json["token"]
    assert token["methods"] == ["application_credential"]
    assert token["user"]["name"] == "alpha-member"
    assert token["project"]["id"] == ALPHA
    assert token["application_credential"] == {
        "id": shown["id"],
        "name": "robot",
        "restricted": True,
    }
    headers = {"X-Auth-Token": answer.headers["X-Subject-Token"]}
    assert ApiClient().get("//identity/v3/auth/catalog", headers=headers).status == 200


def test_the_user_may_choose_the_secret(cast: Cast) -> None:
    shown = made(secret="of my own")

    log_in({"id": shown["id"], "secret": "of my own"}).expect(201)


@pytest.mark.parametrize(
    "credential",
    [
        {"id": "unknown", "secret": "x"},
        {"name": "robot", "user": {"name": "unknown", "domain": DEFAULT}, "secret": "x"},
        {
            "name": "robot",
            "user": {"name": "alpha-member", "domain": {"id": "other"}},
            "secret": "of my own",
        },
        {
            "name": "robot",
            "user": {"name": "alpha-member", "domain": DEFAULT},
            "secret": "wrong",
        },
        {
            "name": "a\0b",
            "user": {"name": "alpha-member", "domain": DEFAULT},
            "secret": "of my own",
        },
    ],
)
def test_a_wrong_secret_and_an_unknown_credential_get_one_answer(
    cast: Cast, credential: dict[str, Any]
) -> None:
    made(secret="of my own")

    answer = log_in(credential).expect(401)

    assert answer.json["error"]["message"] == (
        "Application credential and secret do not belong together."
    )


def test_a_credential_chooses_the_scope_itself(cast: Cast) -> None:
    shown = made()
    credential = {"id": shown["id"], "secret": shown["secret"]}
    before = Token.objects.count()

    refused = log_in(credential, {"project": {"id": ALPHA}}).expect(401)

    assert "auth.scope" in refused.json["error"]["message"]
    assert Token.objects.count() == before
    log_in(credential).expect(201)


@pytest.mark.parametrize("by", ["name", "id"])
def test_a_credential_can_hold_less_than_its_user(cast: Cast, by: str) -> None:
    reader = made(name="first")["roles"][0]
    shown = made(roles=[{by: reader[by]}])
    assert [role["name"] for role in shown["roles"]] == ["reader"]
    headers = {"X-Auth-Token": token_of(shown)}

    order = {"name": "x", "flavorRef": "1", "imageRef": str(uuid.uuid4()), "networks": "none"}

    ApiClient().get("/servers", headers=headers).expect(200)
    refused = ApiClient().post("/servers", {"server": order}, headers=headers, microversion="2.67")

    assert policies.CREATE in refused.expect(403).message


def test_a_credential_does_not_hold_what_its_user_was_granted_personally(cast: Cast) -> None:
    assign_perm(policies.CREATE_FORCED_HOST, cast.member.user, cast.alpha)
    scope = find_by_token(digest_of(token_of(made())))

    assert scope is not None
    assert scope.by_credential
    rules = find_granted(None, ALPHA, scope.group_ids).in_project
    assert policies.CREATE in rules
    assert policies.CREATE_FORCED_HOST not in rules


@pytest.mark.parametrize("made_for", [made, lambda: made(roles=[{"name": "reader"}])])
def test_a_request_reads_of_a_credential_what_its_scope_holds(
    cast: Cast, made_for: Callable[[], dict[str, Any]]
) -> None:
    assign_perm(policies.CREATE_FORCED_HOST, cast.member.user, cast.alpha)
    digest = digest_of(token_of(made_for()))
    scope = find_by_token(digest)
    assert scope is not None
    granted = find_granted(None, ALPHA, scope.group_ids)
    assert granted.in_project
    assert find_token_with_rules(digest) == (scope, granted)


def test_a_request_reads_of_a_user_what_its_scope_holds(cast: Cast) -> None:
    assign_perm(policies.CREATE_FORCED_HOST, cast.member.user, cast.alpha)
    user = {"id": cast.member.user_id, "password": cast.member.password}
    identity = {"methods": ["password"], "password": {"user": user}}
    auth = {"identity": identity, "scope": {"project": {"id": ALPHA}}}
    answer = ApiClient().post(TOKENS, {"auth": auth}).expect(201)
    digest = digest_of(answer.headers["X-Subject-Token"])
    scope = find_by_token(digest)
    assert scope is not None
    granted = find_granted(scope.user_id, ALPHA, scope.group_ids)
    assert policies.CREATE_FORCED_HOST in granted.in_project
    assert find_token_with_rules(digest) == (scope, granted)


def test_a_role_that_is_not_held_is_refused(cast: Cast) -> None:
    make(roles=[{"name": "manager"}]).expect(403)


def test_a_credential_ends_with_the_role_of_its_user(cast: Cast) -> None:
    shown = made()
    token = token_of(shown)
    user = cast.member.user
    user.groups.set([cast.alpha.roles.get(role=Role.READER).group])

    log_in({"id": shown["id"], "secret": shown["secret"]}).expect(401)
    ApiClient().get("/servers", headers={"X-Auth-Token": token}).expect(401)


def test_a_credential_keeps_its_role_when_the_user_rises(cast: Cast) -> None:
    shown = made()
    cast.member.user.groups.set([cast.alpha.roles.get(role=Role.MANAGER).group])

    answer = log_in({"id": shown["id"], "secret": shown["secret"]}).expect(201)

    assert [role["name"] for role in answer.json["token"]["roles"]] == ["reader", "member"]


def test_a_credential_outlives_the_password_but_its_tokens_do_not(cast: Cast) -> None:
    shown = made()
    token = token_of(shown)
    user = cast.member.user
    user.set_password("new")
    user.save()

    assert not Token.objects.filter(digest=digest_of(token)).exists()
    assert token_of(shown)


def test_a_credential_expires_and_its_tokens_with_it(cast: Cast) -> None:
    over = timezone.now() + dt.timedelta(hours=1)
    shown = made(expires_at=over.isoformat())

    token = log_in({"id": shown["id"], "secret": shown["secret"]}).expect(201).json["token"]

    assert token["expires_at"] == f"{shown['expires_at']}Z"
    ApplicationCredential.objects.update(expires_at=timezone.now())
    log_in({"id": shown["id"], "secret": shown["secret"]}).expect(401)


def test_a_deleted_credential_takes_its_tokens_along(as_member: ApiClient, cast: Cast) -> None:
    shown = made()
    token = token_of(shown)

    as_member.delete(f"{url_of(cast.member)}/{shown['id']}").expect(204)

    assert not Token.objects.filter(digest=digest_of(token)).exists()
    log_in({"id": shown["id"], "secret": shown["secret"]}).expect(401)
    as_member.get(f"{url_of(cast.member)}/{shown['id']}").expect(404)


def test_a_restricted_credential_makes_and_deletes_no_others(cast: Cast) -> None:
    shown = made()
    token = token_of(shown)

    make(name="child", token=token).expect(403)
    headers = {"X-Auth-Token": token}
    ApiClient().delete(f"{url_of(cast.member)}/{shown['id']}", headers=headers).expect(403)


def test_an_unrestricted_credential_makes_others_but_no_larger_ones(cast: Cast) -> None:
    token = token_of(made(unrestricted=True, roles=[{"name": "reader"}]))

    child = make(name="child", token=token).expect(201).json["application_credential"]
    assert [role["name"] for role in child["roles"]] == ["reader"]
    make(name="larger", token=token, roles=[{"name": "member"}]).expect(403)


def test_a_credential_s_token_is_not_exchanged(cast: Cast) -> None:
    token = token_of(made())
    identity = {"methods": ["token"], "token": {"id": token}}

    ApiClient().post(TOKENS, {"auth": {"identity": identity}}).expect(403)


def test_credentials_are_made_by_the_user_alone(
    as_admin: ApiClient, as_second_member: ApiClient, cast: Cast
) -> None:
    """An admin sees and deletes them, as in Keystone; others do not."""
    shown = made()
    one = f"{url_of(cast.member)}/{shown['id']}"
    for url in (url_of(cast.member), one):
        as_second_member.get(url).expect(403)
        as_admin.get(url).expect(200)
    as_second_member.delete(one).expect(403)
    as_admin.delete(one).expect(204)
    as_admin.post(url_of(cast.member), {"application_credential": {"name": "x"}}).expect(403)


def test_an_unscoped_token_makes_none(cast: Cast) -> None:
    Token.objects.update(project=None)

    make().expect(403)


def test_a_credential_goes_with_its_project(cast: Cast) -> None:
    project = make_project("short-lived")
    cast.member.user.groups.add(project.roles.get(role=Role.MEMBER).group)
    Token.objects.filter(digest=digest_of(cast.member.token)).update(project=project)
    made()

    project.delete()

    assert not ApplicationCredential.objects.exists()


@pytest.mark.parametrize(
    "members",
    [
        {"name": ""},
        {"name": 5},
        {"name": "x" * 256},
        {"name": "a\0b"},
        {"secret": 5},
        {"description": []},
        {"roles": "member"},
        {"roles": ["member"]},
        {"roles": [{"name": "king"}]},
        {"roles": [{}]},
        {"expires_at": "tomorrow"},
        {"expires_at": "2001-01-01T00:00:00Z"},
        {"expires_at": "2030-13-01T00:00:00Z"},
        {"expires_at": 5},
        {"unrestricted": "yes"},
        {"access_rules": [{"path": "/v2.1/servers", "method": "GET"}]},
    ],
)
def test_a_malformed_order_is_400(cast: Cast, members: dict[str, Any]) -> None:
    make(**members).expect(400)

    assert not ApplicationCredential.objects.exists()


def test_a_member_that_is_null_is_as_good_as_absent(cast: Cast) -> None:
    names = ("secret", "description", "roles", "expires_at", "unrestricted", "access_rules")

    assert made(**dict.fromkeys(names))["description"] == ""
    assert made(name="second", access_rules=[])["description"] == ""  # as the openstack CLI sends


@pytest.mark.parametrize("body", [None, [], {}, {"application_credential": None}])
def test_a_body_without_a_credential_is_400(as_member: ApiClient, cast: Cast, body: Any) -> None:
    as_member.post(url_of(cast.member), body).expect(400)
