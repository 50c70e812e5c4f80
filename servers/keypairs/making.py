"""Makes key pairs for users who bring none: RSA keys for ssh, certificates for Windows."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.utils import timezone

BITS = 2048
LIFETIME = dt.timedelta(days=3650)
PRINCIPAL_NAME = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
"""Where Windows looks for the name of the user whom a certificate lets in."""
UTF8_STRING = 0x0C
LONGEST_SHORT_FORM = 0x7F


@dataclasses.dataclass(frozen=True, slots=True)
class MadeKeys:
    """Both halves of a pair; the private one is not kept anywhere."""

    private_key: str
    public_key: str


def make_keys(kind: str, user_id: str) -> MadeKeys:
    """A new pair of kind ``ssh`` or ``x509``."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    return _make_certificate(key, user_id) if kind == "x509" else _make_ssh(key)


def _make_ssh(key: rsa.RSAPrivateKey) -> MadeKeys:
    """The private key in PEM, as ssh has always read it."""
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return MadeKeys(private.decode(), f"{public.decode()} made-by-compute-site")


def _make_certificate(key: rsa.RSAPrivateKey, user_id: str) -> MadeKeys:
    """A certificate that signs itself, in PEM; the private half is PKCS #12 without password, in
    base64.
    """
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, user_id[:64])])
    now = timezone.now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.OtherName(PRINCIPAL_NAME, _der_text(f"{user_id}@localhost"))]
            ),
            critical=False,
        )
        .sign(key, SHA256())
    )
    bundle = pkcs12.serialize_key_and_certificates(None, key, certificate, None, NoEncryption())
    return MadeKeys(
        private_key=base64.b64encode(bundle).decode(),
        public_key=certificate.public_bytes(Encoding.PEM).decode(),
    )


def _der_text(text: str) -> bytes:
    """A text as DER has it: type, length, octets."""
    octets = text.encode()
    length = bytes([len(octets)])
    if len(octets) > LONGEST_SHORT_FORM:
        size = (len(octets).bit_length() + 7) // 8
        length = bytes([0x80 | size]) + len(octets).to_bytes(size)
    return bytes([UTF8_STRING]) + length + octets
