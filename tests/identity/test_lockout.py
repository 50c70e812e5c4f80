"""Guessing: after too many failures an account is locked, by whatever way they came in; nobody
learns from it which users exist; and the log says who tried from where.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.utils import timezone

from compute_site.identity import proof
from compute_site.identity.lockout import note_failure, purge_failures
from compute_site.identity.models import ApplicationCredential, SignInFailures
from compute_site.identity.passwords import verify_password
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.log import log_of_site
from tests.world.staff import operator, staff

pytestmark = pytest.mark.django_db
V3 = "//identity/v3"
TOKENS = f"{V3}/auth/tokens"
WHO = Cast.admin
MOST = 3


@pytest.fixture
def locking() -> Iterator[None]:
    options = dataclasses.replace(settings.OPTIONS, lockout_failure_attempts=MOST)
    with override_settings(OPTIONS=options):
        yield


@dataclasses.dataclass(frozen=True)
class Said:
    """How a try ended, and what was said, without what differs anyway."""

    accepted: bool
    status: int
    text: str


def ask_for_token(method: str, proof_of_it: dict[str, Any]) -> Said:
    identity = {"methods": [method], method: proof_of_it}
    answer = ApiClient().post(TOKENS, {"auth": {"identity": identity}})
    text = "" if answer.status == 201 else answer.content.decode()
    return Said(answer.status == 201, answer.status, text)


def token_by_name(name: str, secret: str) -> Said:
    user = {"name": name, "domain": {"id": "default"}, "password": secret}
    return ask_for_token("password", {"user": user})


def token_by_id(name: str, secret: str) -> Said:
    key = WHO.user_id if name == WHO.name else name
    return ask_for_token("password", {"user": {"id": key, "password": secret}})


def basic(name: str, secret: str) -> Said:
    credentials = base64.b64encode(f"{name}:{secret}".encode()).decode()
    answer = ApiClient().get("/servers", headers={"Authorization": f"Basic {credentials}"})
    text = "" if answer.status == 200 else answer.content.decode()
    return Said(answer.status == 200, answer.status, text)


def page(path: str) -> Callable[[str, str], Said]:
    def sign_in(name: str, secret: str) -> Said:
        answer = Client().post(path, {"username": name, "password": secret, "next": "/admin/"})
        text = re.sub(r'value="[^"]*"', "", answer.content.decode())
        return Said(answer.status_code == 302, answer.status_code, text)

    return sign_in


def credential(name: str, secret: str) -> Said:
    """With the right password the right secret is meant."""
    known = secret == WHO.password
    return ask_for_token(
        "application_credential",
        {
            "name": "robot",
            "secret": "secret of the robot" if known else secret,
            "user": {"name": name, "domain": {"id": "default"}},
        },
    )


def oauth_client(name: str, secret: str) -> Said:
    """The client of OAuth 2.0 that the application credential is."""
    row = ApplicationCredential.objects.filter(user__username=name).first()
    shown = {
        "grant_type": "client_credentials",
        "client_id": row.pk if row else name,
        "client_secret": "secret of the robot" if secret == WHO.password else secret,
    }
    form = "application/x-www-form-urlencoded"
    answer = ApiClient().post(
        f"{V3}/OS-OAUTH2/token", urlencode(shown).encode(), headers={"Content-Type": form}
    )
    return Said(answer.status == 200, answer.status, answer.content.decode())


def change_of_password(name: str, secret: str) -> Said:
    key = WHO.user_id if name == WHO.name else name
    body = {"user": {"original_password": secret, "password": WHO.password}}
    answer = ApiClient().post(f"{V3}/users/{key}/password", body)
    return Said(answer.status == 204, answer.status, answer.content.decode())


DOORS = {
    "token by name": token_by_name,
    "token by id": token_by_id,
    "HTTP Basic": basic,
    "admin": page("/admin/login/"),
    "page": page("/accounts/login/"),
    "credential": credential,
    "client of OAuth": oauth_client,
    "change of the password": change_of_password,
}
EACH_DOOR = pytest.mark.parametrize("door", DOORS.values(), ids=DOORS.keys())
Door = Callable[[str, str], Said]


@pytest.fixture(autouse=True)
def robot(cast: Cast) -> None:
    order = {"application_credential": {"name": "robot", "secret": "secret of the robot"}}
    path = f"{V3}/users/{WHO.user_id}/application_credentials"
    ApiClient(WHO).post(path, order).expect(201)


def fail(door: Door, name: str = WHO.name, times: int = MOST) -> None:
    for number in range(times):
        assert not door(name, f"guess {number}").accepted


def pass_time(seconds: int) -> None:
    for row in SignInFailures.objects.all():
        row.last_at -= dt.timedelta(seconds=seconds)
        row.save()


@EACH_DOOR
def test_nothing_is_locked_by_default(door: Door) -> None:
    fail(door, times=10)
    assert door(WHO.name, WHO.password).accepted
    assert not SignInFailures.objects.exists()


@pytest.mark.usefixtures("locking")
@EACH_DOOR
def test_failures_at_one_door_lock_all(door: Door) -> None:
    fail(door)
    assert [name for name, other in DOORS.items() if other(WHO.name, WHO.password).accepted] == []


@pytest.mark.usefixtures("locking")
def test_failures_at_several_doors_add_up() -> None:
    for door in (token_by_id, basic, credential):
        fail(door, times=1)
    assert not token_by_name(WHO.name, WHO.password).accepted


@pytest.mark.usefixtures("locking")
@EACH_DOOR
def test_a_success_in_time_begins_the_count_anew(door: Door) -> None:
    for _ in range(3):
        fail(door, times=MOST - 1)
        assert door(WHO.name, WHO.password).accepted
    assert not SignInFailures.objects.exists()


@pytest.mark.usefixtures("locking")
def test_the_old_password_on_the_page_of_a_new_one_counts() -> None:
    client = Client()
    client.force_login(WHO.user, backend="django.contrib.auth.backends.ModelBackend")
    form = {"new_password1": "new one 1", "new_password2": "new one 1"}
    for number in range(MOST):
        answer = client.post("/admin/password_change/", form | {"old_password": f"guess {number}"})
        assert answer.status_code == 200
    right = client.post("/admin/password_change/", form | {"old_password": WHO.password})
    assert "incorrectly" in right.content.decode()
    assert not token_by_name(WHO.name, WHO.password).accepted


@pytest.mark.usefixtures("locking")
def test_others_are_not_locked(cast: Cast) -> None:
    fail(basic)
    assert basic(cast.member.name, cast.member.password).accepted


@pytest.mark.usefixtures("locking")
def test_who_is_exempt_is_not_locked(as_admin: ApiClient) -> None:
    options = {"ignore_lockout_failure_attempts": True}
    as_admin.patch(f"{V3}/users/{WHO.user_id}", {"user": {"options": options}}).expect(200)
    fail(token_by_name, times=2 * MOST)
    assert token_by_name(WHO.name, WHO.password).accepted


@pytest.mark.usefixtures("locking")
def test_tokens_that_are_there_go_on(as_admin: ApiClient) -> None:
    fail(token_by_name)
    as_admin.get("/servers").expect(200)


@pytest.mark.usefixtures("locking")
@EACH_DOOR
def test_no_answer_tells_who_exists_and_who_is_locked(door: Door, statements: Any) -> None:
    """The same words, and the same number of statements, whatever the reason."""

    def ask(name: str, secret: str) -> tuple[int, str, int]:
        with statements() as seen:
            said = door(name, secret)
        return said.status, said.text, len(seen)

    nobody = ask("nobody", "guess")
    wrong = ask(WHO.name, "guess")
    fail(door, times=MOST - 1)
    locked = ask(WHO.name, "guess")
    assert nobody == wrong == locked
    right = ask(WHO.name, WHO.password)
    assert right[:2] == locked[:2]


@pytest.mark.usefixtures("locking")
def test_every_refusal_costs_a_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = []

    def verify(*given: Any) -> bool:
        hashed.append(given)
        return verify_password(*given)

    monkeypatch.setattr(proof, "verify_password", verify)
    fail(token_by_name)
    fail(token_by_name)
    fail(token_by_name, "nobody")
    fail(token_by_name, "nobody")
    assert len(hashed) == 4 * MOST


@pytest.mark.usefixtures("locking")
def test_a_lock_ends_with_its_time_whatever_is_tried_meanwhile() -> None:
    fail(token_by_name)
    pass_time(1500)
    fail(token_by_name)
    assert not token_by_name(WHO.name, WHO.password).accepted
    pass_time(301)
    assert token_by_name(WHO.name, WHO.password).accepted


@pytest.mark.usefixtures("locking")
def test_after_a_lock_the_count_begins_anew() -> None:
    fail(token_by_name)
    pass_time(1801)
    fail(token_by_name, times=1)
    assert SignInFailures.objects.get().failures == 1
    assert token_by_name(WHO.name, WHO.password).accepted


def test_a_lock_can_be_meant_to_last(locking: None) -> None:
    with override_settings(OPTIONS=dataclasses.replace(settings.OPTIONS, lockout_duration=0)):
        fail(token_by_name)
        pass_time(10**8)
        assert not token_by_name(WHO.name, WHO.password).accepted


@pytest.mark.usefixtures("locking")
def test_guesses_at_the_same_time_are_no_more_than_one_after_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While the right password is hashed, the wrong ones are found to be wrong."""

    def verify(*given: Any) -> bool:
        for _ in range(MOST):
            note_failure(SignInFailures.account_of(WHO.user_id), named="somebody")
        return verify_password(*given)

    monkeypatch.setattr(proof, "verify_password", verify)
    assert not token_by_name(WHO.name, WHO.password).accepted


