"""How this site logs in to the cloud that it joins, as the options say, and what they lack."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

from django.conf import settings

from compute_site.identity.models import Role
from compute_site.options import PREFIX, Options

ROLES = frozenset((*Role.values, "service"))
NEEDED_PACKAGE = "keystoneauth1"


def find_problems(options: Options | None = None) -> Iterator[str]:
    """What keeps this site from logging in, a sentence each; nothing where no service elsewhere is
    chosen.
    """
    chosen: Options = options or settings.OPTIONS
    services = chosen.joined_services
    if not services:
        return
    asked_for = ", ".join(_variable(name) for name in services)
    if importlib.util.find_spec(NEEDED_PACKAGE) is None:
        yield (
            f"{asked_for} need the package {NEEDED_PACKAGE}: install compute-site with the extra "
            "openstack (pip install 'compute-site[openstack]')."
        )
    if not chosen.openstack_auth_url.startswith(("http://", "https://")):
        yield (
            f"{asked_for} need {_variable('openstack_auth_url')}: the URL of Keystone, such as "
            "https://keystone.example.org:5000/v3."
        )
    by_credential = bool(chosen.openstack_application_credential_id)
    needed = (
        ("openstack_application_credential_secret",)
        if by_credential
        else ("openstack_username", "openstack_password", "openstack_project_name")
    )
    for name in needed:
        if not getattr(chosen, name):
            yield f"{asked_for} need {_variable(name)}, to log in as the service user."
    for pair in chosen.identity_roles:
        if pair.partition("=")[2].strip() not in ROLES:
            yield (
                f"{_variable('identity_roles')}: {pair!r} is no pair of a role of Keystone, the "
                f"sign = and one of {', '.join(sorted(ROLES))}."
            )
    if chosen.openstack_ca_file is not None and not chosen.openstack_ca_file.is_file():
        yield f"{_variable('openstack_ca_file')} names no file: {chosen.openstack_ca_file}"


def keystone_url() -> str:
    """The URL of the identity API, with its version."""
    url: str = settings.OPTIONS.openstack_auth_url.rstrip("/")
    return url if url.endswith("/v3") else f"{url}/v3"


def _variable(name: str) -> str:
    return f"{PREFIX}{name.upper()}"
