"""Chooses the microversion of a request from its headers (docs/contract/create-response.md 4)."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.http.request import HttpHeaders
from rest_framework.request import Request
from rest_framework.versioning import URLPathVersioning

from compute_site.api.microversions.header import HEADER, last_asked
from compute_site.api.microversions.version import LEGACY, NEWEST, OLDEST, Microversion
from compute_site.api.pages import VERSION_OF_PAGE, wants_page
from compute_site.faults import BadRequest, NotAcceptable

NEW_HEADER = HEADER
OLD_HEADER = "X-OpenStack-Nova-API-Version"
NEW_KEY, OLD_KEY = (HttpHeaders.to_wsgi_name(name) for name in (NEW_HEADER, OLD_HEADER))


class MalformedVersion(BadRequest):
    """The asked microversion is not of the form number, dot, number."""

    code = "malformed_version"


class UnsupportedVersion(NotAcceptable):
    """The asked microversion is well formed but not served; ``asked`` is repeated in the
    headers.
    """

    code = "unsupported_version"

    def __init__(self, asked: Microversion) -> None:
        super().__init__(f"Version {asked} is not served; versions {OLDEST} to {NEWEST} are.")
        self.asked = asked


class MicroversionVersioning(URLPathVersioning):
    """The version is in a header; the base class is another one only because drf-spectacular
    supports no class that is not derived from one of DRF's.
    """

    def determine_version(  # type: ignore[override] # DRF thinks of texts
        self, request: Request, *args: Any, **kwargs: Any
    ) -> Microversion:
        if kwargs.get("api") == "v2":
            return LEGACY
        old_header = request.META.get(OLD_KEY)
        if wants_page(request):
            old_header = request.GET.get(VERSION_OF_PAGE, old_header)
        return choose_version(request.META.get(NEW_KEY), old_header)

    def reverse(self, *args: Any, **kwargs: Any) -> str:
        raise NotImplementedError("links are made by compute_site.api.links")


def choose_version(new_header: str | None, old_header: str | None) -> Microversion:
    """The version that the headers ask for; 2.1 when they ask for none.

    Raises:
        MalformedVersion: 400.
        UnsupportedVersion: 406.
    """
    text = last_asked(new_header or "", "compute") or None  # Nova passes over a lone name
    if text is None and old_header is not None:
        text = old_header.split(",")[-1].strip()
    if text is None:
        return OLDEST
    if text == "latest":
        return NEWEST
    try:
        version = Microversion.parse(text)
    except ValueError:
        raise MalformedVersion(
            f"The version {text!r} is malformed; send a version such as 2.67, or latest."
        ) from None
    if not OLDEST <= version <= NEWEST:
        raise UnsupportedVersion(version)
    return version


def set_version_headers(response: HttpResponse, version: Microversion) -> None:
    """Say which version was used, in the new and the old header."""
    response[NEW_HEADER] = f"compute {version}"
    response[OLD_HEADER] = str(version)
    response["Vary"] = f"{NEW_HEADER}, {OLD_HEADER}"