@pytest.mark.usefixtures("locking")
def test_a_remembered_password_is_no_way_around(cast: Cast) -> None:
    assert basic(WHO.name, WHO.password).accepted
    fail(token_by_name)
    assert not basic(WHO.name, WHO.password).accepted


def unlock_in_the_admin() -> None:
    client = operator()
    shown = client.get(f"/admin/identity/user/{WHO.user_id}/change/").content.decode()
    assert f"{MOST}, the last one at" in shown
    assert "locked" in shown
    action = {"action": "unlock", "_selected_action": [WHO.user_id]}
    client.post("/admin/identity/user/", action)


def enable_by_api() -> None:
    body = {"user": {"enabled": True}}
    ApiClient(WHO).patch(f"{V3}/users/{WHO.user_id}", body).expect(200)


def set_password_by_api() -> None:
    body = {"user": {"password": WHO.password}}
    ApiClient(WHO).patch(f"{V3}/users/{WHO.user_id}", body).expect(200)


@pytest.mark.usefixtures("locking")
@pytest.mark.parametrize("unlock", [unlock_in_the_admin, enable_by_api, set_password_by_api])
def test_operators_unlock(unlock: Callable[[], None]) -> None:
    fail(token_by_name)
    unlock()
    assert token_by_name(WHO.name, WHO.password).accepted


