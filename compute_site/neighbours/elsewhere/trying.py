"""Tries whether this site can use the cloud that it is to join, and says in words what is wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from django.conf import settings
from keystoneauth1.exceptions import (
    CatalogException,
    ClientException,
    ConnectFailure,
    NotFound,
    Unauthorized,
)
from keystoneauth1.exceptions.connection import SSLError
from keystoneauth1.identity import BaseIdentityPlugin

from compute_site.faults import Fault, Unavailable
from compute_site.neighbours.elsewhere.login import keystone_url
from compute_site.neighbours.elsewhere.remote import RemoteService
from compute_site.neighbours.elsewhere.session import open_session

ADMIN, SERVICE = "admin", "service"
TRIED = {
    "identity_service": ("identity", "identity", "/v3", "/users?limit=1"),
    "image_service": ("image", "image", "/v2", "/images?limit=1"),
    "network_service": ("network", "network", "/v2.0", "/ports?limit=1&fields=id"),
    "volume_service": ("volume", "block-storage", "/v3", "/volumes?limit=1&all_tenants=1"),
}
"""By option: label and type of the service, its version, and something to ask for."""


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """``fine``: it is as it should be."""

    fine: bool
    text: str


def try_cloud() -> Iterator[Finding]:
    """What is found, step by step, where the options are complete (``find_problems``)."""
    found = _log_in()
    yield found
    if not found.fine:
        return
    yield from _roles()
    for name in settings.OPTIONS.joined_services:
        yield _try(name)
    yield _own_endpoint()


def _log_in() -> Finding:
    url = keystone_url()
    try:
        open_session().get_token()
    except Unauthorized:
        return Finding(
            False,
            f"Keystone at {url} refuses the service user: user, domain, password or project is "
            "wrong, or the user has no role in the project.",
        )
    except NotFound:
        return Finding(False, f"There is no Keystone at {url} (openstack_auth_url).")
    except SSLError as error:
        return Finding(
            False,
            f"The certificate of {url} is not trusted (openstack_ca_file): {error}",
        )
    except ConnectFailure as error:
        return Finding(False, f"Nobody answers at {url}: {error}")
    except ClientException as error:
        return Finding(False, f"Logging in at {url} failed: {error}")
    return Finding(True, f"Logged in at {url}.")


def _roles() -> Iterator[Finding]:
    access = _plugin().get_access(open_session())
    held = set(access.role_names or ())
    where = f"in the project {access.project_name}"
    who = f"The service user {access.username}"
    if ADMIN in held:
        yield Finding(True, f"{who} is admin {where}.")
    else:
        yield Finding(
            False,
            f"{who} lacks the role admin {where}: it validates tokens, and acts on ports, images "
            "and volumes of every project.",
        )
    if SERVICE in held:
        yield Finding(True, f"{who} has the role service.")
    else:
        yield Finding(
            False,
            f"{who} lacks the role service {where}: the other services take no token of a user "
            "that expired while a server was built, and a volume in use is not detached.",
        )


def _try(name: str) -> Finding:
    label, kind, version, path = TRIED[name]
    service = RemoteService(label, kind, version, f"{label}_endpoint", Unavailable)
    try:
        where = service.root
    except CatalogException as error:
        return Finding(False, f"The catalogue names no {kind} service that fits: {error}")
    except Fault:
        return Finding(
            False,
            f"The catalogue names no {kind} service; look at the options openstack_region_name and "
            f"openstack_interfaces, or give {label}_endpoint.",
        )
    try:
        service.call("GET", path)
    except Fault as fault:
        return Finding(False, f"The {label} service at {where}: {fault.detail}")
    return Finding(True, f"The {label} service at {where} answers.")


def _own_endpoint() -> Finding:
    try:
        url = _plugin().get_endpoint(open_session(), service_type="compute", interface="public")
    except CatalogException:
        url = None
    own = str(settings.OPTIONS.public_url).rstrip("/")
    wanted = f"{own or 'https://this-site.example.org'}/compute/v2.1"
    if not url:
        return Finding(
            False,
            "The catalogue names no compute service, so clients do not find this site: make one of "
            f"the type compute, with the public endpoint {wanted}.",
        )
    if own and not str(url).startswith(own):
        return Finding(False, f"The catalogue leads clients of compute to {url}, not to {wanted}.")
    return Finding(True, f"The catalogue leads clients of compute to {url}.")


def _plugin() -> BaseIdentityPlugin:
    plugin = open_session().auth
    if not isinstance(plugin, BaseIdentityPlugin):
        raise TypeError(type(plugin))
    return plugin
