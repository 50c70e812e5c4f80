"""Reads the hosts of ``DATABASE_URL``: one, or several of which one takes changes."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote


class HostError(ValueError):
    """The hosts cannot be read; the text says why."""


class Hosts(NamedTuple):
    """As libpq takes them: names and ports, separated by commas; ports may be empty."""

    names: str
    ports: str


def read_hosts(netloc: str) -> Hosts:
    """The hosts of a URL's network location, such as ``user:password@db1:5432,db2:5433``.

    Raises:
        HostError: a port is no number.
    """
    places = [_split(place) for place in netloc.rpartition("@")[2].split(",")]
    ports = [port for _, port in places]
    return Hosts(
        names=",".join(unquote(name) for name, _ in places),
        ports=",".join(ports) if any(ports) else "",
    )


def _split(place: str) -> tuple[str, str]:
    """Name and port; an IPv6 address is in brackets."""
    name, colon, port = place.rpartition(":")
    if not colon or "]" in port:
        name, port = place, ""
    if port and not port.isdecimal():
        raise HostError(f"{port!r} is no port")
    return name.removeprefix("[").removesuffix("]"), port
