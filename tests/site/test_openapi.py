"""The OpenAPI documents: valid, without warnings, and exact for ``POST /servers``."""

from __future__ import annotations

import gzip
import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS

from compute_site.api import docs
from compute_site.api.microversions.version import NEWEST, OLDEST, Microversion
from compute_site.api.openapi import ComputeSchemaGenerator, openapi_document
from compute_site.faults import InvalidBody, Unavailable
from compute_site.waiting.short_queue import ShortQueue
from servers.serializers.server_create import ServerCreate
from tests.conformance.replay import Run, World, read_cases
from tests.world.openapi_rules import check_document

SNAPSHOTS = Path(__file__).parent / "openapi"
VERSIONS = ("2.1", "2.37", "2.67", "2.104")
EVERY_VERSION = [Microversion(2, minor) for minor in range(OLDEST.minor, NEWEST.minor + 1)]
SERVED = {str(version): version for version in EVERY_VERSION} | {"latest": NEWEST}


def create_operation(version: str) -> dict[str, Any]:
    document = openapi_document(Microversion.parse(version))
    operation: dict[str, Any] = document["paths"]["/compute/v2.1/servers"]["post"]
    return operation


@pytest.mark.parametrize("version", VERSIONS)
def test_a_document_is_valid_and_free_of_warnings(version: str) -> None:
    GENERATOR_STATS.reset()
    document = ComputeSchemaGenerator(Microversion.parse(version)).get_schema()
    assert not GENERATOR_STATS
    check_document(document)
    assert document["info"]["version"] == version


@pytest.mark.parametrize("version", VERSIONS)
def test_creating_a_server_is_described_as_stored(version: str) -> None:
    """With UPDATE_SNAPSHOTS=1 in the environment the snapshots are written anew."""
    path = SNAPSHOTS / f"create-server-{version}.json"
    described = json.dumps(create_operation(version), indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.write_text(described, encoding="utf-8")
    assert described == path.read_text(encoding="utf-8")


def test_the_whole_contract_of_create_is_told() -> None:
    operation = create_operation("2.67")
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["properties"]) == {
        "server",
        "os:scheduler_hints",
        "OS-SCH-HNT:scheduler_hints",
    }
    assert body["properties"]["server"]["required"] == ["flavorRef", "name", "networks"]
    assert {parameter["name"] for parameter in operation["parameters"]} == {
        "OpenStack-API-Version",
        "X-OpenStack-Nova-API-Version",
        "Idempotency-Key",
    }
    statuses = {"202", "400", "401", "403", "404", "406", "409", "413", "415", "422"}
    assert set(operation["responses"]) == statuses
    assert "Location" in operation["responses"]["202"]["headers"]


def bodies() -> list[tuple[str, Any, Microversion]]:
    """Every recorded body of create with its version."""
    world = World({}, {}, set())
    found = []
    for group, cases in read_cases().items():
        for case in cases if group.startswith("create/") else ():
            step = case["steps"][0]
            posted = step["path"] == "/servers" and step["method"] == "POST" and "body" in step
            version = SERVED.get(step.get("microversion") or "2.1")
            if posted and version is not None:
                found.append((case["id"], Run(world, case).fill(step["body"]), version))
    return found


def test_the_schema_takes_what_the_serializer_takes() -> None:
    """What is read is described, and what the schema refuses is refused."""
    validators = {
        version: jsonschema.Draft202012Validator(ServerCreate.at(version).schema())
        for version in EVERY_VERSION
    }
    read = refused = 0
    for name, body, version in bodies():
        described = validators[version].is_valid(body)
        try:
            ServerCreate.read(body, version)
        except InvalidBody:
            refused += not described
        else:
            read += 1
            assert described, name
    assert read > 1000
    assert refused > 300


@pytest.mark.parametrize("query", ["", "?microversion=latest", "?microversion=2.67"])
def test_the_document_is_served(query: str) -> None:
    response = Client().get(f"/schema/{query}", headers={"Accept": "application/json"})
    assert response.status_code == 200
    expected = "2.67" if "2.67" in query else "2.104"
    assert json.loads(response.content)["info"]["version"] == expected


@pytest.mark.parametrize("accept", ["application/json", "application/yaml", "*/*"])
def test_a_document_is_written_once(accept: str, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {"Accept": accept, "Accept-Encoding": "gzip"}
    first = Client().get("/schema/?microversion=2.3", headers=headers)
    monkeypatch.setattr(docs, "openapi_document", None)
    again = Client().get("/schema/?microversion=2.3", headers=headers)
    assert again.content == first.content
    assert again["Content-Encoding"] == "gzip"
    assert again["Vary"] == "Accept, Accept-Encoding"
    plain = Client().get("/schema/?microversion=2.3", headers={"Accept": accept})
    assert plain.content == gzip.decompress(first.content)
    assert "Content-Encoding" not in plain


def test_who_asks_for_another_document_waits_or_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    Client().get("/schema/?microversion=2.4")
    monkeypatch.setattr(docs, "_writing", ShortQueue(-1, Unavailable, "later"))
    refused = Client().get("/schema/?microversion=2.5")
    assert (refused.status_code, refused["Retry-After"]) == (503, "5")
    assert Client().get("/schema/?microversion=2.4").status_code == 200


@pytest.mark.parametrize("text", ["2.0", "2.105", "two", "2.01"])
def test_a_document_of_no_version_is_refused(text: str) -> None:
    response = Client().get("/schema/", {"microversion": text})
    assert response.status_code == 400


def test_the_documentation_needs_no_other_host() -> None:
    page = Client().get("/docs/", {"microversion": "2.67"}).content.decode()
    assert "<option selected>2.67</option>" in page
    assert "//" not in re.sub(r"^\s*//.*$", "", page, flags=re.MULTILINE)


def answers_of(version: str, path: str) -> dict[str, Any]:
    document = openapi_document(Microversion.parse(version))
    answers: dict[str, Any] = document["paths"][f"/compute/v2.1{path}"]["post"]["responses"]
    return answers


def test_answers_that_change_their_status_or_have_two() -> None:
    path = "/servers/{server_id}/os-volume_attachments"
    assert "content" in answers_of("2.100", path)["200"]
    silent = answers_of("2.104", path)
    assert "200" not in silent
    assert "content" not in silent["202"]
    assert {"200", "207"} <= answers_of("2.1", "/os-server-external-events").keys()
