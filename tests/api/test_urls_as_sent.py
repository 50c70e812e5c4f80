"""URLs as clients send them: slashes in a row, odd characters, no host, methods that only ask."""

from __future__ import annotations

from typing import Any

import pytest

from tests.world.client import ApiClient

SERVICES = (
    "/compute/v2.1/servers",
    "/identity/v3/auth/projects",
    "/image/v2/images",
    "/network/v2.0/networks",
    "/volume/v3/volumes",
)


@pytest.mark.parametrize("path", SERVICES)
@pytest.mark.parametrize(
    "change",
    [
        lambda path: "/" + path[1:].replace("/", "//"),
        lambda path: path.replace("/v", "///v"),
        lambda path: "%2F".join(path.rsplit("/", 1)),
        lambda path: "/%2F".join(path.rsplit("/", 1)),
    ],
    ids=["each", "three", "written with a percent sign", "both"],
)
def test_several_slashes_are_one(as_member: ApiClient, path: str, change: Any) -> None:
    as_member.get(f"/{change(path)}").expect(200)


@pytest.mark.parametrize(
    "path", ["//limits", "//os-quota-sets/x", "/servers//detail", "/os-keypairs//x"]
)
def test_several_slashes_are_one_below_the_api(as_member: ApiClient, path: str) -> None:
    given = as_member.http.get(f"/compute/v2.1{path}", headers=token_of(as_member))
    wanted = as_member.http.get(
        f"/compute/v2.1{path.replace('//', '/')}", headers=token_of(as_member)
    )
    assert (given.status_code, given.json()) == (wanted.status_code, wanted.json())


def test_links_have_no_slash_too_many(as_member: ApiClient) -> None:
    answer = as_member.get("//compute//v2.1///flavors?limit=1")
    for flavor in answer.expect(200).json["flavors"]:
        assert "//" not in flavor["links"][0]["href"].removeprefix("http://")


def token_of(client: ApiClient) -> dict[str, str]:
    assert client.persona is not None
    return {"X-Auth-Token": client.persona.token}


@pytest.mark.parametrize(
    "path", [*SERVICES, *(f"{path}/x" for path in SERVICES), "/compute/v2.1/x"]
)
@pytest.mark.parametrize("known", [True, False])
def test_options_is_answered_everywhere_and_for_everyone(
    as_member: ApiClient, anonymous: ApiClient, path: str, known: bool
) -> None:
    client = as_member if known else anonymous
    answer = client.send("OPTIONS", f"/{path}").expect(200)
    assert answer.content == b""
    assert answer.headers["x-openstack-request-id"].startswith("req-")


@pytest.mark.parametrize("path", ["/compute/", "/compute/v2.1/", "/compute/v2/"])
def test_options_shows_version_documents(anonymous: ApiClient, path: str) -> None:
    assert anonymous.send("OPTIONS", f"/{path}").json == anonymous.get(f"/{path}").json


@pytest.mark.parametrize("name", ['a"b', "a<b>", "a'b", "a\\b", "a{b}|^`", "é"])
def test_odd_characters_are_no_fault(as_member: ApiClient, name: str) -> None:
    answer = as_member.get(f"/servers/{name}")
    assert (answer.status, answer.fault) == (404, "itemNotFound")
    as_member.get(f"/servers?name={name}").expect(200)


@pytest.mark.parametrize("path", ["/servers/%ff", "/servers/x/metadata/%c3%28", "/%ff"])
def test_a_path_that_is_no_utf8_is_unknown(as_member: ApiClient, path: str) -> None:
    answer = as_member.get(path)
    assert (answer.status, answer.fault) == (404, "itemNotFound")


@pytest.mark.parametrize("query", ["name=%ff", "%ff=name", "a=b&name=%c3%28", "name=%ed%a0%80"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_query_that_is_no_utf8_is_400(as_member: ApiClient, query: str, method: str) -> None:
    path = "/servers" if method == "GET" else "/os-keypairs/x"
    answer = as_member.send(method, f"{path}?{query}")
    assert (answer.status, answer.fault) == (400, "badRequest")
    assert "UTF-8" in answer.message
    assert answer.headers["OpenStack-API-Version"] == "compute 2.1"
    assert answer.headers["x-openstack-request-id"].startswith("req-")


def test_who_sends_it_comes_before_the_query(anonymous: ApiClient) -> None:
    anonymous.get("/servers?name=%ff").expect(401)


def test_a_body_comes_before_the_query(as_member: ApiClient) -> None:
    answer = as_member.post("/os-keypairs?name=%ff", {"keypair": {"name": "mine"}})
    answer.expect(200)


@pytest.mark.parametrize(
    "path", ["/image/v2/images", "/network/v2.0/networks", "/volume/v3/volumes"]
)
def test_a_query_that_is_no_utf8_is_400_at_the_neighbours(as_member: ApiClient, path: str) -> None:
    as_member.get(f"/{path}?name=%ff").expect(400)


@pytest.mark.parametrize(
    ("path", "status"), [("/compute/", 200), ("/compute/v2.1/", 200), ("/healthz", 200)]
)
def test_a_balancer_may_ask_without_a_host(
    anonymous: ApiClient, settings: Any, path: str, status: int
) -> None:
    settings.ALLOWED_HOSTS = [".example.org", "cloud.example.org"]
    for method in ("GET", "HEAD", "OPTIONS"):
        answer = anonymous.http.generic(method, path, SERVER_NAME="10.0.0.5")
        assert answer.status_code == status
    document = anonymous.http.get("/compute/v2.1/", SERVER_NAME="10.0.0.5").json()
    assert document["version"]["links"][0]["href"] == "http://cloud.example.org/compute/v2.1/"


@pytest.mark.parametrize("path", ["/compute/", "/compute/v2.1/", "/compute/v9"])
def test_a_foreign_host_is_refused_in_the_envelope(anonymous: ApiClient, path: str) -> None:
    answer = anonymous.get(f"/{path}", headers={"Host": "elsewhere.example"})
    assert (answer.status, answer.fault) == (400, "badRequest")
    assert answer.headers["x-openstack-request-id"].startswith("req-")


@pytest.mark.parametrize("path", ["/nosuch", "/computer", "/Compute/v2.1/servers"])
def test_a_url_of_no_service_is_404_for_programs_and_people(
    anonymous: ApiClient, path: str
) -> None:
    answer = anonymous.get(f"/{path}")
    assert (answer.status, answer.fault) == (404, "itemNotFound")
    page = anonymous.get(f"/{path}", headers={"Accept": "text/html"}).expect(404)
    assert page.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    "accept",
    [
        "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",
        "text/html",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    ],
)
@pytest.mark.parametrize("path", ["/servers", "/servers/x", "/nosuch"])
def test_a_program_with_a_token_gets_json_whatever_it_accepts(
    as_member: ApiClient, accept: str, path: str
) -> None:
    answer = as_member.get(path, headers={"Accept": accept})
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json


def test_a_private_key_is_no_page(as_member: ApiClient) -> None:
    answer = as_member.post(
        "/os-keypairs",
        {"keypair": {"name": "java"}},
        headers={"Accept": "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"},
    )
    assert "PRIVATE KEY" in answer.expect(200).json["keypair"]["private_key"]
