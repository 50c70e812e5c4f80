"""The quotas of the network API: clients show them beside those of compute; only ports are
limited, by project.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Model, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import BadRequest, NotFound
from compute_site.identity.models import Project
from compute_site.keys import IGNORED, Key, flag, limit
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.api.views import NetworkView
from compute_site.neighbours.network.models import (
    FloatingIp,
    Network,
    Port,
    PortQuota,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
)
from compute_site.neighbours.ownership import permit_on

UNLIMITED = -1
COUNTED: Mapping[str, tuple[type[Model], str]] = {  # and what leads to its project
    "network": (Network, "project"),
    "subnet": (Subnet, "project"),
    "port": (Port, "project"),
    "security_group": (SecurityGroup, "project"),
    "security_group_rule": (SecurityGroupRule, "group__project"),
    "floatingip": (FloatingIp, "project"),
}
UNKNOWN = ("subnetpool", "router", "rbac_policy")
"""Kinds that are not kept here."""
CHANGED = {
    "port": Key(limit, required=True),
    "check_limit": Key(flag, default=False),
    "force": IGNORED,
}


class QuotaView(NetworkView):
    """Quotas of one project, which is the caller's own unless an admin asks."""

    noun = "quota"

    def find_owner(self, owner: str) -> Project:
        """The project of the URL.

        Raises:
            PolicyRefused: it is not the caller's own, whether it exists or not.
            NotFound: it does not exist.
        """
        if owner != self.caller.project_id:
            permit_on(self.caller, policies.GET_QUOTA, owner)
        project = projects().filter(pk=owner).first()
        if project is None:
            raise NotFound(f"There is no project {owner}.")
        return project

    def answer(self, owner: Project) -> Response:
        return Response({"quota": limits_of(owner)})


class QuotaList(QuotaView):
    """``GET /network/v2.0/quotas``: of the projects that have limits of their own."""

    def get(self, request: Request) -> Response:
        permit_on(self.caller, policies.GET_QUOTA, None)
        limited = projects().filter(port_quota__isnull=False).order_by("name", "pk")
        shown = [{**limits_of(row), "project_id": row.pk, "tenant_id": row.pk} for row in limited]
        return Response({"quotas": shown})


class QuotaDetail(QuotaView):
    """``GET``, ``PUT`` and ``DELETE /network/v2.0/quotas/{project}``"""

    def get(self, request: Request, owner: str) -> Response:
        return self.answer(self.find_owner(owner))

    def put(self, request: Request, owner: str) -> Response:
        project = self.find_owner(owner)
        permit_on(self.caller, policies.UPDATE_QUOTA, owner)
        asked = self.read("quota", CHANGED).values
        used = project.ports.count()
        if asked["check_limit"] and UNLIMITED < asked["port"] < used:
            raise BadRequest(f"The project has {used} ports already.", field="quota.port")
        PortQuota.objects.update_or_create(project=project, defaults={"limit": asked["port"]})
        return self.answer(self.find_owner(owner))

    def delete(self, request: Request, owner: str) -> Response:
        project = self.find_owner(owner)
        permit_on(self.caller, policies.DELETE_QUOTA, owner)
        PortQuota.objects.filter(project=project).delete()
        return Response(status=204)


class QuotaDefaults(QuotaView):
    """``GET /network/v2.0/quotas/{project}/default``"""

    def get(self, request: Request, owner: str) -> Response:
        self.find_owner(owner)
        return Response({"quota": dict.fromkeys([*COUNTED, *UNKNOWN], UNLIMITED)})


class QuotaUsage(QuotaView):
    """``GET /network/v2.0/quotas/{project}/details``: limits and what is in use."""

    def get(self, request: Request, owner: str) -> Response:
        project = self.find_owner(owner)
        used = used_by(project)
        shown = {
            name: {"limit": limit, "used": used.get(name, 0), "reserved": 0}
            for name, limit in limits_of(project).items()
        }
        return Response({"quota": shown})


def projects() -> QuerySet[Project]:
    return Project.objects.select_related("port_quota")


def limits_of(project: Project) -> dict[str, int]:
    """``project`` comes with its ``port_quota``."""
    quota: Any = getattr(project, "port_quota", None)
    ports = UNLIMITED if quota is None else quota.limit
    return dict.fromkeys([*COUNTED, *UNKNOWN], UNLIMITED) | {"port": ports}


def used_by(project: Project) -> dict[str, int]:
    return {
        name: model._default_manager.filter(**{owner: project}).count()  # noqa: SLF001 - Django's
        for name, (model, owner) in COUNTED.items()
    }
