"""What the body of an ``…/action`` URL must be like before it can name an action."""

from __future__ import annotations

from typing import Any

from compute_site.faults import NotFound


def check_names_action(body: Any) -> None:
    """Nova: a body without keys to look at names no action that could be found; one with none
    or several of them is malformed, as is an empty body, and left to the serializer.

    Raises:
        NotFound: neither an object nor a text or list of another length than one.
    """
    if body is None or isinstance(body, dict) or (isinstance(body, (str, list)) and len(body) != 1):
        return
    raise NotFound("The body names no action: give an object with one key.")
