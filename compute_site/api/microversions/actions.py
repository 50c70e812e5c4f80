"""Tells a body of ``…/action`` that names no action (404) from one that is malformed (400)."""

from __future__ import annotations

from typing import Any

from compute_site.faults import NotFound


def check_names_action(body: Any) -> None:
    """Nova takes the name of the action from whatever has exactly one element. So numbers, booleans
    and texts or lists of another length name none. An object with no key or with several, a text or
    list of length one, and a request without a body pass: the serializer refuses them.

    Raises:
        NotFound: the body is a number or boolean, or a text or list of another length than one.
    """
    if body is None or isinstance(body, dict) or (isinstance(body, (str, list)) and len(body) != 1):
        return
    raise NotFound("The body names no action: give an object with one key.")
