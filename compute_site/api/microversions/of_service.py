"""The microversions of an API that is not that of compute: Placement, volumes."""

from __future__ import annotations

import dataclasses
import re

from django.http import HttpResponse
from django.utils.cache import patch_vary_headers

from compute_site.api.microversions.header import HEADER, last_asked
from compute_site.api.microversions.version import Microversion
from compute_site.faults import BadRequest, NotAcceptable

LATEST = "latest"
FORM = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})", re.ASCII)


class MalformedVersion(BadRequest):
    """The asked microversion is not of the form number, dot, number."""

    code = "malformed_version"


class UnsupportedVersion(NotAcceptable):
    """The asked microversion is not served."""

    code = "unsupported_version"


@dataclasses.dataclass(frozen=True, slots=True)
class ServiceVersions:
    """All microversions of a service from ``oldest`` to ``newest``; ``service`` is its name in the
    header.
    """

    service: str
    oldest: Microversion
    newest: Microversion

    def choose(self, header: str) -> Microversion:
        """The version that the header asks this service for; the oldest when it asks for none.

        Raises:
            MalformedVersion: 400.
            UnsupportedVersion: 406.
        """
        text = last_asked(header, self.service)
        if text is None:
            return self.oldest
        if text == LATEST:
            return self.newest
        match = FORM.fullmatch(text)
        if match is None:
            raise MalformedVersion(
                f"The version {text[:60]!r} is malformed; send a version such as {self.newest}, "
                f"or {LATEST}."
            )
        version = Microversion(int(match[1]), int(match[2]))
        if not self.oldest <= version <= self.newest:
            raise UnsupportedVersion(
                f"Version {version} is not served; versions {self.oldest} to {self.newest} are."
            )
        return version

    def tell(self, response: HttpResponse, version: Microversion) -> None:
        """Say in the headers which version was used."""
        response[HEADER] = f"{self.service} {version}"
        patch_vary_headers(response, [HEADER])
