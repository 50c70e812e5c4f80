"""Bodies in chunks at each of the five APIs, as bytes on a socket, answered by the whole site."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from pytest_django import DjangoDbBlocker

from tests.web_server.raw import (
    WAIT_SECONDS,
    RawAnswer,
    WebServer,
    chunked,
    in_chunks,
    read_answer,
    running,
)
from tests.world.cast import Cast
from tests.world.restoring import restore_rows
from tests.world.worker_process import url_of_database

pytestmark = pytest.mark.django_db  # else there might be no database

CONFIGURATION = "compute_site.web_server.configuration"
MEMBER, ADMIN = Cast.member.token, Cast.admin.token
LAST = b"0\r\n\r\n"
TRAILERS = b"X-Checksum: 12345\r\nX-More: 6\r\n"
FRAMINGS = [(5_000_000, b""), (5_000_000, TRAILERS), (999, b""), (7, TRAILERS), (1, b"")]
"""Sizes of chunks, and trailers: from one chunk to one for each byte."""


@dataclasses.dataclass(frozen=True)
class Create:
    """A request that makes something; ``NUMBER`` in its body makes it another one."""

    path: str
    body: str
    token: str = MEMBER

    def content(self, number: int) -> bytes:
        return self.body.replace("NUMBER", str(number)).encode()

    def framed(self, body: bytes) -> bytes:
        headers = (f"X-Auth-Token: {self.token}", "Content-Type: application/json")
        return chunked(self.path, body, *headers)


IMAGE = '{"name": "i-NUMBER", "disk_format": "raw", "container_format": "bare"}'
IDENTITY = {"methods": ["token"], "token": {"id": MEMBER}}
LISTED = {
    "compute": Create("/compute/v2.1/os-keypairs", '{"keypair": {"name": "k-NUMBER"}}'),
    "identity": Create("/identity/v3/users", '{"user": {"name": "u-NUMBER"}}', ADMIN),
    "image": Create("/image/v2/images", IMAGE),
    "network": Create("/network/v2.0/networks", '{"network": {"name": "n-NUMBER"}}'),
    "volume": Create("/volume/v3/volumes", '{"volume": {"name": "v-NUMBER", "size": 1}}'),
}
LOGIN = Create("/identity/v3/auth/tokens", json.dumps({"auth": {"identity": IDENTITY}}))
CREATES = {**LISTED, "login": LOGIN}
each_create = pytest.mark.parametrize("create", CREATES.values(), ids=CREATES)


@pytest.fixture(scope="module")
def site(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[WebServer]:
    """One for all tests, which meet its database through it alone."""
    options = {
        "DATABASE_URL": url_of_database(),
        "COMPUTE_SITE_IMAGE_STORE_DIR": str(tmp_path_factory.mktemp("images")),
    }
    with running(CONFIGURATION, **options) as server:
        yield server
    with django_db_blocker.unblock():
        restore_rows()


@each_create
def test_a_body_in_chunks_is_read(site: WebServer, create: Create) -> None:
    for number, (size, trailers) in enumerate(FRAMINGS):
        answer = site.ask(create.framed(in_chunks(create.content(number), size, trailers)))
        assert answer.status in (200, 201, 202), (size, trailers, answer.body)
        assert answer.headers["Connection"] == "keep-alive"


@each_create
@pytest.mark.parametrize("size", [5_000_000, 5000], ids=["one chunk", "many"])
def test_a_body_in_chunks_that_is_too_large_is_413(
    site: WebServer, create: Create, size: int
) -> None:
    answer = site.ask(create.framed(in_chunks(b" " * 2_000_000 + create.content(0), size)))
    assert answer.status == 413, answer.body
    assert answer.headers["Connection"] == "close"


@each_create
def test_a_body_in_chunks_that_breaks_off_is_400(site: WebServer, create: Create) -> None:
    body = in_chunks(create.content(99), 7).removesuffix(LAST)
    answer = site.ask(create.framed(body), end=True)
    answer.check_envelope()
    assert answer.status == 400


@pytest.mark.parametrize("create", LISTED.values(), ids=LISTED)
def test_nothing_is_made_of_a_body_that_breaks_off(site: WebServer, create: Create) -> None:
    before = get(site, create.path, create.token)
    body = in_chunks(create.content(99), 5_000_000).removesuffix(LAST)
    assert site.ask(create.framed(body), end=True).status == 400
    assert get(site, create.path, create.token) == before


@pytest.mark.parametrize("length", [1000, 1_000_000], ids=["small", "large"])
def test_an_image_in_chunks_has_its_size(site: WebServer, length: int) -> None:
    for size, trailers in FRAMINGS[:3]:
        path, data = make_image(site), os.urandom(length)
        answer = upload(site, path, in_chunks(data, size, trailers))
        assert answer.status == 204, (size, trailers, answer.body)
        image = get(site, path)
        assert (image["status"], image["size"]) == ("active", length)
        assert image["checksum"] == hashlib.md5(data).hexdigest()  # noqa: S324


@pytest.mark.parametrize("length", [1000, 1_000_000], ids=["small", "large"])
def test_an_image_in_chunks_that_breaks_off_stays_queued(site: WebServer, length: int) -> None:
    path = make_image(site)
    body = in_chunks(bytes(length), 999).removesuffix(LAST)
    assert upload(site, path, body, end=True).status == 400
    image = get(site, path)
    assert (image["status"], image["size"]) == ("queued", None)


def test_the_data_of_an_image_are_sent_whole_in_parts_and_again(site: WebServer) -> None:
    path, data = make_image(site), os.urandom(9_000_001)
    assert upload(site, path, in_chunks(data, 100_000)).status == 204
    with site.connect() as sock:
        for asked, wanted in (
            ("", data),
            ("Range: bytes=10-4000010", data[10:4000011]),
            ("", data),
        ):
            sock.sendall(download(path, asked))
            answer = read_answer(sock)
            assert answer.status == (206 if asked else 200)
            assert answer.body == wanted
            assert answer.headers["Connection"] == "keep-alive"


def test_clients_that_leave_a_download_leave_no_file_open(site: WebServer) -> None:
    path = make_image(site)
    assert upload(site, path, in_chunks(os.urandom(20_000_000), 1_000_000)).status == 204
    for _ in range(3):
        with site.connect() as sock:
            sock.sendall(download(path))
            assert sock.recv(1000)
    with site.connect() as slow:  # it takes nothing, and others are served
        slow.sendall(download(path))
        assert get(site, path)["size"] == 20_000_000
    deadline = time.monotonic() + WAIT_SECONDS
    while open_images(site):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def open_images(site: WebServer) -> list[str]:
    """The files of the image store that the web processes have open."""
    processes = psutil.Process(site.process.pid).children()
    opened = [file.path for process in processes for file in process.open_files()]
    return [path for path in opened if "/images" in path]


def download(path: str, *headers: str) -> bytes:
    lines = [f"GET {path}/file HTTP/1.1", "Host: localhost", f"X-Auth-Token: {MEMBER}", *headers]
    return "\r\n".join([*filter(None, lines), "", ""]).encode()


def get(site: WebServer, path: str, token: str = MEMBER) -> Any:
    lines = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Auth-Token: {token}\r\n\r\n"
    return site.ask(lines.encode()).json


def make_image(site: WebServer) -> str:
    """The path of an image that waits for its data."""
    create = CREATES["image"]
    made = site.ask(create.framed(in_chunks(create.content(0), 7)))
    return f"{create.path}/{made.json['id']}"


def upload(site: WebServer, path: str, body: bytes, *, end: bool = False) -> RawAnswer:
    headers = (f"X-Auth-Token: {MEMBER}", "Content-Type: application/octet-stream")
    return site.ask(chunked(f"{path}/file", body, *headers, method="PUT"), end=end)
