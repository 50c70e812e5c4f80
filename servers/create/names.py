"""Names of one server or of several numbered ones (docs/contract/create-flow.md G9)."""

from __future__ import annotations

import re
from collections.abc import Sequence

HOSTNAME_LENGTH = 63


def display_names(name: str, count: int) -> list[str]:
    """The name; for several servers, the name followed by a number."""
    return [name] if count == 1 else [f"{name}-{number}" for number in range(1, count + 1)]


def hostnames(name: str, asked: str | None, uuids: Sequence[str]) -> list[str]:
    """The asked host name, or one made from the display name, or else from the id."""
    if asked:
        return [asked] * len(uuids)
    clean = sanitise_hostname(name)
    if not clean:
        return [f"Server-{uuid}" for uuid in uuids]
    return display_names(clean, len(uuids))


def sanitise_hostname(name: str) -> str:
    """Make a host name of a display name. Nova: the length is cut first, then characters are
    dropped, and the number of several servers is added without a new cut.
    """
    text = "".join(character for character in name if ord(character) < 256)
    text = re.sub(r"[ _.]", "-", text[:HOSTNAME_LENGTH])
    return re.sub(r"[^\w.-]", "", text).lower().strip(".-")
