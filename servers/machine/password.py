"""The admin password of a server, when the client gave none (docs/contract/create-flow.md A1)."""

from __future__ import annotations

import secrets

from django.conf import settings

GROUPS = (
    "23456789",
    "ABCDEFGHJKLMNPQRSTUVWXYZ",
    "abcdefghijkmnopqrstuvwxyz",
)
"""Digits and letters that nobody takes for another."""


def choose_password(asked: str | None) -> str:
    """The asked password, even an empty one, or a random one with a character of each group."""
    if asked is not None:
        return asked
    length = settings.OPTIONS.password_length
    random = secrets.SystemRandom()
    characters = [random.choice(group) for group in GROUPS][:length]
    characters += random.choices("".join(GROUPS), k=length - len(characters))
    random.shuffle(characters)
    return "".join(characters)
