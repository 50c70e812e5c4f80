"""Makes the OpenAPI documents of the image, network, volume and identity APIs from their URLs.

What a document tells is read off the views: the methods, the parameters of lists, and the keys of
bodies where the view names them. Answers are not described.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern
from django.urls.resolvers import RoutePattern

from compute_site.api.microversions.header import HEADER
from compute_site.neighbours.examples import EXAMPLES, IN_PATH
from compute_site.neighbours.serializers import BodySerializer, CheckedField, KeyField
from compute_site.values import keys

Schema = dict[str, Any]
NAME = re.compile(r"<(?:\w+:)?(\w+)>")
METHODS = ("get", "put", "post", "delete", "patch")
JSON, BINARY = "application/json", "application/octet-stream"
PATCH = "application/openstack-images-v2.1-json-patch"
WITH_BODY = ("put", "post", "patch")
SECURITY_SCHEMES: Mapping[str, Schema] = {
    "token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "password": {"type": "http", "scheme": "basic"},
}
FAULTS = {
    "400": "The request breaks a rule.",
    "401": "No valid token, or name and password.",
    "403": "A policy rule is not granted.",
    "404": "There is no such thing, or not for you.",
    "409": "Something is in the way.",
}
TEXT: Schema = {"type": "string"}
TYPES: Mapping[Any, Schema] = {
    **dict.fromkeys((keys.text, keys.filled_text, keys.line, keys.filled_line), TEXT),
    **dict.fromkeys((keys.cidr, keys.prefix, keys.destination, keys.mac, keys.address), TEXT),
    keys.uuid_text: {"type": "string", "format": "uuid"},
    keys.flag: {"type": "boolean"},
    **{key: {"type": "integer"} for key in (keys.whole, keys.positive, keys.limit)},
    **{key: {"type": "object"} for key in (keys.mapping, keys.kept_mapping, keys.texts_by_name)},
}
"""What the readers of keys take; of the others, nothing is told."""


def show_document(
    title: str, mount: str, patterns: Sequence[Any]
) -> Callable[[HttpRequest], HttpResponse]:
    """The view of the document of the API whose URLs are these below ``mount``."""
    document = functools.cache(lambda: make_document(title, mount, patterns))

    def show(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - every view is called alike
        return JsonResponse(document())

    return show


def make_document(title: str, mount: str, patterns: Sequence[Any]) -> Schema:
    """The methods of all URLs, with their parameters and bodies."""
    paths: dict[str, Schema] = {}
    for route, view in routes_of(patterns):
        path = mount + NAME.sub(r"{\1}", route)
        found = {
            method: _describe(method, path, route, view)
            for method in METHODS
            if getattr(view, method, None) is not None
        }
        if found:
            paths[path] = found | {"parameters": _path_parameters(route)}
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": mount.strip("/").rpartition("/")[2]},
        "paths": paths,
        "components": {"securitySchemes": dict(SECURITY_SCHEMES)},
    }


def routes_of(patterns: Sequence[Any]) -> Iterator[tuple[str, type[Any]]]:
    """The routes with their views; those that are regular expressions stand for many."""
    for entry in patterns:
        is_plain = isinstance(entry, URLPattern) and isinstance(entry.pattern, RoutePattern)
        view = getattr(entry.callback, "view_class", None) if is_plain else None
        if view is not None:
            yield str(entry.pattern), view


def _describe(method: str, path: str, route: str, view: type[Any]) -> Schema:
    words = re.findall(r"[A-Za-z0-9]+", NAME.sub(r"\1", route)) or ["versions"]
    shown: Schema = {
        "operationId": "_".join([method, *words]),
        "summary": _summary(method, words, view),
        "tags": [words[1] if words[0] == "v3" and len(words) > 1 else words[0]],
        "responses": _responses(),
        "security": []
        if getattr(view, "open", False)
        else [{name: []} for name in SECURITY_SCHEMES],
    }
    parameters = _version_parameter(view)
    if method == "get":
        parameters += [{"name": name, "in": "query", "schema": TEXT} for name in _parameters(view)]
    if method == "get" or parameters:
        shown["parameters"] = parameters
    if method in WITH_BODY and EXAMPLES.get(f"{method} {path}", {}) is not None:
        shown["requestBody"] = {"content": _content(method, path, view)}
    return shown


def _version_parameter(view: type[Any]) -> list[Schema]:
    example = getattr(view, "version_header", "")
    told = {"name": HEADER, "in": "header", "schema": TEXT, "example": example}
    return [told] if example else []


def _summary(method: str, words: Sequence[str], view: type[Any]) -> str:
    text = (view.__doc__ or "").strip().partition("\n")[0].replace("``", "")
    return text or f"{method.upper()} {' '.join(words)}"


def _responses() -> Schema:
    good = {"2XX": {"description": "As the API of the service has it."}}
    return good | {status: {"description": text} for status, text in FAULTS.items()}


def _parameters(view: type[Any]) -> list[str]:
    """What lists are filtered, sorted and paged by."""
    return sorted(getattr(view, "query_parameters", ()))


def _path_parameters(route: str) -> list[Schema]:
    shown = []
    for found in NAME.finditer(route):
        name, before = found[1], NAME.sub(r"{\1}", route[: found.end()])
        parameter = {"name": name, "in": "path", "required": True, "schema": TEXT}
        example = IN_PATH.get(before, IN_PATH.get(name))
        shown.append(parameter if example is None else parameter | {"example": example})
    return shown


def _content(method: str, path: str, view: type[Any]) -> Schema:
    """The body by its media type, with its example."""
    example = EXAMPLES.get(f"{method} {path}")
    if path.endswith(("/file", "/stage")):
        return {BINARY: {"schema": {"type": "string", "format": "binary"}}}
    patches = isinstance(example, list)
    schema = {"type": "array", "items": {"type": "object"}} if patches else _body(method, view)
    content: Schema = {"schema": schema}
    media_type = PATCH if patches else getattr(view, "media_type", JSON)
    return {media_type: content | ({"example": example} if example else {})}


def _body(method: str, view: type[Any]) -> Schema:
    named: Mapping[str, Any] = getattr(view, "bodies", {})
    if method not in named:
        return {"type": "object"}
    noun, serializer = named[method]
    return _under(noun, _object(serializer))


def _under(noun: str, schema: Schema) -> Schema:
    if not noun:
        return schema
    return {"type": "object", "properties": {noun: schema}, "required": [noun]}


def _object(serializer: type[BodySerializer]) -> Schema:
    fields = {name: field for name, field in serializer().fields.items() if not field.read_only}
    shown: Schema = {
        "type": "object",
        "properties": {name: _value(field) for name, field in fields.items()},
        "additionalProperties": serializer.rest is not None,
    }
    required = [name for name, field in fields.items() if field.required]
    return shown | ({"required": required} if required else {})


def _value(field: Any) -> Schema:
    check = field.key.read if isinstance(field, KeyField) else None
    if check is None and isinstance(field, CheckedField):
        check = field.check
    return dict(TYPES.get(check, {}))
