"""Opens consoles of servers for people: addresses of proxies with a token, and what proxies ask."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from urllib.parse import quote

from django.conf import settings
from django.utils import timezone

from servers.actions.console import driver_with_console
from servers.errors import ConsoleUnavailable, NoSuchConsoleToken, WrongState
from servers.models import ConsoleToken, Instance, TaskState

TYPES = {
    "vnc": ("novnc",),
    "spice": ("spice-html5", "spice-direct"),
    "serial": ("serial",),
    "mks": ("webmks",),
}
"""The types of consoles by protocol."""

LEAVING = (TaskState.DELETING, TaskState.MIGRATING)


def open_console(instance: Instance, protocol: str, console_type: str) -> str:
    """The address of a console, good for anyone who has it until its time is over.

    Raises:
        WrongState: the server is on no host, or is leaving it.
        ConsoleUnavailable: the site has no proxy for such consoles, or the protocol has none.
        DriverFailed: the host does not have one.
    """
    if protocol not in TYPES:
        raise ConsoleUnavailable(f"There are no consoles by {protocol} any more.")
    driver = driver_with_console(instance)
    if instance.task_state in LEAVING:
        raise WrongState(f"The server {instance.uuid} is {instance.task_state}; try again later.")
    if console_type not in TYPES[protocol]:
        raise ConsoleUnavailable(f"There is no console of the type {console_type} by {protocol}.")
    proxy = _proxy_of(console_type)
    console = driver.find_console(str(instance.uuid), str(instance.node), console_type)
    token = str(uuid.uuid4())
    lifetime = dt.timedelta(seconds=settings.OPTIONS.console_token_ttl)
    ConsoleToken.objects.create(
        digest=_digest_of(token),
        instance=instance,
        console_type=console_type,
        node=str(instance.node),
        host=console.host,
        port=console.port,
        tls_port=console.tls_port,
        internal_access_path=console.internal_access_path,
        expires_at=timezone.now() + lifetime,
    )
    return _address(proxy, console_type, token)


def find_console(token: str) -> ConsoleToken:
    """The console that the token opens.

    Raises:
        NoSuchConsoleToken: there is no such token, or its time is over.
    """
    valid = ConsoleToken.objects.valid().select_related("instance")
    found = valid.filter(digest=_digest_of(token)).first()
    if found is None:
        raise NoSuchConsoleToken("There is no such console token, or its time is over.")
    return found


def purge_console_tokens() -> int:
    """Forget those whose time is over; their number."""
    return ConsoleToken.objects.filter(expires_at__lte=timezone.now()).delete()[0]


def _proxy_of(console_type: str) -> str:
    for proxy in settings.OPTIONS.console_proxies:
        if proxy.get("type") == console_type:
            return str(proxy.get("url"))
    raise ConsoleUnavailable(f"This site has no proxy for consoles of the type {console_type}.")


def _address(proxy: str, console_type: str, token: str) -> str:
    """Nova: the pages of noVNC take the token inside of another parameter."""
    query = f"token={token}"
    if console_type == "novnc":
        query = f"path={quote(f'?{query}', safe='')}"
    return f"{proxy}{'&' if '?' in proxy else '?'}{query}"


def _digest_of(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
