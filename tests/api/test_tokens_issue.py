"""``POST /identity/v3/auth/tokens``: who gets a token, for what, and what it shows."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from compute_site.identity.models import Project, Role, Token, User
from compute_site.identity.tokens import digest_of
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_user

pytestmark = pytest.mark.django_db
URL = "//identity/v3/auth/tokens"
DEFAULT = {"id": "default"}


def password_of(name: str = "alpha-member", password: str = "alpha-member") -> dict[str, Any]:
    user = {"name": name, "domain": DEFAULT, "password": password}
    return {"methods": ["password"], "password": {"user": user}}


def without_domain(name: str) -> dict[str, Any]:
    user = {"name": name, "password": name}
    return {"methods": ["password"], "password": {"user": user}}


def token_of(text: str) -> dict[str, Any]:
    return {"methods": ["token"], "token": {"id": text}}


def log_in(identity: dict[str, Any], scope: Any = None, *, query: str = "") -> Answer:
    auth = {"identity": identity} | ({} if scope is None else {"scope": scope})
    return ApiClient().post(URL + query, {"auth": auth}, microversion=None)


def error_of(answer: Answer) -> dict[str, Any]:
    """Keystone's envelope, checked for its form."""
    error = answer.json["error"]
    assert set(error) == {"code", "message", "title"}
    assert error["code"] == answer.status
    return error


def test_a_password_gets_a_token_that_opens_the_api(cast: Cast) -> None:
    answer = log_in(password_of(), {"project": {"name": "alpha", "domain": DEFAULT}}).expect(201)

    text = answer.headers["X-Subject-Token"]
    row = Token.objects.get(digest=digest_of(text))
    assert (row.user_id, row.project_id) == (cast.member.user_id, ALPHA)
    check = ApiClient().get(
        "//identity/v3/auth/tokens",
        headers={"X-Auth-Token": text, "X-Subject-Token": text},
    )
    assert check.expect(200).json == answer.json


def test_the_text_of_the_token_is_in_no_column(cast: Cast) -> None:
    text = log_in(password_of()).expect(201).headers["X-Subject-Token"]

    rows = [str(value) for row in Token.objects.values_list() for value in row]
    assert not any(text in value for value in rows)
    assert len(text) >= 43


def test_two_logins_get_two_tokens(cast: Cast) -> None:
    first, second = (log_in(password_of()).headers["X-Subject-Token"] for _ in range(2))

    assert first != second


def test_the_body_shows_user_project_and_roles(cast: Cast) -> None:
    before = timezone.now()
    token = log_in(password_of(), {"project": {"id": ALPHA}}).expect(201).json["token"]

    assert token["methods"] == ["password"]
    assert token["user"] == {
        "id": cast.member.user_id,
        "name": "alpha-member",
        "domain": {"id": "default", "name": "Default"},
        "password_expires_at": None,
    }
    assert token["project"] == {
        "id": ALPHA,
        "name": "alpha",
        "domain": {"id": "default", "name": "Default"},
    }
    assert token["is_domain"] is False
    assert [role["name"] for role in token["roles"]] == ["reader", "member"]
    assert all(len(role["id"]) == 32 for role in token["roles"])
    assert len(token["audit_ids"]) == 1
    issued, expires = (dt.datetime.fromisoformat(token[key]) for key in ("issued_at", "expires_at"))
    assert issued >= before
    assert expires - issued == dt.timedelta(days=1)


def test_an_admin_s_token_lists_all_implied_roles(cast: Cast) -> None:
    token = log_in(password_of("cloud-admin", "cloud-admin")).expect(201).json["token"]

    assert [role["name"] for role in token["roles"]] == ["reader", "member", "manager", "admin"]


def test_the_catalogue_lists_every_service_with_each_interface(cast: Cast) -> None:
    token = log_in(password_of()).expect(201).json["token"]

    urls = {
        entry["type"]: {endpoint["url"] for endpoint in entry["endpoints"]}
        for entry in token["catalog"]
    }
    assert urls == {
        "identity": {"http://testserver/identity"},
        "compute": {"http://testserver/compute/v2.1"},
        "image": {"http://testserver/image"},
        "network": {"http://testserver/network"},
        "volumev3": {"http://testserver/volume/v3"},
        "block-storage": {"http://testserver/volume/v3"},
        "placement": {"http://testserver/placement"},
    }
    for entry in token["catalog"]:
        assert [endpoint["interface"] for endpoint in entry["endpoints"]] == [
            "public",
            "internal",
            "admin",
        ]
        assert {endpoint["region_id"] for endpoint in entry["endpoints"]} == {"RegionOne"}


