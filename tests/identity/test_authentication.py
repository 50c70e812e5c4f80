"""Who calls: token, Basic and session, and what each needs."""

from __future__ import annotations

import base64
import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from compute_site.identity import passwords
from compute_site.identity.models import Project, Role, Token, User
from compute_site.identity.tokens import digest_of
from tests.world.cast import Cast, Persona
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_project, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.identity.urls")]


def ask_with_token(token: str) -> Answer:
    return ApiClient().get("/whoami", headers={"X-Auth-Token": token})


def ask_with_password(name: str, password: str, **headers: str) -> Answer:
    credentials = base64.b64encode(f"{name}:{password}".encode()).decode()
    return ApiClient().get("/whoami", headers={"Authorization": f"Basic {credentials}"} | headers)


def test_a_token_says_who_calls_in_which_project(as_member: ApiClient) -> None:
    answer = as_member.get("/whoami").expect(200)

    assert answer.json["user"] == "alpha-member"
    assert answer.json["project"] == "alpha"


@pytest.mark.parametrize(
    ("persona", "roles"),
    [
        (Cast.reader, ["reader"]),
        (Cast.member, ["member", "reader"]),
        (Cast.manager, ["manager", "member", "reader"]),
        (Cast.admin, ["admin", "manager", "member", "reader"]),
    ],
)
def test_a_role_implies_those_below(cast: Cast, persona: Persona, roles: list[str]) -> None:
    assert ApiClient(persona).get("/whoami").expect(200).json["roles"] == roles


def test_nobody_is_refused_and_told_how_to_come_in(anonymous: ApiClient) -> None:
    answer = anonymous.get("/whoami").expect(401)

    assert answer.fault == "unauthorized"
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("credentials", ["!!!", "YQ", "/w==", "\xff", "tök"])
def test_credentials_that_are_no_base64_are_refused(anonymous: ApiClient, credentials: str) -> None:
    answer = anonymous.get("/whoami", headers={"Authorization": f"Basic {credentials}"})
    assert answer.expect(401).fault == "unauthorized"


@pytest.mark.parametrize("token", ["unknown", "tök", "x" * 5000, "a\x01b"])
def test_an_unknown_token_is_refused(cast: Cast, token: str) -> None:
    assert ask_with_token(token).expect(401).fault == "unauthorized"


def test_only_the_digest_of_a_token_is_kept(cast: Cast) -> None:
    assert not Token.objects.filter(digest=cast.member.token).exists()
    assert ask_with_token(digest_of(cast.member.token)).status == 401


def test_an_expired_token_is_refused(as_member: ApiClient) -> None:
    Token.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))

    as_member.get("/whoami").expect(401)


def test_a_revoked_token_is_refused(as_member: ApiClient, cast: Cast) -> None:
    Token.objects.filter(digest=digest_of(cast.member.token)).delete()

    as_member.get("/whoami").expect(401)


def test_a_token_of_a_disabled_user_is_refused(as_member: ApiClient, cast: Cast) -> None:
    User.objects.filter(pk=cast.member.user_id).update(is_active=False)

    as_member.get("/whoami").expect(401)


def test_a_token_for_a_disabled_project_is_refused(as_member: ApiClient) -> None:
    Project.objects.filter(name="alpha").update(enabled=False)

    as_member.get("/whoami").expect(401)


def test_who_loses_the_role_loses_the_token(as_member: ApiClient, cast: Cast) -> None:
    cast.member.user.groups.clear()

    as_member.get("/whoami").expect(401)


def test_a_token_without_a_project_is_refused(as_member: ApiClient, cast: Cast) -> None:
    Token.objects.update(project=None)

    as_member.get("/whoami").expect(401)


def test_a_token_costs_one_statement(as_member: ApiClient, statements) -> None:
    as_member.get("/whoami")

    with statements() as seen:
        as_member.get("/whoami").expect(200)

    assert len(seen) == 1


def test_an_admin_of_one_project_is_a_plain_member_of_another(cast: Cast) -> None:
    both = make_user("both", password="secret", project=cast.alpha, role=Role.ADMIN)
    both.groups.add(cast.beta.roles.get(role=Role.MEMBER).group)

    at_home = ask_with_password("both", "secret").expect(200).json
    abroad = ask_with_password("both", "secret", **{"X-Project-Name": "beta"}).expect(200).json

    assert "admin" in at_home["roles"]
    assert at_home["global_rules"]
    assert abroad["roles"] == ["member", "reader"]
    assert abroad["global_rules"] == []


def test_basic_takes_the_default_project(cast: Cast) -> None:
    answer = ask_with_password("alpha-member", "alpha-member").expect(200)

    assert (answer.json["user"], answer.json["project"]) == ("alpha-member", "alpha")


@pytest.mark.parametrize("header", ["X-Project-Id", "X-Project-Name"])
def test_basic_takes_the_project_of_the_header(cast: Cast, header: str) -> None:
    make_user("both", password="secret", project=cast.alpha)
    User.objects.get(username="both").groups.add(cast.beta.roles.get(role=Role.READER).group)
    value = cast.beta.id if header == "X-Project-Id" else "beta"

    answer = ask_with_password("both", "secret", **{header: value}).expect(200)

    assert answer.json["project"] == "beta"
    assert answer.json["roles"] == ["reader"]


@pytest.mark.parametrize("project", ["beta", "nowhere"])
def test_basic_needs_a_role_in_the_project(cast: Cast, project: str) -> None:
    headers = {"X-Project-Name": project}

    ask_with_password("alpha-member", "alpha-member", **headers).expect(401)


def test_basic_without_default_project_is_refused() -> None:
    make_user("nobody", password="secret")

    ask_with_password("nobody", "secret").expect(401)


