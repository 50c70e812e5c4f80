"""Encrypts secrets that are stored for a while in the database; only a process with the site's key
can read them.
"""

from __future__ import annotations

import base64
from functools import cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from compute_site.faults import Fault


class SealedWithOtherKey(Fault):
    """The processes of the site do not have the same secret key."""

    code = "sealed_with_other_key"


def seal(secret: str) -> str:
    """Encrypt a secret to a text that may be stored; an empty one stays empty."""
    return _cipher(settings.SECRET_KEY).encrypt(secret.encode()).decode() if secret else ""


def unseal(sealed: str) -> str:
    """Decrypt what ``seal`` returned.

    Raises:
        SealedWithOtherKey: it was sealed with another key, or was changed.
    """
    if not sealed:
        return ""
    try:
        return _cipher(settings.SECRET_KEY).decrypt(sealed).decode()
    except InvalidToken:
        raise SealedWithOtherKey(
            "A secret was sealed with another secret key than the one of this process; "
            "give every web process and worker the same COMPUTE_SITE_SECRET_KEY."
        ) from None


@cache
def _cipher(secret_key: str) -> Fernet:
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"compute-site sealed secrets")
    return Fernet(base64.urlsafe_b64encode(derive.derive(secret_key.encode())))
