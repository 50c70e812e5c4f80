"""The service catalogue: which API is where."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from compute_site.identity.models import Endpoint, EndpointGroup, EndpointOfProject, Service

SUBSTITUTED = re.compile(r"[$%]\((\w+)\)s")
"""A name in a URL for which the user or project of the token is put in."""
FILTERS = ("service_id", "region_id", "interface")
"""What a group of endpoints goes by."""
KNOWN_IN_URLS = ("project_id", "tenant_id", "user_id")


def catalog(
    root: str, *, project_id: str | None = None, user_id: str | None = None
) -> list[dict[str, Any]]:
    """The catalogue as tokens show it: what is enabled. ``root`` is the address under which the
    site is called. As in Keystone, an endpoint whose URL needs a project is left out of tokens
    without one. One statement.
    """
    known = {"project_id": project_id, "tenant_id": project_id, "user_id": user_id}
    shown: dict[str, dict[str, Any]] = {}
    for endpoint in _enabled_endpoints(project_id):
        service = endpoint.service
        url = url_of(endpoint, root)
        if any(known.get(name) is None for name in SUBSTITUTED.findall(url)):
            continue
        entry = shown.setdefault(
            service.id,
            {"id": service.id, "type": service.type, "name": service.name, "endpoints": []},
        )
        entry["endpoints"].append(
            {
                "id": endpoint.id,
                "interface": endpoint.interface,
                "region": endpoint.region_id,
                "region_id": endpoint.region_id,
                "url": SUBSTITUTED.sub(lambda found: str(known[found[1]]), url),
            }
        )
    return list(shown.values())


def url_of(endpoint: Endpoint, root: str) -> str:
    """The address of the endpoint; one of the site's own services is below its root."""
    return root + endpoint.url if endpoint.url.startswith("/") else endpoint.url


def find_service_ids(types: Iterable[str]) -> dict[str, str]:
    """Type → id of the first service of each of these types."""
    rows = Service.objects.filter(type__in=list(types)).order_by("-place", "-id")
    return dict(rows.values_list("type", "id"))


def endpoints_of_group(group: EndpointGroup) -> QuerySet[Endpoint]:
    """All that have what the group wants."""
    wanted = {name: getattr(group, name) for name in FILTERS if getattr(group, name)}
    return Endpoint.objects.filter(**wanted).order_by("place", "id")


def endpoints_of_project(project_id: str) -> QuerySet[Endpoint]:
    """Those that the project was given, by themselves or by groups."""
    return Endpoint.objects.filter(_given(project_id)).order_by("place", "id")


def _given(project_id: str) -> Q:
    groups = EndpointGroup.objects.filter(projects=project_id)
    for name in FILTERS:
        groups = groups.filter(Q(**{name: ""}) | Q(**{name: OuterRef(name)}))
    own = EndpointOfProject.objects.filter(project=project_id, endpoint=OuterRef("pk"))
    return Q(Exists(own)) | Q(Exists(groups))


def _enabled_endpoints(project_id: str | None) -> Iterable[Endpoint]:
    """Where the project was given endpoints, these alone."""
    rows = Endpoint.objects.filter(enabled=True, service__enabled=True)
    if project_id is not None:
        given = EndpointOfProject.objects.filter(project=project_id)
        by_groups = EndpointGroup.objects.filter(projects=project_id)
        rows = rows.filter(~Exists(given) & ~Exists(by_groups) | _given(project_id))
    return rows.select_related("service").order_by("service__place", "service_id", "place", "id")
