"""Reads the bodies of the identity API: an object below one key, its members by type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from compute_site.identity.auth_request import DOMAIN_ID
from compute_site.identity.errors import MalformedRequest

Reader = Callable[[Any, str], Any]
"""Gives the value back, or raises ``MalformedRequest`` with the path of the member."""


def read_members(body: Any, key: str, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """The members below ``key``, each read by its reader; ``extra`` holds those without one.

    Keystone: what a client adds to a project or user of its own accord is kept and shown.

    Raises:
        MalformedRequest: something is of the wrong type; the text names it.
    """
    given = body.get(key) if isinstance(body, dict) else None
    if not isinstance(given, dict):
        raise MalformedRequest(f"{key}: give an object.")
    members = {
        name: readers[name](value, f"{key}.{name}")
        for name, value in given.items()
        if name in readers
    }
    extra = {name: value for name, value in given.items() if name not in readers}
    if has_nul(extra):
        raise MalformedRequest(f"{key}: there is a NUL character in it.")
    return members | {"extra": extra}


def has_nul(value: Any) -> bool:
    """PostgreSQL keeps no NUL."""
    if isinstance(value, dict):
        return any(has_nul(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return any(has_nul(part) for part in value)
    return isinstance(value, str) and "\0" in value


def text(value: Any, where: str) -> str:
    """``null`` is no text at all."""
    if value is None:
        return ""
    if not isinstance(value, str) or "\0" in value:
        raise MalformedRequest(f"{where}: give a text.")
    return value


def name_of(longest: int) -> Reader:
    def read(value: Any, where: str) -> str:
        if not isinstance(value, str) or not value.strip() or "\0" in value or len(value) > longest:
            raise MalformedRequest(f"{where}: give 1 to {longest} characters.")
        return value

    return read


def flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise MalformedRequest(f"{where}: give true or false.")
    return value


def only(*allowed: Any, because: str) -> Reader:
    """A member that has a place in the API, but only these values here."""

    def read(value: Any, where: str) -> Any:
        if value not in allowed:
            raise MalformedRequest(f"{where}: {because}")
        return value

    return read


our_domain = only(DOMAIN_ID, None, because=f"there is one domain here, {DOMAIN_ID!r}.")
no_options = only({}, {"immutable": None}, {"immutable": False}, None, because="none is offered.")
