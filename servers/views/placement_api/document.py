"""The OpenAPI document of the Placement API at one microversion."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from compute_site.api.microversions.answers import INTEGER, TEXT
from compute_site.api.microversions.fields import Schema
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.version import Microversion
from compute_site.api.openapi import FAULT_WORDS, SECURITY_SCHEMES
from servers.views.placement_api.versions import HEADER, NEWEST, OLDEST, SERVICE
from servers.views.placement_api.view import CODES, Operation, PlacementView

Route = tuple[str, type[PlacementView]]
"""The path below ``/placement``, with names in angle brackets, and its view."""
NAME = re.compile(r"<(?:\w+:)?(\w+)>")
IN_BRACES = r"{\1}"
ALWAYS = (400, 401, 403, 404, 406)


def make_document(routes: Iterable[Route], version: Microversion) -> Schema:
    """The methods that the microversion has, with bodies, parameters and answers."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Placement API", "version": str(version)},
        "paths": {
            f"/placement/{NAME.sub(IN_BRACES, path)}".rstrip("/"): methods
            for path, view in routes
            if (methods := dict(_methods(path, view, version)))
        },
        "components": {
            "securitySchemes": SECURITY_SCHEMES,
            "schemas": {"Errors": _errors(version)},
        },
    }


def _methods(
    path: str, view: type[PlacementView], version: Microversion
) -> Iterator[tuple[str, Schema]]:
    for method, operation in view.operations.items():
        since = max(map(Microversion.parse, (view.since, operation.since)))
        if since <= version:
            yield method.lower(), _describe(method, path, operation, version, is_open=view.open)


def _describe(
    method: str, path: str, operation: Operation, version: Microversion, *, is_open: bool
) -> Schema:
    words = re.findall(r"[A-Za-z0-9]+", NAME.sub(r"\1", path)) or ["versions"]
    described: Schema = {
        "operationId": "_".join([method.lower(), *words]),
        "summary": operation.summary,
        "tags": [words[0]],
        "parameters": [*_path_parameters(path), *_query(operation, version), _version_header()],
        "responses": _responses(operation, version),
        "security": [] if is_open else [{name: []} for name in SECURITY_SCHEMES],
    }
    if operation.has_body(version):
        schema = body_schema(operation.body_at(version), version)
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    return described


def body_schema(body: Any, version: Microversion) -> Schema:
    if isinstance(body, type) and issubclass(body, VersionedSerializer):
        return body.at(version).schema()
    schema: Schema = body.schema(version)
    return schema


def _path_parameters(path: str) -> list[Schema]:
    return [
        {"name": name, "in": "path", "required": True, "schema": TEXT}
        for name in NAME.findall(path)
    ]


def _query(operation: Operation, version: Microversion) -> list[Schema]:
    named = [
        {"name": name, "in": "query", "required": False, "schema": TEXT}
        for name, since in operation.parameters.items()
        if Microversion.parse(since) <= version
    ]
    if operation.query is None:
        return named
    fields = operation.query.at(version).fields
    return named + [
        {
            "name": field.key or name,
            "in": "query",
            "required": field.required,
            "schema": {"type": "array", "items": field.schema(version)}
            if field.repeat is True
            else field.schema(version),
        }
        for name, field in fields.items()
    ]


def _version_header() -> Schema:
    return {
        "name": HEADER,
        "in": "header",
        "required": False,
        "description": f"{SERVICE} and a microversion from {OLDEST} to {NEWEST}, or latest",
        "schema": TEXT,
    }


def _responses(operation: Operation, version: Microversion) -> Schema:
    good: Schema = {"description": operation.summary}
    if operation.answer is not None:
        schema = operation.answer_at(version)
        good["content"] = {"application/json": {"schema": schema}}
    errors = {"application/json": {"schema": {"$ref": "#/components/schemas/Errors"}}}
    statuses = sorted({*ALWAYS, *operation.faults, *((415,) if operation.body else ())})
    return {str(operation.status): good} | {
        str(status): {"description": FAULT_WORDS.get(status, "An error."), "content": errors}
        for status in statuses
    }


def _errors(version: Microversion) -> Schema:
    keys: Schema = {"status": INTEGER, "title": TEXT, "detail": TEXT, "request_id": TEXT}
    if version >= CODES:
        keys["code"] = TEXT
    error = {"type": "object", "properties": keys, "required": list(keys)}
    listed = {"type": "array", "items": error}
    return {"type": "object", "properties": {"errors": listed}, "required": ["errors"]}
