"""Data of images from the web: who may be asked, and what becomes of the image and its task."""

from __future__ import annotations

import dataclasses
import datetime as dt
import http.server
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from compute_site.neighbours.image.data import download
from compute_site.neighbours.image.local import tasks
from compute_site.neighbours.image.models import Image, ImageTask
from tests.world.client import ApiClient
from tests.world.jobs import run_jobs

pytestmark = pytest.mark.django_db
V2 = "//image/v2"
DATA = b"any bytes are a raw image"


class Web(http.server.BaseHTTPRequestHandler):
    """Answers as the path says."""

    places: ClassVar[dict[str, str]] = {}

    def do_GET(self) -> None:
        if self.path in self.places:
            self.send_response(302)
            self.send_header("Location", self.places[self.path])
            self.end_headers()
        elif self.path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "999")
            self.end_headers()
            self.wfile.write(DATA)
        else:
            self.send_response(200 if self.path == "/data" else 404)
            self.send_header("Content-Length", str(len(DATA)))
            self.end_headers()
            self.wfile.write(DATA)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    server = http.server.HTTPServer(("127.0.0.1", 0), Web)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    root = f"http://127.0.0.1:{server.server_port}"
    Web.places |= {"/moved": "/data", "/round": "/round", "/inside": "http://localhost/data"}
    yield root
    server.shutdown()
    thread.join()
    server.server_close()


def hosts(*names: str, **more: Any) -> override_settings:
    options = dataclasses.replace(settings.OPTIONS, image_download_hosts=names, **more)
    return override_settings(OPTIONS=options)


def queued(client: ApiClient, **keys: Any) -> str:
    body = {"name": "far", "disk_format": "raw", "container_format": "bare", **keys}
    made: str = client.post(f"{V2}/images", body).expect(201).json["id"]
    return made


def ask(client: ApiClient, image: str, uri: Any) -> Any:
    method = {"name": "web-download", "uri": uri}
    return client.post(f"{V2}/images/{image}/import", {"method": method})


@pytest.mark.parametrize("path", ["/data", "/moved"])
def test_a_worker_fetches_the_data(
    as_member: ApiClient, as_outsider: ApiClient, web: str, path: str
) -> None:
    with hosts("127.0.0.1"):
        offered = as_member.get(f"{V2}/info/import").expect(200).json["import-methods"]
        assert offered["value"] == ["glance-direct", "web-download"]
        image = queued(as_member)
        ask(as_member, image, f"{web}{path}").expect(202)
        assert Image.objects.get().status == "importing"
        ask(as_member, image, f"{web}{path}").expect(409)
        run_jobs()
    shown = as_member.get(f"{V2}/images/{image}").expect(200).json
    assert (shown["status"], shown["size"]) == ("active", len(DATA))
    assert as_member.get(f"{V2}/images/{image}/file").expect(200).content == DATA
    [task] = as_member.get(f"{V2}/images/{image}/tasks").expect(200).json["tasks"]
    assert (task["type"], task["status"]) == ("api_image_import", "success")
    assert task["result"] == {"image_id": image}
    as_outsider.get(f"{V2}/images/{image}/tasks").expect(404)


@pytest.mark.parametrize("path", ["/nowhere", "/short", "/round", "/inside"])
def test_what_does_not_come_leaves_an_image_that_waits_for_data(
    as_member: ApiClient, web: str, path: str
) -> None:
    with hosts("127.0.0.1"):
        image = queued(as_member)
        ask(as_member, image, f"{web}{path}").expect(202)
        run_jobs()
    assert Image.objects.get().status == "queued"
    task = ImageTask.objects.get()
    assert task.status == "failure"
    assert task.message


def test_too_much_is_not_kept(as_member: ApiClient, web: str) -> None:
    with hosts("127.0.0.1", image_size_cap=len(DATA) - 1):
        image = queued(as_member)
        ask(as_member, image, f"{web}/data").expect(202)
        run_jobs()
    assert (Image.objects.get().status, ImageTask.objects.get().status) == ("queued", "failure")


WRONG_URLS = (
    *(None, 5, "", "data", "ftp://127.0.0.1/data", "file:///etc/passwd", "http://"),
    *("http://user:word@127.0.0.1/", "http://127.0.0.1:x/", "http://other.example.org/"),
)


@pytest.mark.parametrize("uri", WRONG_URLS)
def test_wrong_urls_are_refused(as_member: ApiClient, uri: Any) -> None:
    with hosts("127.0.0.1"):
        ask(as_member, queued(as_member), uri).expect(400)
    assert Image.objects.get().status == "queued"
    assert not ImageTask.objects.exists()


def test_nothing_is_fetched_unless_the_site_says_so(as_member: ApiClient, web: str) -> None:
    ask(as_member, queued(as_member), f"{web}/data").expect(400)
    offered = as_member.get(f"{V2}/info/import").expect(200).json["import-methods"]
    assert offered["value"] == ["glance-direct"]


