"""Checks of passwords keep few threads busy, whatever comes."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password, make_password

from compute_site.identity.hashers import TooManySignIns, hashing
from compute_site.waiting.short_queue import ShortQueue
from tests.world.cast import Cast
from tests.world.client import ApiClient, browser_of

OURS = [
    "compute_site.identity.hashers.QueuedScryptHasher",
    "compute_site.identity.hashers.QueuedPbkdf2Hasher",
]


@pytest.fixture
def full_queue(settings: Any, cast: Cast) -> Any:
    """As if as many others signed in as may, all of whom are known already."""
    settings.PASSWORD_HASHERS = OURS
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            assert hashing._room.acquire(blocking=False)
            stack.callback(hashing._room.release)
        yield


def test_passwords_are_hashed_as_before(settings: Any) -> None:
    settings.PASSWORD_HASHERS = OURS
    encoded = make_password("secret")
    assert encoded.startswith("scrypt$")
    assert check_password("secret", encoded)
    assert not check_password("wrong", encoded)
    assert check_password("secret", make_password("secret", hasher="pbkdf2_sha256"))
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
    assert check_password("secret", encoded)


def test_one_works_and_the_others_wait_until_they_are_too_many() -> None:
    queue = ShortQueue(2, TooManySignIns, "later")
    working, most = [], []
    begun, go_on = threading.Semaphore(0), threading.Event()

    def work() -> None:
        begun.release()
        with queue.turn():
            working.append(1)
            most.append(len(working))
            go_on.wait(20)
            working.pop()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert begun.acquire(timeout=20)
    while queue._room.acquire(blocking=False):  # until all three have come
        queue._room.release()
    with pytest.raises(TooManySignIns), queue.turn():
        pass
    go_on.set()
    for thread in threads:
        thread.join(20)
    assert most == [1, 1, 1]
    with queue.turn():
        pass


def test_a_fault_gives_the_turn_back() -> None:
    queue = ShortQueue(0, TooManySignIns, "later")
    for _ in range(3):
        with pytest.raises(ValueError, match="odd"), queue.turn():
            raise ValueError("odd")


def test_too_many_logins_are_told_to_come_back(
    full_queue: None, anonymous: ApiClient, cast: Cast
) -> None:
    user = {"name": "nobody", "password": "wrong", "domain": {"id": "default"}}
    identity = {"methods": ["password"], "password": {"user": user}}
    answer = anonymous.post("//identity/v3/auth/tokens", {"auth": {"identity": identity}})
    assert answer.expect(503).json["error"]["code"] == 503
    assert answer.headers["Retry-After"] == "2"
    basic = {"Authorization": "Basic bm9ib2R5Ondyb25n"}
    answer = anonymous.get("/servers", headers=basic).expect(503)
    assert answer.fault == "serviceUnavailable"
    assert answer.headers["Retry-After"] == "2"


def test_others_are_answered_meanwhile(full_queue: None, as_member: ApiClient) -> None:
    as_member.get("/servers").expect(200)


@pytest.mark.parametrize("path", ["/admin/login/", "/accounts/login/"])
def test_people_are_told_to_come_back(
    full_queue: None, anonymous: ApiClient, cast: Cast, path: str
) -> None:
    http = browser_of(cast.member).http
    http.logout()
    http.raise_request_exception = False
    page = http.post(path, {"username": "nobody", "password": "wrong"})
    assert page.status_code == 503
    assert page["Retry-After"] == "2"
    assert "Try again later" in page.content.decode()