@pytest.mark.parametrize(
    ("name", "password"),
    [("alpha-member", "wrong"), ("unknown", "alpha-member"), ("a\0b", "x"), ("", "")],
)
def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(
    cast: Cast, name: str, password: str
) -> None:
    answer = ask_with_password(name, password).expect(401)

    assert answer.message == "User and password do not belong together."


@pytest.mark.parametrize("credentials", ["", "%%%", "bm9jb2xvbg==", "/////w=="])
def test_broken_basic_credentials_are_refused(anonymous: ApiClient, credentials: str) -> None:
    headers = {"Authorization": f"Basic {credentials}"}

    anonymous.get("/whoami", headers=headers).expect(401)


@pytest.fixture
def slow_checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that went through the slow hash."""
    checked: list[str] = []
    check = passwords.check_password

    def counting(password: str, *others: object) -> bool:
        checked.append(password)
        return check(password, *others)

    monkeypatch.setattr(passwords, "check_password", counting)
    return checked


def test_a_right_password_is_hashed_once(cast: Cast, slow_checks: list[str]) -> None:
    for _ in range(3):
        ask_with_password("alpha-member", "alpha-member").expect(200)

    assert slow_checks == ["alpha-member"]


def test_a_wrong_password_is_not_remembered(cast: Cast, slow_checks: list[str]) -> None:
    for _ in range(2):
        ask_with_password("alpha-member", "wrong").expect(401)

    assert slow_checks == ["wrong", "wrong"]


def test_a_remembered_password_ends_with_its_change(cast: Cast) -> None:
    ask_with_password("alpha-member", "alpha-member").expect(200)
    user = cast.member.user
    user.set_password("new")
    user.save()

    ask_with_password("alpha-member", "alpha-member").expect(401)
    ask_with_password("alpha-member", "new").expect(200)


def test_a_remembered_password_is_of_one_user_only(cast: Cast) -> None:
    ask_with_password("alpha-member", "alpha-member").expect(200)

    ask_with_password("alpha-second", "alpha-member").expect(401)


def test_a_remembered_password_is_forgotten_after_its_time(
    cast: Cast, slow_checks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_with_password("alpha-member", "alpha-member").expect(200)
    later = passwords.time.monotonic() + 301
    monkeypatch.setattr(passwords.time, "monotonic", lambda: later)

    ask_with_password("alpha-member", "alpha-member").expect(200)

    assert len(slow_checks) == 2


def test_the_memory_of_passwords_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "MOST_REMEMBERED", 4)
    memory = passwords.PasswordMemory()

    for number in range(20):
        memory.remember(bytes([number]))

    assert sum(memory.knows(bytes([number])) for number in range(20)) <= 4
    assert memory.knows(bytes([19]))


def test_a_disabled_user_cannot_use_a_remembered_password(cast: Cast) -> None:
    ask_with_password("alpha-member", "alpha-member").expect(200)
    User.objects.filter(pk=cast.member.user_id).update(is_active=False)

    ask_with_password("alpha-member", "alpha-member").expect(401)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://behind.a.proxy"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": "http://testserver"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://elsewhere.test"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_another_site_s_page_cannot_write_with_a_remembered_password(
    cast: Cast, headers: dict[str, str], status: int
) -> None:
    credentials = base64.b64encode(b"alpha-member:alpha-member").decode()
    sent = {"Authorization": f"Basic {credentials}"} | headers

    ApiClient().post("/whoami", {}, headers=sent).expect(status)
    ApiClient().get("/whoami", headers=sent).expect(200)


def log_in(persona: Persona, **options: bool) -> Client:
    http = Client(**options)
    http.force_login(persona.user, backend="django.contrib.auth.backends.ModelBackend")
    return http


def test_a_session_acts_in_the_default_project(cast: Cast) -> None:
    answer = log_in(cast.member).get("/compute/v2.1/whoami")

    assert answer.status_code == 200
    assert answer.json()["project"] == "alpha"


def test_a_session_needs_the_csrf_token_to_write(cast: Cast) -> None:
    http = log_in(cast.member, enforce_csrf_checks=True)

    refused = http.post("/compute/v2.1/whoami", "{}", content_type="application/json")

    assert refused.status_code == 403
    assert next(iter(refused.json())) == "forbidden"


def test_a_token_needs_no_csrf_token(cast: Cast) -> None:
    http = log_in(cast.member, enforce_csrf_checks=True)

    answer = http.post(
        "/compute/v2.1/whoami",
        "{}",
        content_type="application/json",
        headers={"X-Auth-Token": cast.outsider.token},
    )

    assert answer.status_code == 200
    assert answer.json()["project"] == "beta"


def test_a_superuser_without_project_acts_as_admin_of_the_first(cast: Cast) -> None:
    user = make_user("root", role=None, is_superuser=True)
    http = Client()
    http.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    answer = http.get("/compute/v2.1/whoami").json()

    assert answer["project"] == "alpha"
    assert "admin" in answer["roles"]
    assert "os_compute_api:servers:create:forced_host" in answer["global_rules"]


def test_a_superuser_with_a_default_project_acts_there(cast: Cast) -> None:
    user = make_user("root", role=None, project=make_project("zone"), is_superuser=True)
    http = Client()
    http.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    assert http.get("/compute/v2.1/whoami").json()["project"] == "zone"


def test_a_session_without_any_role_is_refused(cast: Cast) -> None:
    http = Client()
    http.force_login(make_user("nobody"), backend="django.contrib.auth.backends.ModelBackend")

    assert http.get("/compute/v2.1/whoami").status_code == 401
