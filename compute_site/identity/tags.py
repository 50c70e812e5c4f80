"""What the tags of a project or domain may be, as in Keystone."""

from __future__ import annotations

import re
from typing import Any

from compute_site.values.keys import WrongValue

NO_TAG = re.compile(r"[,/]")
MOST_TAGS = 80


def tag_text(value: Any) -> str:
    if (
        not isinstance(value, str)
        or not 1 <= len(value) <= 255
        or "\0" in value
        or NO_TAG.search(value)
    ):
        raise WrongValue("give 1 to 255 characters without comma and slash.")
    return value


def tag_list(value: Any) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MOST_TAGS:
        raise WrongValue(f"give a list of at most {MOST_TAGS} texts.")
    tags = [tag_text(one) for one in value]
    if len(set(tags)) < len(tags):
        raise WrongValue("give each tag once.")
    return sorted(tags)
