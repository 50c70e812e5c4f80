"""``POST /servers``: requests made from the OpenAPI document get answers that it documents."""

from __future__ import annotations

import copy
import json
from base64 import b64encode
from typing import Any

import jsonschema
import pytest
import schemathesis
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compute_site.api.microversions.version import Microversion
from compute_site.api.openapi import openapi_document
from tests.world.client import ApiClient

PATH = "/compute/v2.1/servers"
schemathesis.openapi.format("name", st.text("abcé -", min_size=1, max_size=255).map(str.strip))
schemathesis.openapi.format("base64", st.binary(max_size=20).map(lambda b: b64encode(b).decode()))
VERSIONS = ("2.1", "2.37", "2.67", "2.104")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_answer_is_documented(as_member: ApiClient, version: str) -> None:
    document = copy.deepcopy(openapi_document(Microversion.parse(version)))
    operation = schemathesis.openapi.from_dict(document)[PATH]["POST"]
    documented: dict[str, Any] = document["paths"][PATH]["post"]["responses"]

    @settings(
        max_examples=40,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def check(case: schemathesis.Case) -> None:
        with transaction.atomic():
            body = json.dumps(case.body).encode()
            answer = as_member.post("/servers", body, microversion=version)
            transaction.set_rollback(True)
        assert str(answer.status) in documented
        described = documented[str(answer.status)]["content"]["application/json"]["schema"]
        jsonschema.validate(answer.json, {**described, "components": document["components"]})

    check()
