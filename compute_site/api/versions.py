"""The version documents, which clients read before they log in."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from compute_site.api.microversions.negotiation import (
    NEW_HEADER,
    OLD_HEADER,
    UnsupportedVersion,
    choose_version,
    set_version_headers,
)
from compute_site.api.microversions.version import NEWEST, OLDEST
from compute_site.api.request_url import check_query
from compute_site.faults import Fault, NotFound

MEDIA_BASE = "application/json"
MEDIA_TYPE = "application/vnd.openstack.compute+json;version="
DESCRIBED_BY = {"rel": "describedby", "type": "text/html", "href": "http://docs.openstack.org/"}

VERSIONS: dict[str, dict[str, str]] = {
    "v2": {
        "id": "v2.0",
        "status": "DEPRECATED",
        "version": "",
        "min_version": "",
        "updated": "2025-07-04T12:00:00Z",
    },
    "v2.1": {
        "id": "v2.1",
        "status": "CURRENT",
        "version": str(NEWEST),
        "min_version": str(OLDEST),
        "updated": "2013-07-23T11:33:21Z",
    },
}


@csrf_exempt
def list_versions(request: HttpRequest) -> HttpResponse:
    """``/compute/``: all versions."""
    found = [
        {**version, "links": [{"rel": "self", "href": f"{service_root(request)}/{api}/"}]}
        for api, version in VERSIONS.items()
    ]
    return JsonResponse({"versions": found})


@csrf_exempt
def show_version(request: HttpRequest, api: str) -> HttpResponse:
    """``/compute/v2.1/``: one version; Nova takes any method here and asks for no token."""
    chosen = None
    if api != "v2":
        asked = request.headers.get(NEW_HEADER), request.headers.get(OLD_HEADER)
        try:
            chosen = choose_version(*asked)
            check_query(request)
        except Fault as fault:
            return _refuse(fault)
    links = [{"rel": "self", "href": f"{service_root(request)}/{api}/"}, DESCRIBED_BY]
    document = {**VERSIONS[api], "links": links, "media-types": _media_types(api)}
    response = JsonResponse({"version": document})
    if chosen is not None:
        set_version_headers(response, chosen)
    return response


@csrf_exempt
def show_named_version(request: HttpRequest, name: str, **_mount: str) -> HttpResponse:
    """``/compute/v2.1/versions/{id}``: a version by its id."""
    wanted = {version["id"]: key for key, version in VERSIONS.items()}.get(name)
    if wanted is None:
        return _refuse(NotFound(f"There is no version {name}."))
    return show_version(request, api=wanted)


@csrf_exempt
def offer_versions(request: HttpRequest, path: str) -> HttpResponse:
    """Any other path below ``/compute``: 300, the same path in each version."""
    place = quote(path.rstrip("/"))
    choices: list[dict[str, Any]] = [
        {
            "id": version["id"],
            "status": version["status"],
            "links": [{"rel": "self", "href": f"{service_root(request)}/{api}/{place}"}],
            "media-types": _media_types(api),
        }
        for api, version in VERSIONS.items()
    ]
    return JsonResponse({"choices": choices}, status=300)


def service_root(request: HttpRequest) -> str:
    """The URL of the compute service, behind ``compute_link_prefix`` where that is set."""
    root = request.build_absolute_uri(f"{request.META.get('SCRIPT_NAME', '')}/compute")
    prefix: str = settings.OPTIONS.compute_link_prefix.rstrip("/")
    return prefix + urlsplit(root).path if prefix else root


def _media_types(api: str) -> list[dict[str, str]]:
    return [{"base": MEDIA_BASE, "type": MEDIA_TYPE + api.removeprefix("v")}]


def _refuse(fault: Fault) -> HttpResponse:
    response = JsonResponse(fault.envelope(), status=fault.status)
    if isinstance(fault, UnsupportedVersion):
        set_version_headers(response, fault.asked)
    return response
