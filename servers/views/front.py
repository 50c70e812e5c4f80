"""``/``: what this site is, whether it works, and where to go from here; a page for people.
Programs get the versions of the compute API, as at Nova's root.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from compute_site.api.microversions.version import NEWEST, OLDEST
from compute_site.api.pages import wants_page
from compute_site.api.versions import list_versions
from servers.hosts.hypervisors import count_hosts
from servers.read.queue import are_workers_up


@csrf_exempt
def show_front(request: HttpRequest) -> HttpResponse:
    if wants_page(request) and request.method in ("GET", "HEAD"):
        response = render(request, "compute_site/front.html", _describe(request))
    else:
        response = list_versions(request)
    patch_vary_headers(response, ["Accept", "Cookie"])
    return response


def _describe(request: HttpRequest) -> dict[str, object]:
    """How much there is, is told to those who have signed in."""
    signed_in = request.user.is_authenticated
    return {
        "root": settings.OPTIONS.public_url.rstrip("/") or request.build_absolute_uri("/")[:-1],
        "oldest": OLDEST,
        "newest": NEWEST,
        "workers_up": are_workers_up(),
        "hosts": count_hosts() if signed_in else None,
        "user": request.user,
    }