def test_all_hosts_are_all_that_have_a_public_address(as_member: ApiClient, web: str) -> None:
    with hosts("*"):
        image = queued(as_member)
        ask(as_member, image, f"{web}/data").expect(400)  # a port of its own
        ask(as_member, image, "http://127.0.0.1/data").expect(202)
        run_jobs()
    assert ImageTask.objects.get().message == "The host 127.0.0.1 has no public address."


@pytest.mark.parametrize(
    ("address", "public"),
    [
        *(("93.184.216.34", True), ("2606:2800:220:1::1", True), ("127.0.0.1", False)),
        *(("10.0.0.1", False), ("169.254.169.254", False), ("::1", False), ("fe80::1%lo", False)),
        *(("::ffff:127.0.0.1", False), ("2002:7f00:1::", False), ("64:ff9b::7f00:1", False)),
        *(("100.64.0.1", False), ("224.0.0.1", False), ("0.0.0.1", False)),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert download.is_public(address) == public


def task(uri: str, **keys: Any) -> dict[str, Any]:
    properties = {"name": "far", "container_format": "bare", **keys}
    given = {"import_from": uri, "import_from_format": "raw", "image_properties": properties}
    return {"type": "import", "input": given}


def test_a_task_makes_an_image(as_admin: ApiClient, web: str) -> None:
    with hosts("127.0.0.1"):
        made = as_admin.post(f"{V2}/tasks", task(f"{web}/data", os_distro="debian")).expect(201)
        assert (made.json["status"], made.json["result"]) == ("pending", None)
        assert made.headers["Location"].endswith(f"/v2/tasks/{made.json['id']}")
        run_jobs()
    shown = as_admin.get(f"{V2}/tasks/{made.json['id']}").expect(200).json
    assert shown["status"] == "success"
    image = as_admin.get(f"{V2}/images/{shown['result']['image_id']}").expect(200).json
    assert (image["status"], image["os_distro"]) == ("active", "debian")
    assert as_admin.get(f"{V2}/tasks?status=success&type=import").expect(200).json["tasks"]
    assert not as_admin.get(f"{V2}/tasks?status=failure").expect(200).json["tasks"]


def test_a_task_that_fails_leaves_no_image(as_admin: ApiClient, web: str) -> None:
    with hosts("127.0.0.1"):
        made = as_admin.post(f"{V2}/tasks", task(f"{web}/nowhere")).expect(201).json
        run_jobs()
    shown = as_admin.get(f"{V2}/tasks/{made['id']}").expect(200).json
    assert (shown["status"], shown["result"]) == ("failure", None)
    assert "404" in shown["message"]
    assert not Image.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        *({}, {"type": "import"}, {"type": "export", "input": {}}, {"type": "import", "input": []}),
        {"type": "import", "input": {"import_from": "http://127.0.0.1/"}},
        {**task("http://elsewhere.example.org/")},
        {**task("http://127.0.0.1/", disk_format="tape")},
        {"type": "import", "input": {**task("http://127.0.0.1/")["input"], "bogus": 1}},
    ],
)
def test_wrong_tasks_are_refused(as_admin: ApiClient, body: Any) -> None:
    with hosts("127.0.0.1"):
        as_admin.post(f"{V2}/tasks", body).expect(400)
    assert not Image.objects.exists()


def test_tasks_are_for_admins(as_member: ApiClient, as_admin: ApiClient) -> None:
    as_member.get(f"{V2}/tasks").expect(403)
    as_member.post(f"{V2}/tasks", task("http://127.0.0.1/")).expect(403)
    as_admin.get(f"{V2}/tasks/no-uuid").expect(404)
    for query in ("bogus=1", "status=bogus", "type=bogus", "sort_key=bogus", "limit=x"):
        as_admin.get(f"{V2}/tasks?{query}").expect(400)
    as_admin.delete(f"{V2}/tasks").expect(404)


def test_an_import_of_staged_data_is_a_task_that_is_over(as_member: ApiClient) -> None:
    image = queued(as_member)
    as_member.send(
        "PUT",
        f"{V2}/images/{image}/stage",
        DATA,
        headers={"Content-Type": "application/octet-stream"},
    ).expect(204)
    body = {"method": {"name": "glance-direct"}}
    as_member.post(f"{V2}/images/{image}/import", body).expect(202)
    [shown] = as_member.get(f"{V2}/images/{image}/tasks").expect(200).json["tasks"]
    assert (shown["status"], shown["result"]) == ("success", {"image_id": image})
    assert "expires_at" in shown


def test_tasks_are_given_up_after_a_day_and_forgotten_after_two(
    as_member: ApiClient, web: str
) -> None:
    with hosts("127.0.0.1"):
        ask(as_member, queued(as_member), f"{web}/data").expect(202)
    tasks.clean_up()
    assert ImageTask.objects.get().status == "pending"
    ImageTask.objects.update(created_at=timezone.now() - dt.timedelta(hours=25))
    tasks.clean_up()
    given_up = ImageTask.objects.get()
    assert (given_up.status, given_up.result) == ("failure", None)
    assert given_up.message
    ImageTask.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    tasks.clean_up()
    assert not ImageTask.objects.exists()
