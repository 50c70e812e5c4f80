"""Checks whether the body of an ``…/action`` request can name an action at all."""

from __future__ import annotations

from typing import Any

from compute_site.faults import NotFound


def check_names_action(body: Any) -> None:
    """Nova: a body that is no object has no keys and so names no action: 404. An object with no or
    several keys is malformed, as is an empty body; the serializer refuses those.

    Raises:
        NotFound: neither an object nor a text or list of another length than one.
    """
    if body is None or isinstance(body, dict) or (isinstance(body, (str, list)) and len(body) != 1):
        return
    raise NotFound("The body names no action: give an object with one key.")
