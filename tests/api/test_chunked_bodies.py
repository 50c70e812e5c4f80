"""Bodies that come in chunks, as a web server hands them over; and bodies that break off."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

import pytest

from compute_site.neighbours.image.models import Image
from tests.world.client import BINARY, ApiClient
from tests.world.factories import make_image

LIMIT = 114688


class BrokenInput(io.BytesIO):
    """What a server hands over when the connection ends too early."""

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        if not found:
            raise OSError("no more data")
        return found


def send_chunked(
    client: ApiClient, method: str, path: str, body: io.BytesIO, **environ: Any
) -> tuple[int, Any]:
    """Status and JSON of the answer to a request without a length."""
    assert client.persona is not None
    sent = {
        "HTTP_TRANSFER_ENCODING": "chunked",
        "HTTP_X_AUTH_TOKEN": client.persona.token,
        "CONTENT_TYPE": BINARY if path.endswith("/file") else "application/json",
        "CONTENT_LENGTH": "",
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        **environ,
    }
    answer = client.http.generic(method, path, **sent)
    return answer.status_code, json.loads(answer.content) if answer.content else None


def in_json(body: Any) -> io.BytesIO:
    return io.BytesIO(json.dumps(body).encode())


@pytest.mark.parametrize(
    ("path", "body", "key"),
    [
        ("/compute/v2.1/os-keypairs", {"keypair": {"name": "chunked"}}, "keypair"),
        ("/image/v2/images", {"name": "chunked"}, "name"),
        ("/network/v2.0/networks", {"network": {"name": "chunked"}}, "network"),
        ("/volume/v3/volumes", {"volume": {"size": 1}}, "volume"),
    ],
)
def test_a_chunked_body_is_read(as_member: ApiClient, path: str, body: Any, key: str) -> None:
    status, answer = send_chunked(as_member, "POST", path, in_json(body))
    assert status in (200, 201, 202), answer
    assert key in answer


def test_a_chunked_login_is_read(as_member: ApiClient) -> None:
    assert as_member.persona is not None
    identity = {"methods": ["token"], "token": {"id": as_member.persona.token}}
    body = in_json({"auth": {"identity": identity}})
    status, answer = send_chunked(as_member, "POST", "/identity/v3/auth/tokens", body)
    assert status == 201, answer


@pytest.mark.parametrize(
    "path",
    ["/compute/v2.1/servers", "/identity/v3/users", "/image/v2/images", "/network/v2.0/ports"],
)
def test_a_chunked_body_that_is_too_large_is_413(as_member: ApiClient, path: str) -> None:
    body = io.BytesIO(b" " * (LIMIT + 2_000_000))
    status, answer = send_chunked(as_member, "POST", path, body)
    assert (status, next(iter(answer))) == (413, "overLimit")
    assert body.tell() <= LIMIT + 1, "no more is read than tells that it is too much"


def test_a_chunked_body_may_be_as_large_as_the_limit(as_member: ApiClient) -> None:
    body = io.BytesIO(b" " * LIMIT)
    status, answer = send_chunked(as_member, "POST", "/compute/v2.1/servers", body)
    assert status == 400
    assert "JSON" in answer["badRequest"]["message"]


def test_a_chunked_body_that_breaks_off_is_400(as_member: ApiClient) -> None:
    body = BrokenInput(b'{"keypair": {"name": "half"}}')
    status, answer = send_chunked(as_member, "POST", "/compute/v2.1/os-keypairs", body)
    assert (status, next(iter(answer))) == (400, "badRequest")
    assert as_member.get("/os-keypairs").json["keypairs"] == []


def test_a_body_with_a_length_that_breaks_off_is_400(as_member: ApiClient) -> None:
    assert as_member.persona is not None
    answer = as_member.http.generic(
        "POST",
        "/compute/v2.1/os-keypairs",
        CONTENT_TYPE="application/json",
        CONTENT_LENGTH="1000",
        HTTP_X_AUTH_TOKEN=as_member.persona.token,
        **{"wsgi.input": BrokenInput()},
    )
    assert answer.status_code == 400, answer.content
    assert "badRequest" in answer.json()


def test_a_server_that_does_not_end_chunked_bodies_is_not_waited_for(as_member: ApiClient) -> None:
    body = in_json({"keypair": {"name": "endless"}})
    path, environ = "/compute/v2.1/os-keypairs", {"wsgi.input_terminated": False}
    status, answer = send_chunked(as_member, "POST", path, body, **environ)
    assert status == 400
    assert "Content-Length" in answer["badRequest"]["message"]


def queued_image(as_member: ApiClient) -> Image:
    assert as_member.persona is not None
    return make_image(
        status="queued",
        visibility="private",
        owner_id=as_member.persona.project_id,
        size=None,
        disk_format="raw",
    )


def test_a_chunked_image_has_its_size(as_member: ApiClient) -> None:
    image, data = queued_image(as_member), b"x" * 3_000_001
    path = f"/image/v2/images/{image.pk}/file"
    assert send_chunked(as_member, "PUT", path, io.BytesIO(data)) == (204, None)
    image.refresh_from_db()
    assert (image.status, image.size) == ("active", len(data))
    assert image.checksum == hashlib.md5(data).hexdigest()  # noqa: S324


def test_a_chunked_image_that_breaks_off_stays_queued(as_member: ApiClient) -> None:
    image = queued_image(as_member)
    path = f"/image/v2/images/{image.pk}/file"
    status, _ = send_chunked(as_member, "PUT", path, BrokenInput(b"x" * 1000))
    assert status == 400
    image.refresh_from_db()
    assert (image.status, image.size) == ("queued", None)


def test_an_image_shorter_than_its_length_stays_queued(as_member: ApiClient) -> None:
    image = queued_image(as_member)
    assert as_member.persona is not None
    answer = as_member.http.generic(
        "PUT",
        f"/image/v2/images/{image.pk}/file",
        HTTP_X_AUTH_TOKEN=as_member.persona.token,
        CONTENT_LENGTH="5000",
        CONTENT_TYPE="application/octet-stream",
        **{"wsgi.input": io.BytesIO(b"x" * 1000)},
    )
    assert answer.status_code == 400
    image.refresh_from_db()
    assert (image.status, image.size) == ("queued", None)


def test_an_upload_does_not_overwrite_what_came_meanwhile(as_member: ApiClient) -> None:
    image = queued_image(as_member)

    class Overtaken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            Image.objects.filter(pk=image.pk).update(status="active", size=7)
            return super().read(size)

    path = f"/image/v2/images/{image.pk}/file"
    status, _ = send_chunked(as_member, "PUT", path, Overtaken(b"x" * 1000))
    assert status == 409
    image.refresh_from_db()
    assert image.size == 7
