"""Certificates by which hosts know each other: asked for when they join, signed by the site."""

from __future__ import annotations

import ipaddress
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from servers.agent import certificates
from servers.hosts.agents import add_host
from servers.hosts.certificates import sign
from servers.models.cell import CELL1
from tests.agents.test_host_api import STOCK, Host


@pytest.fixture
def request_of(tmp_path: Path) -> str:
    return certificates.make_request(tmp_path)


def join(token: str, **more: Any) -> tuple[int, Any]:
    known = {"boot_id": "first", "version": "0.1", "protocols": [1], "hypervisor": "pretend"}
    return Host("real").post("join", {"join_token": token, "stock": STOCK, **known, **more})


def test_a_host_that_takes_guests_gets_a_certificate_of_its_name_and_address(
    db: None, tmp_path: Path, request_of: str
) -> None:
    token = add_host("real", cell=CELL1)
    status, told = join(token, certificate_request=request_of, migration_address="198.51.100.7")
    assert status == 201
    certificates.keep(tmp_path, certificate=told["certificate"], authority=told["authority"])

    made = x509.load_pem_x509_certificate((tmp_path / "pki" / "servercert.pem").read_bytes())
    authority = x509.load_pem_x509_certificate((tmp_path / "pki" / "cacert.pem").read_bytes())
    made.verify_directly_issued_by(authority)
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["real"]
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("198.51.100.7")]
    uses = set(made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    assert uses == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    for name in certificates.KEYS:
        assert stat.S_IMODE((tmp_path / "pki" / name).stat().st_mode) == 0o600


def test_another_host_gets_one_of_the_same_authority(request_of: str) -> None:
    one = sign(request_of, host="one", address="198.51.100.1")
    other = sign(request_of, host="other", address="2001:db8::1")
    known = [x509.load_pem_x509_certificate(each.authority.encode()) for each in (one, other)]
    assert known[0].public_key() == known[1].public_key()


@pytest.mark.parametrize("wrong", ["no request", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA"])
def test_what_is_no_request_is_refused_and_the_token_stays_good(db: None, wrong: str) -> None:
    token = add_host("real", cell=CELL1)
    status, told = join(token, certificate_request=wrong, migration_address="198.51.100.7")
    assert (status, told["error"]["code"]) == (400, "certificate_refused")
    assert join(token)[0] == 201


def test_a_host_that_takes_no_guests_gets_none(db: None, request_of: str) -> None:
    status, told = join(add_host("real", cell=CELL1), certificate_request=request_of)
    assert status == 201
    assert "certificate" not in told


def test_another_host_is_shown_the_certificate_where_it_asks_for_one(
    tmp_path: Path, request_of: str
) -> None:
    uri = "qemu+tls://198.51.100.7/system"
    assert certificates.with_certificate(uri, tmp_path) == uri
    certificates.keep(tmp_path, certificate="made", authority="known")
    assert certificates.with_certificate(uri, tmp_path) == f"{uri}?pkipath={tmp_path}/pki"
    plain = "qemu+tcp://198.51.100.7/system"
    assert certificates.with_certificate(plain, tmp_path) == plain
