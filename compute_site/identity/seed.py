"""What every site begins with: the default domain, its roles, and the catalogue of its services."""

from __future__ import annotations

import itertools
from typing import Any

from django.apps import apps as installed

from compute_site.identity.auth_request import DOMAIN_ID, DOMAIN_NAME
from compute_site.identity.ids import stable_id
from compute_site.identity.service_models import INTERFACES

REGION = "RegionOne"
LADDER = ("reader", "member", "manager", "admin")
SERVICE_ROLE = "service"
SERVICES = (
    # type, name, path below the root of the site; Apache Libcloud finds services by these names
    ("identity", "keystone", "/identity"),
    ("compute", "nova", "/compute/v2.1"),
    ("placement", "placement", "/placement"),
    ("image", "glance", "/image"),
    ("network", "neutron", "/network"),
    ("volumev3", "cinderv3", "/volume/v3"),
    ("block-storage", "cinder", "/volume/v3"),
)


def seed(apps: Any = installed) -> None:
    """Make what is missing on a site that has no roles yet; a site that has them keeps what its
    operators have made of the rest. Migrations call it with the models of their time.
    """
    make_default_domain(apps)
    if apps.get_model("identity", "NamedRole").objects.exists():
        return
    _make_roles(apps)
    _make_catalogue(apps)


def make_default_domain(apps: Any) -> None:
    values = {"name": DOMAIN_NAME, "description": "The default domain"}
    apps.get_model("identity", "Domain").objects.get_or_create(pk=DOMAIN_ID, defaults=values)


def seed_after_flush(**_: Any) -> None:
    """Receiver of ``post_migrate``, which is sent after a flush, too."""
    seed()


def _make_roles(apps: Any) -> None:
    role_model, implied_model = (
        apps.get_model("identity", name) for name in ("NamedRole", "ImpliedRole")
    )
    role_model.objects.bulk_create(
        role_model(
            id=stable_id("role", name), name=name, is_built_in=True, options={"immutable": True}
        )
        for name in (*LADDER, SERVICE_ROLE)
    )
    implied_model.objects.bulk_create(
        implied_model(prior_id=stable_id("role", larger), implied_id=stable_id("role", smaller))
        for smaller, larger in itertools.pairwise(LADDER)
    )


def _make_catalogue(apps: Any) -> None:
    region, service, endpoint = (
        apps.get_model("identity", name) for name in ("Region", "Service", "Endpoint")
    )
    region.objects.create(id=REGION)
    service.objects.bulk_create(
        service(id=stable_id("service", kind), type=kind, name=name, place=place)
        for place, (kind, name, _) in enumerate(SERVICES)
    )
    endpoint.objects.bulk_create(
        endpoint(
            id=stable_id("endpoint", kind, interface),
            service_id=stable_id("service", kind),
            interface=interface,
            region_id=REGION,
            url=path,
            place=place,
        )
        for kind, _, path in SERVICES
        for place, interface in enumerate(INTERFACES)
    )
