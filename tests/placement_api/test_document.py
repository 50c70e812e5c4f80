"""The OpenAPI document of the Placement API."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from compute_site.api.microversions.version import Microversion
from servers.views.placement_api.urls import document_at
from tests.placement_api.client import CONSUMER, PlacementClient
from tests.world.client import ApiClient
from tests.world.openapi_rules import check_document


@pytest.mark.parametrize("version", ["1.0", "1.6", "1.12", "1.18", "1.28", "1.39"])
def test_a_document_is_valid(version: str) -> None:
    document = document_at(Microversion.parse(version))
    check_document(document)
    assert document["info"]["version"] == version


def test_a_document_has_what_its_version_has() -> None:
    old, new = (document_at(Microversion.parse(version)) for version in ("1.9", "1.10"))
    assert "/placement/allocation_candidates" not in old["paths"]
    assert "/placement/allocation_candidates" in new["paths"]


def test_documents_are_served(db: None) -> None:
    client = ApiClient()
    shown = client.get("//schema/placement/").expect(200).json
    assert shown["info"]["version"] == "1.39"
    assert client.get("//schema/placement/?microversion=1.5").json["info"]["version"] == "1.5"
    client.get("//schema/placement/?microversion=1.40").expect(406)
    client.get("//schema/placement/?microversion=x").expect(400)


@pytest.mark.parametrize("version", ["1.10", "1.29", "1.39"])
def test_answers_are_as_described(placement: PlacementClient, version: str) -> None:
    rack = placement.make_provider("rack", VCPU=8)
    placement.allocate({rack: {"VCPU": 1}}).expect(204)
    paths: dict[str, Any] = document_at(Microversion.parse(version))["paths"]
    known = {"provider_id": rack, "consumer_id": CONSUMER, "resource_class": "VCPU"}
    known["name"] = "VCPU"
    queries = {"usages": "?project_id=p1", "allocation_candidates": "?resources=VCPU:1"}
    seen = 0
    for path, methods in paths.items():
        content = methods.get("get", {}).get("responses", {}).get("200", {}).get("content")
        if content is not None:
            plain = path.removeprefix("/placement")
            url = plain.format_map(known) + queries.get(plain.removeprefix("/"), "")
            answer = placement.get(url, version).expect(200)
            jsonschema.validate(answer.json, content["application/json"]["schema"])
            seen += 1
    assert seen > 10
