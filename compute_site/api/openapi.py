"""Makes an OpenAPI document for each microversion from the contracts of the views."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.urls import include, path
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import EndpointEnumerator, SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from rest_framework.request import Request
from rest_framework.views import APIView

from compute_site.api import demo
from compute_site.api.microversions.contract import ALWAYS, Answer, Contract
from compute_site.api.microversions.fields import Schema
from compute_site.api.microversions.negotiation import NEW_HEADER, OLD_HEADER
from compute_site.api.microversions.version import NEWEST, OLDEST, Microversion
from compute_site.api.repeatable import IDEMPOTENCY_KEY, REPLAYED, VALID_KEY
from compute_site.faults import ENVELOPE_KEYS
from compute_site.idempotency.once import KeyUsedForOther, StillRunning

SCHEMA_URLS = [path("compute/v2.1/", include("compute_site.compute_urls"))]
"""Named, not imported: the URLs import the views, and those this package."""

VERSION_PATTERN = r"^([1-9][0-9]*\.([1-9][0-9]*|0)|latest)$"
IN_PATH = {
    "flavor_id": "2",
    "image_id": demo.IMAGE,
    "volume_id": demo.VOLUME,
    "host_name": demo.HOST,
    "quota_class": "default",
    "name": "hw:cpu_policy",
    "key": "purpose",
    "tag": "blue",
}
"""Parts of paths to begin with, as far as the cloud of the quickstart has such a thing."""
FAULT_WORDS = {
    400: "The request breaks a rule.",
    401: "No valid token, or name and password.",
    403: "A policy rule is not granted, or a quota is used up.",
    404: "There is no such URL, or not for you.",
    406: "The microversion is not served.",
    409: "The thing is not in a state that allows this.",
    410: "This API was removed.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    429: "Too many requests wait already.",
    501: "Nothing here can do this.",
    503: "A service that is needed does not answer.",
}
FAULT_DETAIL: Schema = {
    "type": "object",
    "properties": {
        "code": {"type": "integer"},
        "message": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string", "description": "The member that is to blame."},
                    "code": {"type": "string", "description": "Stable, for programs."},
                    "detail": {"type": "string"},
                },
                "required": ["code", "detail"],
            },
        },
    },
    "required": ["code", "message", "errors"],
}
SECURITY_SCHEMES: dict[str, Schema] = {
    "token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "password": {"type": "http", "scheme": "basic"},
    "session": {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME},
}


class CallerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The ways to authenticate."""

    target_class = "compute_site.api.authentication.CallerAuthentication"
    name = list(SECURITY_SCHEMES)

    def get_security_definition(self, auto_schema: AutoSchema) -> Any:
        return list(SECURITY_SCHEMES.values())

    def get_security_requirement(self, auto_schema: AutoSchema) -> Any:
        return [{name: []} for name in SECURITY_SCHEMES]


class ComputeSchema(AutoSchema):
    """Describes a method of a view of the compute API at one microversion."""

    @property
    def version(self) -> Microversion:
        return getattr(self.view, "microversion", NEWEST)

    @property
    def contract(self) -> Contract | None:
        return getattr(self.view, "contracts", {}).get(self.method)

    def is_excluded(self) -> bool:
        if self.contract is None:
            return True
        view: Any = self.view
        since = max(map(Microversion.parse, (view.since, self.contract.since)))
        until = Microversion.parse(view.until) if view.until else NEWEST
        return not since <= self.version <= until

    def get_operation_id(self) -> str:
        words = re.findall(r"[A-Za-z0-9]+", self.path.removeprefix("/compute/v2.1"))
        return "_".join([self.method.lower(), *words])

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix("/compute/v2.1/").split("/")[0]]

    def get_summary(self) -> str | None:
        return self.contract.summary if self.contract else None

    def get_auth(self) -> list[Schema]:
        super().get_auth()  # registers the schemes
        return [{name: []} for name in SECURITY_SCHEMES]

    def _get_parameters(self) -> list[Schema]:
        in_path = [
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": {"type": "string"},
                **({"example": IN_PATH[name]} if name in IN_PATH else {}),
            }
            for name in re.findall(r"{(\w+)}", self.path)
        ]
        keyed = key_parameters() if self.method == "POST" else []
        return in_path + self._query_parameters() + header_parameters(self.version) + keyed

    def _query_parameters(self) -> list[Schema]:
        query = self.contract.query if self.contract else None
        if query is None:
            return []
        compiled = query.at(self.version)
        return [
            {
                "name": field.key or name,
                "in": "query",
                "required": field.required,
                "description": field.help_text or "",
                "schema": _query_schema(field, field.schema(self.version)),
            }
            for name, field in compiled.fields.items()
        ]

    def _get_request_body(self, direction: str = "request") -> Schema | None:
        contract = self.contract
        if contract is None or contract.body is None:
            return None
        media: Schema = {"schema": contract.body.at(self.version).schema()}
        example = contract.example_at(self.version)
        if example is not None:
            media["example"] = example
        return {"required": True, "content": {"application/json": media}}

    def _get_response_bodies(self, direction: str = "response") -> Schema:
        contract = self.contract
        if contract is None:
            return {}
        good: Schema = {"description": contract.summary, "headers": answer_headers(contract)}
        silent = contract.silent_at(self.version)
        if contract.answer is not None and not silent:
            schema = answer_schema(contract.answer, self.version)
            if contract.other_answer is not None:
                other = answer_schema(contract.other_answer, self.version)
                schema = {"oneOf": [schema, other]}
            good["content"] = {"application/json": {"schema": schema}}
        if contract.media_type is not None:
            good["content"] = {contract.media_type: {"schema": {"type": "string"}}}
        statuses = {*ALWAYS, *contract.faults, *((413, 415) if contract.body else ())}
        if self.method == "POST":
            statuses |= {StillRunning.status, KeyUsedForOther.status}
            good["headers"][REPLAYED] = text_header("true: the answer to an earlier request")
        faults = {str(status): fault_response(status) for status in sorted(statuses)}
        good_statuses = [202 if silent else contract.status]
        if contract.partial_status is not None:
            good_statuses.append(contract.partial_status)
        return {**{str(status): good for status in good_statuses}, **faults}