@pytest.mark.usefixtures("locking")
def test_staff_do_not_unlock_who_has_more_rights() -> None:
    fail(token_by_name)
    client = staff("identity.view_user", "identity.change_user")
    client.post("/admin/identity/user/", {"action": "unlock", "_selected_action": [WHO.user_id]})
    assert not token_by_name(WHO.name, WHO.password).accepted


@pytest.mark.usefixtures("locking")
def test_failures_of_names_that_nobody_has_are_forgotten_after_a_day() -> None:
    fail(token_by_name)
    for name in ("nobody", "x" * 5000, "a\0b"):
        fail(token_by_name, name, times=1)
    assert SignInFailures.objects.count() == 4
    assert purge_failures() == 0
    SignInFailures.objects.update(last_at=timezone.now() - dt.timedelta(hours=25))
    assert purge_failures() == 3
    assert SignInFailures.objects.get().account == SignInFailures.account_of(WHO.user_id)


@EACH_DOOR
def test_the_log_says_who_tried_from_where(door: Door) -> None:
    with log_of_site() as written:
        door(WHO.name, "guess of the password")
    lines = [line for line in written().splitlines() if "sign-in refused" in line]
    named = WHO.user_id if door in (token_by_id, change_of_password) else WHO.name
    if door is oauth_client:
        named = ApplicationCredential.objects.get().pk
    assert len(lines) == 1
    assert re.search(rf"WARNING .* \[req-[0-9a-f-]{{36}} - 127.0.0.1\] .*{named}", lines[0])
    assert "guess of the password" not in written()


@pytest.mark.usefixtures("locking")
def test_the_log_says_when_an_account_is_locked() -> None:
    with log_of_site() as written:
        fail(token_by_name)
        token_by_name(WHO.name, WHO.password)
    assert f"'{WHO.name}' is locked for 1800 s after {MOST} failed sign-ins" in written()
    assert f"refused: '{WHO.name}', by token request: locked" in written()


def test_nobody_writes_lines_into_the_log() -> None:
    name = "x\n2030-01-01 00:00:00,000 WARNING forged [req - -] line " + "y" * 1000
    with log_of_site() as written:
        token_by_name(name, json.dumps({"a": 1}))
    assert [line for line in written().splitlines() if line.startswith("2030")] == []
    assert "y" * 100 not in written()
