"""The OpenAPI documents of the image, network, volume and identity APIs."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.world.openapi_rules import check_document
from tests.world.routes import ROUTES

SERVICES = ("identity", "image", "network", "volume")


def document_of(service: str) -> dict[str, Any]:
    answer = Client().get(f"/schema/{service}/")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


@pytest.mark.parametrize("service", SERVICES)
def test_each_document_is_valid_and_has_every_url(db: None, service: str) -> None:
    document = document_of(service)
    check_document(document)
    told = {
        (path, method)
        for path, methods in document["paths"].items()
        for method in methods
        if method != "parameters"
    }
    known = {
        (route.path.removeprefix("/"), method.lower())
        for route in ROUTES
        for method in route.methods
        if route.path.startswith(f"//{service}/") and "{" in route.path and method != "HEAD"
    }
    assert known
    assert known <= told


def test_bodies_and_parameters_are_told(db: None) -> None:
    paths = document_of("network")["paths"]
    ports = paths["/network/v2.0/ports"]
    assert {"device_id", "tags-any", "limit"} <= {one["name"] for one in ports["get"]["parameters"]}
    body = ports["post"]["requestBody"]["content"]["application/json"]["schema"]
    port = body["properties"]["port"]
    assert port["required"] == ["network_id"]
    assert port["properties"]["network_id"] == {"type": "string", "format": "uuid"}
    assert "id" not in port["properties"]
    volumes = document_of("volume")["paths"]["/volume/v3/volumes"]
    body = volumes["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert "imageRef" in body["properties"]["volume"]["properties"]


def test_the_page_of_documents_leads_to_them(db: None) -> None:
    page = Client().get("/docs/").content.decode()
    for service in (*SERVICES, "placement"):
        assert f'href="/schema/{service}/"' in page
