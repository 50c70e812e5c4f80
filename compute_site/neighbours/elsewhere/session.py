"""The session of this process with the cloud: the service user's token, renewed when it ends, and
connections that are kept open. Threads share it.
"""

from __future__ import annotations

import os
from functools import cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from keystoneauth1.adapter import Adapter
from keystoneauth1.identity.v3 import ApplicationCredential, Password
from keystoneauth1.session import Session
from requests import Session as Connections
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ReadTimeoutError
from urllib3.util.retry import Retry

from compute_site.neighbours.elsewhere.login import find_problems, keystone_url

MOST_CONNECTIONS = 32
"""Open connections that are kept for each service; more are opened when they are needed."""
CONNECT_ATTEMPTS = 2
"""How often a call is sent again that did not reach the service: it has done nothing."""
READ_ATTEMPTS = 1
"""How often a call that only reads is sent again after its connection broke."""
PAUSE_FACTOR = 0.1


class SafeRetry(Retry):
    """Sends again what cannot have been done: calls that found no connection, and broken ones of
    methods that only read. Who waited in vain does not wait again.
    """

    def is_exhausted(self) -> bool:
        """Is the last attempt one that ended for want of time?"""
        last = self.history[-1].error if self.history else None
        return isinstance(last, ReadTimeoutError) or super().is_exhausted()


@cache
def open_session() -> Session:
    """The session; made once a process.

    Raises:
        ImproperlyConfigured: the options do not say how to log in.
    """
    problems = list(find_problems())
    if problems:
        raise ImproperlyConfigured(" ".join(problems))
    options = settings.OPTIONS
    retry = SafeRetry(
        total=CONNECT_ATTEMPTS + READ_ATTEMPTS,
        connect=CONNECT_ATTEMPTS,
        read=READ_ATTEMPTS,
        status=0,
        other=0,
        redirect=0,
        allowed_methods=("GET", "HEAD"),
        backoff_factor=PAUSE_FACTOR,
        raise_on_status=False,
    )
    connections = Connections()
    connections.trust_env = False  # what the options say counts
    for scheme in ("http://", "https://"):
        connections.mount(scheme, HTTPAdapter(pool_maxsize=MOST_CONNECTIONS, max_retries=retry))
    return Session(
        auth=_credentials(),
        session=connections,
        verify=True if options.openstack_ca_file is None else str(options.openstack_ca_file),
        timeout=options.openstack_read_seconds,
        user_agent="compute-site",
    )


def service_token(*, renew: bool = False) -> str:
    """The service user's token."""
    session = open_session()
    if renew:
        session.invalidate()
    return str(session.get_token())


@cache
def catalogue_url(service_type: str) -> str | None:
    """Where the catalogue says that a service is; asked once."""
    options = settings.OPTIONS
    adapter = Adapter(
        open_session(),
        service_type=service_type,
        interface=list(options.openstack_interfaces),
        region_name=options.openstack_region_name or None,
    )
    return adapter.get_endpoint()


def close_session() -> None:
    """Forget the session, as after a fork: no two processes share connections."""
    open_session.cache_clear()
    catalogue_url.cache_clear()


def _credentials() -> ApplicationCredential | Password:
    options = settings.OPTIONS
    if options.openstack_application_credential_id:
        return ApplicationCredential(
            keystone_url(),
            application_credential_id=options.openstack_application_credential_id,
            application_credential_secret=options.openstack_application_credential_secret,
        )
    return Password(
        keystone_url(),
        username=options.openstack_username,
        password=options.openstack_password,
        user_domain_name=options.openstack_user_domain_name,
        project_name=options.openstack_project_name,
        project_domain_name=options.openstack_project_domain_name,
    )


os.register_at_fork(after_in_child=close_session)