def test_the_catalogue_can_be_left_out(cast: Cast) -> None:
    assert "catalog" not in log_in(password_of(), query="?nocatalog").expect(201).json["token"]


@pytest.mark.parametrize(
    "scope",
    [
        {"project": {"id": ALPHA}},
        {"project": {"id": "", "name": "alpha", "domain": {"id": "default"}}},
        {"project": {"name": "alpha", "domain": {"id": "default"}}},
        {"project": {"name": "alpha", "domain": {"name": "Default"}}},
        {"project": {"name": "alpha", "domain": {"id": "", "name": "Default"}}},
        None,
    ],
)
def test_the_project_is_named_by_id_or_name_or_is_the_default_one(cast: Cast, scope: Any) -> None:
    assert log_in(password_of(), scope).expect(201).json["token"]["project"]["id"] == ALPHA


def test_the_user_may_be_named_by_id(cast: Cast) -> None:
    user = {"id": cast.member.user_id, "password": "alpha-member"}

    answer = log_in({"methods": ["password"], "password": {"user": user}}).expect(201)

    assert answer.json["token"]["user"]["name"] == "alpha-member"


@pytest.mark.parametrize("scope", ["unscoped", {"unscoped": {}}])
def test_an_unscoped_token_shows_no_project(cast: Cast, scope: Any) -> None:
    token = log_in(password_of(), scope).expect(201).json["token"]

    assert not {"project", "roles", "catalog", "is_domain"} & set(token)


def test_a_user_without_default_project_gets_an_unscoped_token() -> None:
    make_user("nobody", password="secret")

    assert "project" not in log_in(password_of("nobody", "secret")).expect(201).json["token"]


@pytest.mark.parametrize(
    "scope",
    [
        {"project": {"id": BETA}},
        {"project": {"name": "beta", "domain": DEFAULT}},
        {"project": {"id": "nowhere"}},
        {"project": {"name": "alpha", "domain": {"id": "elsewhere"}}},
        {"project": {"name": "alpha", "domain": {"name": "Elsewhere"}}},
        {"project": {"name": "alpha", "domain": {"name": "default"}}},
        {"project": {"id": ALPHA, "name": "beta", "domain": DEFAULT}},
        {"domain": DEFAULT},
        {"system": {"all": True}},
    ],
)
def test_a_scope_without_a_role_in_it_is_refused(cast: Cast, scope: Any) -> None:
    assert error_of(log_in(password_of(), scope).expect(401))["title"] == "Unauthorized"


def test_a_disabled_project_is_refused(cast: Cast) -> None:
    Project.objects.filter(pk=ALPHA).update(enabled=False)

    log_in(password_of(), {"project": {"id": ALPHA}}).expect(401)


def test_a_wrong_password_an_unknown_and_a_disabled_user_get_one_answer(cast: Cast) -> None:
    User.objects.filter(pk=cast.reader.user_id).update(is_active=False)
    refused = [
        log_in(password_of("alpha-member", "wrong")),
        log_in(password_of("unknown", "alpha-member")),
        log_in(password_of("alpha-reader", "alpha-reader")),
        log_in(
            {
                "methods": ["password"],
                "password": {
                    "user": {
                        "name": "alpha-member",
                        "domain": {"id": "other"},
                        "password": "alpha-member",
                    }
                },
            }
        ),
    ]

    assert {answer.expect(401).content for answer in refused} == {refused[0].content}
    assert error_of(refused[0])["title"] == "Unauthorized"


def test_a_refusal_names_the_identity_service(cast: Cast) -> None:
    answer = log_in(password_of("alpha-member", "wrong"))

    assert answer.headers["WWW-Authenticate"] == 'Keystone uri="http://testserver/identity"'


def test_a_token_is_exchanged_for_one_of_another_project(cast: Cast) -> None:
    cast.member.user.groups.add(cast.beta.roles.get(role=Role.READER).group)
    first = log_in(password_of()).expect(201)

    text = first.headers["X-Subject-Token"]
    second = log_in(token_of(text), {"project": {"id": BETA}}).expect(201).json["token"]

    assert second["project"]["id"] == BETA
    assert [role["name"] for role in second["roles"]] == ["reader"]
    assert second["methods"] == ["token", "password"]
    assert second["expires_at"] == first.json["token"]["expires_at"]


def test_an_unscoped_token_can_be_exchanged_for_a_scoped_one(cast: Cast) -> None:
    text = log_in(password_of(), "unscoped").expect(201).headers["X-Subject-Token"]

    answer = log_in(token_of(text), {"project": {"id": ALPHA}}).expect(201)

    assert answer.json["token"]["project"]["id"] == ALPHA


