"""Certificates by which libvirtd and QEMU of one host know those of another when guests migrate.

The authorities are derived from the site's secret key, so that there is nothing to store: every
process of the site has the same ones, and hosts join anew where that key changes. A certificate
lasts for hours alone, and hosts ask for others: one whose token has ended gets none.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import ipaddress
from functools import cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from django.conf import settings
from django.utils import timezone

from compute_site.faults import BadRequest

CURVE = ec.SECP256R1()
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the group of that curve: private keys are less (FIPS 186-4, D.1.2.3)."""
BEGIN = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
END = dt.datetime(2120, 1, 1, tzinfo=dt.UTC)
"""Of the authority's certificate, which is the same whenever it is made."""
GOOD_FOR = dt.timedelta(hours=6)
"""Hosts renew them when they are two hours old (``servers.agent.certificates``)."""
HOSTS, GUESTS = "authority of hosts", "authority of guests"
"""What the certificates are for: the libvirtd of hosts, and QEMU, which has another key."""
USES = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)


class RequestRefused(BadRequest):
    """What the host sent is no request for a certificate."""

    code = "certificate_refused"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """In PEM, both; ``authority`` is what others are checked with."""

    certificate: str
    authority: str


def sign(request: str, *, host: str, address: str, by: str = HOSTS) -> Certificate:
    """For the key of the request, with the name and the address of the host, whatever it says of
    itself.

    Raises:
        RequestRefused: it is none, or was changed on its way.
    """
    try:
        wanted = x509.load_pem_x509_csr(request.encode())
        if not wanted.is_signature_valid:
            raise RequestRefused("certificate_request is not signed by its own key.")
        key = wanted.public_key()
    except (ValueError, TypeError, InvalidSignature) as error:
        raise RequestRefused(f"certificate_request is none in PEM: {error}") from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise RequestRefused("certificate_request must be of a key on an elliptic curve.")
    authority_key, authority = _authority(settings.SECRET_KEY, by)
    now = timezone.now()
    names = [x509.DNSName(host), x509.IPAddress(ipaddress.ip_address(address))]
    made = (
        x509.CertificateBuilder()
        .subject_name(_name(host))
        .issuer_name(authority.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))  # clocks differ
        .not_valid_after(now + GOOD_FOR)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(USES), critical=False)
        .sign(authority_key, SHA256())
    )
    return Certificate(certificate=_pem(made), authority=_pem(authority))


@cache
def _authority(secret_key: str, of: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    info = f"compute-site {of}".encode()
    derive = HKDF(algorithm=SHA256(), length=48, salt=None, info=info)
    number = int.from_bytes(derive.derive(secret_key.encode()), "big") % (ORDER - 1) + 1
    key = ec.derive_private_key(number, CURVE)
    name = _name(f"compute-site {of.rpartition(' ')[2]}")
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(BEGIN)
        .not_valid_after(END)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, SHA256())
    )
    return key, made


def _name(word: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, word[:64])])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
