"""The version documents: for anyone, before anything else is known."""

from __future__ import annotations

import pytest
from django.test import Client

from compute_site.options import Options


def test_all_versions_are_listed() -> None:
    for path in ("/compute", "/compute/"):
        response = Client().get(path)
        assert response.status_code == 200
        versions = {version["id"]: version for version in response.json()["versions"]}
        assert versions["v2.1"]["min_version"] == "2.1"
        assert versions["v2.1"]["version"] == "2.104"
        assert versions["v2.0"]["version"] == ""
        assert versions["v2.0"]["updated"] == "2025-07-04T12:00:00Z"
        assert versions["v2.1"]["links"][0]["href"] == "http://testserver/compute/v2.1/"


@pytest.mark.parametrize("path", ["/compute/v2.1", "/compute/v2.1/"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_one_version_is_shown_for_any_method(path: str, method: str) -> None:
    response = Client().generic(method, path, headers={"OpenStack-API-Version": "compute 2.67"})
    assert response.status_code == 200
    assert response.json()["version"]["id"] == "v2.1"
    assert response["OpenStack-API-Version"] == "compute 2.67"


def test_the_old_version_takes_no_notice_of_headers() -> None:
    response = Client().get("/compute/v2/", headers={"OpenStack-API-Version": "compute 2.999"})
    assert response.status_code == 200
    assert response.json()["version"]["id"] == "v2.0"
    assert "OpenStack-API-Version" not in response


@pytest.mark.parametrize(("asked", "status"), [("2.999", 406), ("two", 400)])
def test_a_version_that_is_not_served_is_refused(asked: str, status: int) -> None:
    headers = {"OpenStack-API-Version": f"compute {asked}"}
    response = Client().get("/compute/v2.1/", headers=headers)
    assert response.status_code == status
    assert ("OpenStack-API-Version" in response) is (status == 406)


def test_a_version_is_found_by_its_id() -> None:
    assert Client().get("/compute/v2.1/versions/v2.0").json()["version"]["id"] == "v2.0"
    assert Client().get("/compute/v2.1/versions/v3").status_code == 404


def test_another_path_is_offered_in_each_version() -> None:
    response = Client().get("/compute/servers/5")
    assert response.status_code == 300
    links = [choice["links"][0]["href"] for choice in response.json()["choices"]]
    assert links == [
        "http://testserver/compute/v2/servers/5",
        "http://testserver/compute/v2.1/servers/5",
    ]


@pytest.mark.parametrize("path", ["v1.1", "v1.1/", "v2.2", "v2.2/servers", "a%20b/%C3%A9%25"])
def test_links_to_other_paths_are_as_they_were_asked_for(path: str) -> None:
    response = Client().get(f"/compute/{path}?limit=1")
    assert response.status_code == 300
    links = [choice["links"][0]["href"] for choice in response.json()["choices"]]
    place = path.rstrip("/")
    assert links == [f"http://testserver/compute/{api}/{place}" for api in ("v2", "v2.1")]


def test_a_version_document_needs_a_query_in_utf8() -> None:
    assert Client().get("/compute/v2.1/?a=%ff").status_code == 400


def test_links_take_the_prefix(settings: object) -> None:
    settings.OPTIONS = Options(compute_link_prefix="https://cloud.example/api/")  # type: ignore[attr-defined]
    link = Client().get("/compute/v2.1/").json()["version"]["links"][0]["href"]
    assert link == "https://cloud.example/api/compute/v2.1/"
