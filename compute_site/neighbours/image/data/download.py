"""Fetches data of images from the web: what ``web-download`` may ask, and how it is asked.

Whoever names a URL lets this site send a request, from where it stands in its networks. So nothing
is fetched unless the option ``image_download_hosts`` says from where: from hosts that it names, and
with ``*`` from all that have a public address. The address that was checked is the one that is
asked, whatever the name means a moment later, and what a redirection leads to is checked again.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import SplitResult, urljoin, urlsplit

from django.conf import settings

from compute_site.faults import BadRequest, Fault

ANY = "*"
PORTS = {"http": 80, "https": 443}
"""The schemes, with the only port of each for hosts that are not named. Glance's defaults."""
MOST_REDIRECTIONS = 5
SECONDS = 60
"""So long may an answer, or the next piece of it, take."""
PIECE = 1 << 20
REDIRECTIONS = (301, 302, 303, 307, 308)
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""IPv6 addresses that stand for IPv4 ones behind a translator."""


class DownloadRefused(BadRequest):
    """The site fetches nothing from there."""

    code = "download_refused"


class DownloadFailed(Fault):
    """The data did not come."""

    status = 502
    code = "download_failed"


def is_on() -> bool:
    return bool(settings.OPTIONS.image_download_hosts)


def check_url(url: object) -> SplitResult:
    """The parts of a URL that data may be fetched from.

    Raises:
        DownloadRefused: they may not.
    """
    if not is_on():
        raise DownloadRefused("This site fetches no data of images from the web.")
    try:
        parts = urlsplit(url) if isinstance(url, str) and url.isprintable() else None
        port = parts.port if parts is not None else None
    except ValueError:
        parts = port = None
    if parts is None or parts.scheme not in PORTS or not parts.hostname:
        raise DownloadRefused("Give a URL that begins with http:// or https:// and names a host.")
    if parts.username is not None or parts.password is not None:
        raise DownloadRefused("Give a URL without a user and password.")
    if _is_named(parts.hostname):
        return parts
    if ANY not in settings.OPTIONS.image_download_hosts:
        raise DownloadRefused(f"Nothing is fetched from the host {parts.hostname[:255]}.")
    if port not in (None, PORTS[parts.scheme]):
        raise DownloadRefused(f"Nothing is fetched from the port {port}.")
    return parts


def fetch(url: str) -> Iterator[bytes]:
    """The data, in pieces.

    Raises:
        DownloadRefused: nothing is fetched from there, or from where it leads to.
        DownloadFailed: no good answer came.
    """
    for _ in range(MOST_REDIRECTIONS + 1):
        parts = check_url(url)
        with contextlib.closing(_connect(parts)) as connection:
            answer = _ask(connection, parts)
            place = answer.headers["Location"]
            if answer.status not in REDIRECTIONS or place is None:
                yield from _pieces(answer)
                return
        url = urljoin(url, place)
    raise DownloadFailed("The URL leads from one to the next, and never to data.")


def _is_named(host: str) -> bool:
    return host.lower() in {name.lower() for name in settings.OPTIONS.image_download_hosts}


def _connect(parts: SplitResult) -> http.client.HTTPConnection:
    host, port = str(parts.hostname), parts.port or PORTS[parts.scheme]
    connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
    try:
        plain = socket.create_connection((_address(host, port), port), timeout=SECONDS)
        connection.sock = plain
        if parts.scheme == "https":
            context = ssl.create_default_context()
            connection.sock = context.wrap_socket(plain, server_hostname=host)
    except (OSError, UnicodeError) as error:
        connection.close()
        raise DownloadFailed(f"The host {host} cannot be reached: {error}") from None
    return connection


def _address(host: str, port: int) -> str:
    """An address of the host that may be asked."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    allowed = [one for one in addresses if _is_named(host) or is_public(one)]
    if not allowed:
        raise DownloadRefused(f"The host {host} has no public address.")
    return allowed[0]


def is_public(text: str) -> bool:
    """Is it an address of the internet, and no other way to write one of inner networks?"""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None or address.teredo is not None or address in TRANSLATED:
            return False
    return address.is_global and not address.is_multicast


def _ask(connection: http.client.HTTPConnection, parts: SplitResult) -> http.client.HTTPResponse:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("GET", path, headers={"Host": parts.netloc, "Accept": "*/*"})
        answer = connection.getresponse()
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise DownloadFailed(f"The host {parts.hostname} gave no answer: {error}") from None
    if answer.status != 200 and answer.status not in REDIRECTIONS:
        raise DownloadFailed(f"The host {parts.hostname} answered {answer.status}.")
    return answer


def _pieces(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    if answer.status != 200:
        raise DownloadFailed(f"The answer {answer.status} does not say where the data are.")
    try:
        while piece := answer.read(PIECE):
            yield piece
        left = answer.length
    except (OSError, http.client.HTTPException) as error:
        raise DownloadFailed(f"The data broke off: {error}") from None
    if left:
        raise DownloadFailed(f"The data broke off; {left} bytes are missing.")
