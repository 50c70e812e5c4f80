"""Members of projects and users that the site does not know; as in Keystone, they are kept."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from compute_site.identity.errors import MalformedRequest

EXTRA = "extra"
"""Where a checked body has them."""
LONGEST_TEXT = 65535
"""Characters of a description, and of all that clients keep with one thing of their own accord."""


def with_extra(
    kept: Mapping[str, Any], members: Mapping[str, Any], *, shown: Collection[str]
) -> dict[str, Any]:
    """The unknown members to store after a change: those kept before and those of ``members``,
    without the keys in ``shown``, which the site fills itself.

    Raises:
        MalformedRequest: they would be too large to store.
    """
    added = {name: value for name, value in members[EXTRA].items() if name not in shown}
    extra = {**kept, **added}
    if added and len(json.dumps(extra)) > LONGEST_TEXT:
        raise MalformedRequest(
            f"Other members than those of the API take at most {LONGEST_TEXT} characters together."
        )
    return extra
