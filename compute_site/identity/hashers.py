"""Hashes passwords one at a time: a hash occupies a core for tenths of a second, and every attempt
to sign in, right or wrong, costs one.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.hashers import PBKDF2PasswordHasher, ScryptPasswordHasher

from compute_site.faults import Unavailable
from compute_site.waiting.short_queue import ShortQueue


class TooManySignIns(Unavailable):
    """Too many sign-ins wait for their hash already."""

    code = "too_many_sign_ins"
    headers = {"Retry-After": "2"}


hashing = ShortQueue(2, TooManySignIns, "Too many sign in at the moment. Try again later.")
"""Of this process."""


class QueuedScryptHasher(ScryptPasswordHasher):
    """Scrypt, which takes a tenth of the time of Django's PBKDF2 at the same strength."""

    def encode(self, *arguments: Any, **options: Any) -> str:
        with hashing.turn():
            return super().encode(*arguments, **options)


class QueuedPbkdf2Hasher(PBKDF2PasswordHasher):
    """For passwords that were hashed by Django's own settings."""

    def encode(self, *arguments: Any, **options: Any) -> str:
        with hashing.turn():
            return super().encode(*arguments, **options)
