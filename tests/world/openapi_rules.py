"""The rules of OpenAPI 3.1 as drf-spectacular ships them, read once. Its own ``validate_schema``
goes through all the rules anew for each reference that it follows, five seconds a document.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from drf_spectacular import validation
from drf_spectacular.renderers import OpenApiJsonRenderer
from jsonschema import Draft202012Validator
from jsonschema_specifications import REGISTRY
from referencing.jsonschema import DRAFT202012

RULES = Path(validation.__file__).with_name("openapi_3_1_schema.json")


@cache
def _rules() -> Draft202012Validator:
    rules = json.loads(RULES.read_text(encoding="utf-8"))
    registry = REGISTRY.with_resource(rules["$id"], DRAFT202012.create_resource(rules)).crawl()
    Draft202012Validator.check_schema(rules)
    return Draft202012Validator(rules, registry=registry)


def check_document(document: dict[str, Any]) -> None:
    """Raise what is wrong with an OpenAPI document."""
    assert document["openapi"].startswith("3.1")
    _rules().validate(json.loads(OpenApiJsonRenderer().render(document)))
