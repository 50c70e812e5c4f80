"""What is refused before a view looks at a request, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.options import Options
from tests.world.cast import BETA
from tests.world.client import ApiClient
from tests.world.orders import Shop

WRONG: dict[int, dict[str, Any]] = {
    413: {"large": True},
    401: {"anonymous": True},
    404: {"path": "/nosuch"},
    406: {"microversion": "2.999"},
    415: {"type": "application/xml"},
    400: {"json": b"{"},
}
"""By status, in the order of the checks: what makes it happen."""


@pytest.mark.parametrize("index", range(len(WRONG)))
def test_the_first_of_several_reasons_counts(
    as_member: ApiClient, anonymous: ApiClient, index: int
) -> None:
    statuses = list(WRONG)[index:]
    wrong: dict[str, Any] = {}
    for status in statuses:
        wrong |= WRONG[status]
    body = wrong.get("json", b"{}")
    client = anonymous if wrong.get("anonymous") else as_member
    answer = client.post(
        wrong.get("path", "/servers"),
        body + b" " * 120000 if wrong.get("large") else body,
        microversion=wrong.get("microversion", "2.1"),
        headers={"Content-Type": wrong.get("type", "application/json")},
    )
    assert answer.status == statuses[0]
    assert answer.fault is not None
    assert answer.json[answer.fault]["code"] == answer.status


def test_the_project_of_the_url_comes_before_the_schema(as_member: ApiClient) -> None:
    answer = as_member.post(f"/{BETA}/servers", {})
    assert answer.status == 400
    assert BETA in answer.message
    assert answer.blamed == []


def test_json_comes_before_the_project_of_the_url(as_member: ApiClient) -> None:
    assert "JSON" in as_member.post(f"/{BETA}/servers", b"{").message


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "application/vnd.openstack.compute+json",
        "text/plain",
    ],
)
def test_these_content_types_are_json(as_member: ApiClient, shop: Shop, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    body = shop.body()
    as_member.post("/servers", body, microversion="latest", headers=headers).expect(202)


@pytest.mark.parametrize(
    "content_type", ["application/xml", "APPLICATION/JSON", "multipart/form-data; boundary=x"]
)
def test_these_are_not(as_member: ApiClient, content_type: str) -> None:
    answer = as_member.post("/servers", b"{}", headers={"Content-Type": content_type})
    assert (answer.status, answer.fault) == (415, "badMediaType")


@pytest.mark.parametrize(
    "raw",
    [b"{", b"{'a': 1}", b"\xff", b"[" * 2000, b'{"a": NaN}', b'"\\ud83d"', b"\xef\xbb\xbf{}"],
)
def test_what_is_no_json_is_400(as_member: ApiClient, raw: bytes) -> None:
    answer = as_member.post("/servers", raw)
    assert (answer.status, answer.fault) == (400, "badRequest")


@pytest.mark.parametrize("raw", [b"", b"null", b"[]", b"5", b'"text"'])
def test_a_body_that_is_no_object_names_the_body(as_member: ApiClient, raw: bytes) -> None:
    answer = as_member.post("/servers", raw)
    assert answer.status == 400
    assert answer.blamed == ["body"]


@pytest.mark.parametrize("path", ["/servers/", "/Servers", "/servers.json", "/servers/detail/x/y"])
def test_a_url_that_is_nearly_right_is_unknown(as_member: ApiClient, path: str) -> None:
    answer = as_member.get(path)
    assert (answer.status, answer.fault) == (404, "itemNotFound")


def test_a_foreign_host_is_refused(as_member: ApiClient) -> None:
    answer = as_member.get("/servers", headers={"Host": "elsewhere.example"})
    assert answer.status == 400


def test_a_nul_in_the_url_is_unknown(as_member: ApiClient) -> None:
    assert as_member.get("/servers/%00").status == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "FROB", "READ"])
def test_a_method_that_a_url_lacks_is_404(as_member: ApiClient, method: str) -> None:
    assert as_member.send(method, "/servers").status == 404


def test_the_answer_names_version_and_request(as_member: ApiClient) -> None:
    asked = "req-00000000-0000-4000-8000-000000000000"
    answer = as_member.get(
        "/servers", microversion="2.67", headers={"X-OpenStack-Request-ID": asked}
    )
    assert answer.headers["OpenStack-API-Version"] == "compute 2.67"
    assert answer.headers["X-OpenStack-Nova-API-Version"] == "2.67"
    assert "OpenStack-API-Version" in answer.headers["Vary"]
    request_id = answer.headers["x-openstack-request-id"]
    assert request_id.startswith("req-")
    assert request_id != asked
    assert answer.headers["x-compute-request-id"] == request_id


def test_the_media_type_of_compute_is_sent_on_request(as_member: ApiClient) -> None:
    wanted = "application/vnd.openstack.compute+json"
    answer = as_member.get("/servers", headers={"Accept": wanted})
    assert answer.headers["Content-Type"] == wanted


@pytest.mark.parametrize("asked", ["2.0", "1.9", "2.999"])
@pytest.mark.parametrize("path", ["/servers", "//compute/v2.1/"])
def test_a_version_that_is_not_served_is_repeated(
    as_member: ApiClient, asked: str, path: str
) -> None:
    answer = as_member.get(path, microversion=asked).expect(406)
    assert answer.headers["OpenStack-API-Version"] == f"compute {asked}"
    assert answer.headers["X-OpenStack-Nova-API-Version"] == asked
    assert "OpenStack-API-Version" in answer.headers["Vary"]


def test_v2_takes_no_notice_of_version_headers(as_member: ApiClient) -> None:
    answer = as_member.get("//compute/v2/servers", microversion="2.999")
    assert answer.status == 200
    assert "OpenStack-API-Version" not in answer.headers


@pytest.mark.parametrize("api", ["v2.1", "v2"])
@pytest.mark.parametrize("prefix", ["", "https://cloud.example/api"])
def test_links_of_a_new_server(
    as_member: ApiClient, shop: Shop, settings: Any, api: str, prefix: str
) -> None:
    settings.OPTIONS = Options(compute_link_prefix=prefix)
    project_id = as_member.persona and as_member.persona.project_id
    for part in ("", f"/{project_id}"):
        body = shop.body(networks=[])
        answer = as_member.post(f"//compute/{api}{part}/servers", body, microversion="2.90")
        server = answer.expect(202).json["server"]
        root = (prefix or "http://testserver") + "/compute"
        links = {link["rel"]: link["href"] for link in server["links"]}
        assert links == {
            "self": f"{root}/{api}{part}/servers/{server['id']}",
            "bookmark": f"{root}{part}/servers/{server['id']}",
        }
        assert answer.headers["Location"] == links["self"]