def _query_schema(field: Any, schema: Schema) -> Schema:
    return {"type": "array", "items": schema} if field.repeat else schema


def header_parameters(version: Microversion) -> list[Schema]:
    """The headers with which a client chooses the microversion. "Try it out" sends the default,
    so that an answer is that of the document.
    """
    return [
        {
            "name": NEW_HEADER,
            "in": "header",
            "required": False,
            "description": f"compute and a microversion from {OLDEST} to {NEWEST}, or latest",
            "schema": {
                "type": "string",
                "pattern": VERSION_PATTERN.replace("^", "^compute "),
                "default": f"compute {version}",
            },
        },
        {
            "name": OLD_HEADER,
            "in": "header",
            "required": False,
            "description": "the microversion alone; looked at when the other header is absent",
            "schema": {"type": "string", "pattern": VERSION_PATTERN},
        },
    ]


def key_parameters() -> list[Schema]:
    """The header that lets a client send its request again."""
    return [
        {
            "name": IDEMPOTENCY_KEY,
            "in": "header",
            "required": False,
            "description": "a name for this request that the client makes up; a request that is "
            "sent again with it has no second effect and gets the first one's answer",
            "schema": {"type": "string", "pattern": f"^{VALID_KEY.pattern}$"},
        }
    ]


def text_header(words: str) -> Schema:
    return {"description": words, "schema": {"type": "string"}}


def answer_headers(contract: Contract) -> Schema:
    headers = {
        NEW_HEADER: "compute and the microversion that was used",
        OLD_HEADER: "the microversion that was used",
        "x-openstack-request-id": "the id of this request",
        "x-compute-request-id": "the same id",
        **contract.headers,
    }
    return {name: text_header(words) for name, words in headers.items()}


def answer_schema(answer: Mapping[str, Answer], version: Microversion) -> Schema:
    properties: Schema = {}
    for key, kind in answer.items():
        if isinstance(kind, dict):
            properties[key] = kind
        elif isinstance(kind, list):
            properties[key] = {"type": "array", "items": kind[0].schema(version)}
        else:
            properties[key] = kind.schema(version)
    return {"type": "object", "properties": properties, "required": list(properties)}


def fault_response(status: int) -> Schema:
    key = ENVELOPE_KEYS.get(status, "computeFault")
    schema = {
        "type": "object",
        "properties": {key: {"$ref": "#/components/schemas/Fault"}},
        "required": [key],
    }
    return {
        "description": FAULT_WORDS.get(status, "An error."),
        "content": {"application/json": {"schema": schema}},
    }


class ComputeSchemaGenerator(SchemaGenerator):
    """Walks the compute API once, at one microversion."""

    def __init__(self, version: Microversion) -> None:
        super().__init__(patterns=SCHEMA_URLS, api_version=str(version))  # type: ignore[no-untyped-call]
        self.microversion = version

    def create_view(self, callback: Any, method: str, request: Request | None = None) -> APIView:
        view: Any = super().create_view(callback, method, request)  # type: ignore[no-untyped-call]
        view.microversion = self.microversion
        view.versioning_class = None  # the version is in no URL and no media type
        return view  # type: ignore[no-any-return]

    def get_schema(self, request: Request | None = None, public: bool = True) -> Schema:
        schema: Schema = super().get_schema(request, public)  # type: ignore[no-untyped-call]
        schema["info"]["version"] = str(self.microversion)
        schema.setdefault("components", {}).setdefault("schemas", {})["Fault"] = FAULT_DETAIL
        return schema


@functools.lru_cache(maxsize=16)
def openapi_document(version: Microversion) -> Schema:
    """The document of a microversion; made once."""
    return ComputeSchemaGenerator(version).get_schema()


def find_operations() -> list[tuple[str, str, Contract]]:
    """Method, path below the version and contract of every operation with a contract."""
    endpoints = EndpointEnumerator(patterns=SCHEMA_URLS).get_api_endpoints()  # type: ignore[no-untyped-call]
    return [
        (method, path.removeprefix("/compute/v2.1"), contract)
        for path, _, method, callback in endpoints
        if (contract := callback.cls.contracts.get(method)) is not None
    ]
