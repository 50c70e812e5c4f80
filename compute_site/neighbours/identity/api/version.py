"""The version documents of the identity API."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import Gone
from compute_site.identity.errors import NoSuchThing
from compute_site.neighbours.identity.api.envelope import IdentityView


class VersionList(IdentityView):
    """``GET /identity``"""

    def get(self, request: Request) -> Response:
        return Response({"versions": {"values": [show_version(self.root)]}}, status=300)


class VersionDetail(IdentityView):
    """``GET /identity/v3``"""

    def get(self, request: Request) -> Response:
        return Response({"version": show_version(self.root)})


class Certificates(IdentityView):
    """``/identity/v3/OS-SIMPLE-CERT/…``: went with the tokens that were signed by certificates."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if request.method in ("GET", "HEAD"):
            raise Gone("Tokens are not signed by certificates any more.")


class UnknownIdentityUrl(IdentityView):
    """Every path below ``/identity`` that no other view knows."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NoSuchThing("There is nothing at this URL.")


def show_version(root: str) -> dict[str, Any]:
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{root}/identity/v3/"}],
        "media-types": [
            {"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}
        ],
    }
