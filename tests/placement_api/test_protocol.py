"""What all of the Placement API has in common: versions, headers, errors, rights."""

from __future__ import annotations

import pytest
from guardian.shortcuts import assign_perm

from compute_site.identity.models import Project
from servers.policies.placement_api import LIST_PROVIDERS
from tests.placement_api.client import PlacementClient, error
from tests.world.cast import Cast
from tests.world.client import ApiClient

URLS = {
    "/resource_providers": 0,
    "/resource_providers/{one}": 0,
    "/resource_providers/{one}/inventories": 0,
    "/resource_providers/{one}/usages": 0,
    "/resource_providers/{one}/allocations": 0,
    "/allocations/{one}": 0,
    "/resource_providers/{one}/aggregates": 1,
    "/resource_classes": 2,
    "/resource_classes/VCPU": 2,
    "/traits": 6,
    "/traits/HW_CPU_X86_AVX": 6,
    "/resource_providers/{one}/traits": 6,
    "/usages?project_id=p1": 9,
    "/allocation_candidates?resources=VCPU:1": 10,
}
"""URLs that are read, by the minor version that knows them first."""


def test_the_versions_are_shown_to_everybody(db: None) -> None:
    for path in ("", "/"):
        answer = PlacementClient().get(path).expect(200)
        (version,) = answer.json["versions"]
        assert (version["min_version"], version["max_version"]) == ("1.0", "1.39")


def test_each_url_has_its_microversion(placement: PlacementClient) -> None:
    one = placement.make_provider("rack")
    for url, since in URLS.items():
        path = url.format(one=one)
        answer = placement.get(path, f"1.{since}")
        assert answer.status in (200, 204), url
        if since:
            placement.get(path, f"1.{since - 1}").expect(404)


def test_the_version_is_chosen_by_the_header(placement: PlacementClient) -> None:
    def chosen(text: str) -> str:
        answer = placement.get("", version=None, OpenStack_API_Version=text).expect(200)
        return str(answer.headers["OpenStack-API-Version"])

    assert chosen("placement latest") == "placement 1.39"
    assert chosen("placement 1.5") == "placement 1.5"
    assert chosen("compute 2.1, placement 1.5") == "placement 1.5"
    assert chosen("compute 2.1") == "placement 1.0"
    assert placement.get("", None).headers["OpenStack-API-Version"] == "placement 1.0"
    told = error(placement.get("", "1.40").expect(406))
    assert (told["min_version"], told["max_version"]) == ("1.0", "1.39")
    placement.get("", "one").expect(400)


def test_times_are_told_from_1_15_on(placement: PlacementClient) -> None:
    old = placement.get("/resource_providers", "1.14").expect(200).headers
    new = placement.get("/resource_providers", "1.15").expect(200).headers
    assert "Last-Modified" not in old
    assert "Last-Modified" in new
    assert new["Cache-Control"] == "no-cache"


def test_errors_have_a_code_from_1_23_on(placement: PlacementClient) -> None:
    assert "code" not in error(placement.get("/nothing", "1.22").expect(404))
    told = error(placement.get("/nothing", "1.23").expect(404))
    assert told["code"] == "placement.undefined_code"
    assert told["request_id"].startswith("req-")


def test_urls_have_no_other_methods(placement: PlacementClient) -> None:
    answer = placement.send("PATCH", "/traits").expect(405)
    assert answer.headers["Allow"] == "GET"
    placement.send("HEAD", "/traits").expect(405)


def test_media_types_are_looked_at(placement: PlacementClient) -> None:
    placement.get("/traits", Accept="text/html").expect(406)
    placement.get("/traits", Accept="text/html, */*;q=0.1").expect(200)
    placement.send("POST", "/resource_providers", {"name": "a"}, Content_Type="text/plain").expect(
        415
    )
    placement.post("/resource_providers", b"{").expect(400)


def test_nobody_gets_in_without_a_token(db: None) -> None:
    answer = PlacementClient().get("/resource_providers").expect(401)
    assert "WWW-Authenticate" in answer.headers
    PlacementClient().get("/nothing").expect(401)


@pytest.mark.parametrize("persona", ["reader", "member", "manager", "outsider"])
def test_only_operators_read(cast: Cast, placement: PlacementClient, persona: str) -> None:
    one = placement.make_provider("rack")
    client = PlacementClient(getattr(cast, persona))
    for url in URLS:
        told = error(client.get(url.format(one=one)).expect(403))
        assert "placement:" in told["detail"]


def test_a_rule_can_be_granted(cast: Cast) -> None:
    project = Project.objects.get(pk=cast.member.project_id)
    assign_perm(LIST_PROVIDERS, cast.member.user, project)
    PlacementClient(cast.member).get("/resource_providers").expect(200)


def test_the_catalogue_names_the_service(cast: Cast) -> None:
    catalog = ApiClient(cast.member).get("//identity/v3/auth/catalog").expect(200).json["catalog"]
    (entry,) = [entry for entry in catalog if entry["type"] == "placement"]
    assert {one["url"] for one in entry["endpoints"]} == {"http://testserver/placement"}
