"""Checks the passcodes of authenticators (TOTP, RFC 6238): six digits, which change every half
minute; as in Keystone, those of the half minute before count as well.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import time

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import totp

TYPE = "totp"
"""Of stored credentials whose blob is the secret, in base32."""
DIGITS, PERIOD = 6, 30
EARLIER = 1
"""Passcodes before the present one that are taken."""
SHORTEST = 16
"""Bytes of a secret (RFC 4226)."""


class BadSecret(ValueError):
    """A secret that no authenticator can use."""


def read_secret(text: str) -> bytes:
    """Raises: BadSecret."""
    try:
        secret = base64.b32decode(text + "=" * (-len(text) % 8))
    except (ValueError, binascii.Error):
        raise BadSecret("give base32 (capital letters and 2 to 7).") from None
    if len(secret) < SHORTEST:
        raise BadSecret(f"give base32 of at least {SHORTEST} bytes.")
    return secret


def is_passcode(text: str, given: str) -> bool:
    """Is this a passcode of the secret now?"""
    try:
        maker = totp.TOTP(read_secret(text), DIGITS, SHA1(), PERIOD)  # noqa: S303 - RFC 6238's
    except BadSecret:
        return False
    now = int(time.time())
    right = [maker.generate(now - PERIOD * back) for back in range(EARLIER + 1)]
    return given.isascii() and any(hmac.compare_digest(one, given.encode()) for one in right)
