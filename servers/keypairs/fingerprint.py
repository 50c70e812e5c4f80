"""Fingerprints of public keys, in the forms that clients know."""

from __future__ import annotations

import base64
import hashlib

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

DSS = "ssh-dss"
DSS_PARTS = 5


def fingerprint_of(kind: str, public_key: str) -> str:
    """The fingerprint of a key of kind ``ssh`` (one line) or ``x509`` (a certificate in PEM).

    Nova: MD5 over the key for ssh, SHA-1 over the certificate for x509, as pairs of hexadecimal
    digits with colons.

    Raises:
        ValueError: it is no such key; the text says which kind was expected.
    """
    try:
        digest = _digest_of_certificate(public_key) if kind == "x509" else _digest(public_key)
    except (ValueError, IndexError, UnsupportedAlgorithm):
        expected = "a certificate in PEM" if kind == "x509" else "a public key of OpenSSH"
        raise ValueError(f"this is not {expected}") from None
    return ":".join(f"{octet:02x}" for octet in digest)


def _digest(public_key: str) -> bytes:
    kind, data = public_key.split()[:2]
    blob = base64.b64decode(data)
    if kind == DSS:
        _check_dss(blob)
    else:
        load_ssh_public_key(public_key.encode())  # checks it
    return hashlib.md5(blob, usedforsecurity=False).digest()


def _check_dss(blob: bytes) -> None:
    """The library is about to drop these keys; users still have them, so here is their form: the
    kind and four numbers, each after its length.
    """
    parts = []
    while blob:
        length = int.from_bytes(blob[:4])
        part, blob = blob[4 : 4 + length], blob[4 + length :]
        if len(part) < length or not part:
            raise ValueError("the key is cut off")
        parts.append(part)
    if len(parts) != DSS_PARTS or parts[0] != DSS.encode():
        raise ValueError("the key has not the parts of its kind")


def _digest_of_certificate(certificate: str) -> bytes:
    # The wire wants SHA-1; nothing is trusted because of it.
    return x509.load_pem_x509_certificate(certificate.encode()).fingerprint(SHA1())  # noqa: S303