def test_a_token_does_not_open_a_project_without_a_role(cast: Cast) -> None:
    log_in(token_of(cast.member.token), {"project": {"id": BETA}}).expect(401)


def test_an_unknown_token_is_not_exchanged(cast: Cast) -> None:
    log_in(token_of("unknown")).expect(404)


def test_a_token_of_one_user_and_a_password_of_another_do_not_add_up(cast: Cast) -> None:
    both = password_of() | token_of(cast.outsider.token) | {"methods": ["password", "token"]}

    log_in(both).expect(401)


@pytest.mark.parametrize("method", ["kerberos", "mapped", "ec2credential"])
def test_a_method_that_is_not_offered_is_refused(cast: Cast, method: str) -> None:
    assert method in error_of(log_in({"methods": [method], method: {}}).expect(401))["message"]


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"{",
        b"\xff",
        [],
        "auth",
        {},
        {"auth": None},
        {"auth": {}},
        {"auth": {"identity": {}}},
        {"auth": {"identity": {"methods": ["totp"]}}},
        {"auth": {"identity": {"methods": "password"}}},
        {"auth": {"identity": {"methods": [1]}}},
        {"auth": {"identity": {"methods": ["password"]}}},
        {"auth": {"identity": {"methods": ["password"], "password": {}}}},
        {"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "a"}}}}},
        {"auth": {"identity": without_domain("alpha-member")}},
        {"auth": {"identity": {"methods": ["password"], "password": {"user": {"id": ""}}}}},
        {"auth": {"identity": {"methods": ["password"], "password": {"user": {"password": "a"}}}}},
        {"auth": {"identity": password_of("alpha-member", 5)}},
        {"auth": {"identity": password_of(5, "x")}},
        {"auth": {"identity": {"methods": ["token"], "token": {}}}},
        {"auth": {"identity": {"methods": ["application_credential"]}}},
        {"auth": {"identity": password_of(), "scope": 5}},
        {"auth": {"identity": password_of(), "scope": None}},
        {"auth": {"identity": password_of(), "scope": {}}},
        {"auth": {"identity": password_of(), "scope": {"elsewhere": {}}}},
        {"auth": {"identity": password_of(), "scope": {"domain": {}}}},
        {"auth": {"identity": password_of(), "scope": {"project": {"name": "alpha"}}}},
        {"auth": {"identity": password_of(), "scope": {"project": {"id": ALPHA}, "domain": {}}}},
        {"auth": {"identity": password_of(), "scope": {"project": {"id": ALPHA}, "unscoped": {}}}},
        {"auth": {"identity": password_of(), "scope": {"project": {"id": ALPHA, "name": "x"}}}},
        {"auth": {"identity": password_of(), "scope": {"project": "alpha"}}},
        {"auth": {"identity": password_of(), "scope": {"project": {"id": 5}}}},
        {"auth": {"identity": password_of(), "scope": {"project": {"name": "a", "domain": 1}}}},
    ],
)
def test_a_malformed_body_is_400(cast: Cast, body: Any) -> None:
    assert error_of(ApiClient().post(URL, body).expect(400))["title"] == "Bad Request"


def test_a_name_with_a_null_character_is_just_unknown(cast: Cast) -> None:
    log_in(password_of("a\0b", "x")).expect(401)
    log_in(password_of(), {"project": {"id": "a\0b"}}).expect(401)


def test_a_login_costs_four_statements(cast: Cast, statements) -> None:
    log_in(password_of())

    with statements() as seen:
        log_in(password_of()).expect(201)

    assert len(seen) == 4, "who it is, the token, its domains, the catalogue"


def test_a_name_counts_more_than_the_id_beside_it(cast: Cast) -> None:
    def named(**fields: Any) -> Answer:
        user = {"password": "alpha-member", **fields}
        return log_in({"methods": ["password"], "password": {"user": user}})

    own = cast.member.user_id
    assert named(id="", name="alpha-member", domain=DEFAULT).expect(201)
    assert named(id=cast.outsider.user_id, name="alpha-member", domain=DEFAULT).expect(201)
    named(id=own, name="beta-member", domain=DEFAULT).expect(401)
    named(id=own, name="alpha-member").expect(400)


def test_who_names_no_password_or_no_method_is_not_signed_in(cast: Cast) -> None:
    user = {"name": "alpha-member", "domain": DEFAULT}
    log_in({"methods": ["password"], "password": {"user": user}}).expect(401)
    log_in(password_of() | {"methods": []}).expect(401)
