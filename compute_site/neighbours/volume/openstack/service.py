"""A Cinder elsewhere, and how it is called.

Users' own requests are made with their token, so that Cinder decides what they may do; what compute
does by itself, with the service user's. Either comes with a service token beside it: without one
Cinder keeps an attachment that a server has.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.conf import settings
from keystoneauth1.exceptions import ClientException
from keystoneauth1.identity.v3 import Password

from compute_site.caller import Caller
from compute_site.neighbours.elsewhere import session
from compute_site.neighbours.elsewhere.faults import NotThere
from compute_site.neighbours.elsewhere.login import keystone_url
from compute_site.neighbours.elsewhere.remote import RemoteService
from compute_site.neighbours.volume.protocol import VolumeServiceUnavailable

CINDER = RemoteService(
    label="volume",
    service_type="block-storage",
    version="/v3",
    endpoint_option="volume_endpoint",
    away=VolumeServiceUnavailable,
    wants_service_token=True,
)
VERSION = {"OpenStack-API-Version": "volume 3.68"}
"""The first that writes images over volumes of servers."""
OF_PROJECT = "os-vol-tenant-attr:tenant_id"

Object = Mapping[str, Any]


def call(
    method: str, path: str, *, caller: Caller | None = None, json: Any = None, **params: Any
) -> Any:
    """The body of the answer to a call of the caller, or of compute itself."""
    return CINDER.call(method, path, caller=caller, json=json, params=params, headers=VERSION).body


def read(
    key: str,
    method: str,
    path: str,
    *,
    caller: Caller | None = None,
    json: Any = None,
    **params: Any,
) -> Any:
    """What stands under the key in that body."""
    body = call(method, path, caller=caller, json=json, **params)
    return CINDER.understand(body, lambda shown: shown[key])


def call_in_project(method: str, path: str, *, caller: Caller, json: Any) -> Any:
    """The same for what belongs to the project of whoever makes it. For callers without a token of
    that cloud the service user does it, which needs a role in their project then.
    """
    if caller.token:
        return call(method, path, caller=caller, json=json)
    try:
        token = str(
            session.open_session().get_token(_in_project(keystone_url(), caller.project_id))
        )
    except ClientException as error:
        raise VolumeServiceUnavailable(
            f"The service user has no role in the project {caller.project_id} of the cloud, which "
            "the volume would belong to."
        ) from error
    headers = {**VERSION, "X-Auth-Token": token}
    return CINDER.call(method, path, json=json, headers=headers).body


def find(kind: str, object_id: str, *, caller: Caller | None = None) -> Object | None:
    """A volume or snapshot that the caller sees; ``None``: there is none."""
    try:
        found: Object = read(kind, "GET", f"/{kind}s/{object_id}", caller=caller)
    except NotThere:
        return None
    return found if caller is None or is_seen(caller, found) else None


def is_seen(caller: Caller, found: Object) -> bool:
    """Cinder has decided that for callers with a token."""
    if caller.token or caller.is_admin:
        return True
    return owner_of(found) == caller.project_id


def owner_of(found: Object) -> str:
    """The project of a volume, or of a snapshot."""
    return str(found.get(OF_PROJECT) or found.get(OF_SNAPSHOT) or "")


OF_SNAPSHOT = "os-extended-snapshot-attributes:project_id"


@cache
def _in_project(url: str, project_id: str) -> Password:
    options = settings.OPTIONS
    return Password(
        url,
        username=options.openstack_username,
        password=options.openstack_password,
        user_domain_name=options.openstack_user_domain_name,
        project_id=project_id,
    )
