"""The admin password of a server, when the client gave none (docs/contract/create-flow.md A1)."""

from __future__ import annotations

from django.conf import settings

from compute_site.secrets.random_text import Draw

GROUPS = (
    "23456789",
    "ABCDEFGHJKLMNPQRSTUVWXYZ",
    "abcdefghijkmnopqrstuvwxyz",
)
"""Digits and letters that nobody takes for another."""
ALL = "".join(GROUPS)


def choose_password(asked: str | None) -> str:
    """The asked password, even an empty one, or a random one with a character of each group."""
    if asked is not None:
        return asked
    length = settings.OPTIONS.password_length
    draw = Draw(2 * length + len(GROUPS))
    characters = [draw.one_of(group) for group in GROUPS][:length]
    characters += [draw.one_of(ALL) for _ in range(length - len(characters))]
    return "".join(draw.one_out_of(characters) for _ in range(length))
