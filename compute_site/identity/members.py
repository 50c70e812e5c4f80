"""Reads the bodies of the identity API: an object below one key, its members by type."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from compute_site.identity.auth_request import DOMAIN_ID
from compute_site.identity.errors import MalformedRequest
from compute_site.strict_json import Unkeepable, check_keepable

Reader = Callable[[Any, str], Any]
"""Gives the value back, or raises ``MalformedRequest`` with the path of the member."""
LONGEST_TEXT = 65535
"""Characters of a description, and of all that clients keep with one thing of their own accord."""


def read_members(body: Any, key: str, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """The members below ``key``, each read by its reader; ``extra`` holds those without one.

    As in Keystone, unknown members of a project or user are stored and shown again.

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
    try:
        check_keepable(extra)
    except Unkeepable as error:
        raise MalformedRequest(f"{key}: {error}.") from None
    return members | {"extra": extra}


def with_extra(
    kept: Mapping[str, Any], members: Mapping[str, Any], *, shown: Collection[str]
) -> dict[str, Any]:
    """The unknown members to store after a change: those kept before and those of ``members``,
    without the keys in ``shown``, which the site fills itself.

    Raises:
        MalformedRequest: they would be too large to store.
    """
    added = {name: value for name, value in members["extra"].items() if name not in shown}
    extra = {**kept, **added}
    if added and len(json.dumps(extra)) > LONGEST_TEXT:
        raise MalformedRequest(
            f"Other members than those of the API take at most {LONGEST_TEXT} characters together."
        )
    return extra


def text_up_to(longest: int) -> Reader:
    """A reader of texts up to this length; ``null`` is read as an empty text."""

    def read(value: Any, where: str) -> str:
        if value is None:
            return ""
        if not isinstance(value, str) or "\0" in value or len(value) > longest:
            raise MalformedRequest(f"{where}: give a text of at most {longest} characters.")
        return value

    return read


text = text_up_to(LONGEST_TEXT)


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
    """A reader of a member of which this site supports only these values."""

    def read(value: Any, where: str) -> Any:
        if value not in allowed:
            raise MalformedRequest(f"{where}: {because}")
        return value

    return read


our_domain = only(DOMAIN_ID, None, because=f"there is one domain here, {DOMAIN_ID!r}.")
no_options = only({}, {"immutable": None}, {"immutable": False}, None, because="none is offered.")
