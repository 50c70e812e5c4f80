"""Seals secrets that must wait in the database: only a process with the site's key can read
them.
"""

from __future__ import annotations

import base64
from functools import cache

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def seal(secret: str) -> str:
    """The secret as a text that may be stored; an empty one stays empty."""
    return _cipher(settings.SECRET_KEY).encrypt(secret.encode()).decode() if secret else ""


def unseal(sealed: str) -> str:
    """What was sealed.

    Raises:
        cryptography.fernet.InvalidToken: it was sealed with another key, or was changed.
    """
    return _cipher(settings.SECRET_KEY).decrypt(sealed).decode() if sealed else ""


@cache
def _cipher(secret_key: str) -> Fernet:
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"compute-site sealed secrets")
    return Fernet(base64.urlsafe_b64encode(derive.derive(secret_key.encode())))
