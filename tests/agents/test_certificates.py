"""Certificates by which hosts know each other: asked for when they join, signed by the site."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from servers.agent import certificates
from servers.hosts.agents import add_host, rotate_host
from servers.hosts.certificates import sign
from servers.models.cell import CELL1
from tests.agents.test_host_api import STOCK, Host, joined
from tests.world.agents import join as join_by_agent
from tests.world.agents import make_agent


@pytest.fixture
def request_of(tmp_path: Path) -> str:
    return certificates.make_requests(tmp_path)["certificate_request"]


def join(token: str, **more: Any) -> tuple[int, Any]:
    known = {"boot_id": "first", "version": "0.1", "protocols": [1], "hypervisor": "pretend"}
    return Host("real").post("join", {"join_token": token, "stock": STOCK, **known, **more})


def test_a_host_that_takes_guests_gets_a_certificate_of_its_name_and_address(
    db: None, tmp_path: Path, request_of: str
) -> None:
    token = add_host("real", cell=CELL1)
    status, told = join(token, certificate_request=request_of, migration_address="198.51.100.7")
    assert status == 201
    certificates.keep(tmp_path, told)

    made = x509.load_pem_x509_certificate((tmp_path / "pki" / "servercert.pem").read_bytes())
    authority = x509.load_pem_x509_certificate((tmp_path / "pki" / "cacert.pem").read_bytes())
    made.verify_directly_issued_by(authority)
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["real"]
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("198.51.100.7")]
    uses = set(made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    assert uses == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    for name in certificates.OF_HOST.keys:
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
    certificates.keep(tmp_path, {"certificate": "made", "authority": "known"})
    assert certificates.with_certificate(uri, tmp_path) == f"{uri}?pkipath={tmp_path}/pki"
    plain = "qemu+tcp://198.51.100.7/system"
    assert certificates.with_certificate(plain, tmp_path) == plain


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_qemu_has_a_key_of_its_own_that_commands_no_libvirtd(db: None, tmp_path: Path) -> None:
    asked = certificates.make_requests(tmp_path)
    token = add_host("real", cell=CELL1)
    status, told = join(token, migration_address="198.51.100.7", **asked)
    assert status == 201
    certificates.keep(tmp_path, told)

    pki = tmp_path / "pki"
    host, guests = read(pki / "servercert.pem"), read(pki / "qemu" / "server-cert.pem")
    assert host.public_key() != guests.public_key()
    guests.verify_directly_issued_by(read(pki / "qemu" / "ca-cert.pem"))
    with pytest.raises((ValueError, InvalidSignature)):
        guests.verify_directly_issued_by(read(pki / "cacert.pem"))
    for name in ("server-key.pem", "client-key.pem"):
        assert stat.S_IMODE((pki / "qemu" / name).stat().st_mode) == 0o600


def test_certificates_end_soon_and_others_are_given_for_the_same_key(
    db: None, tmp_path: Path
) -> None:
    host = joined("real")
    address = {"migration_address": "198.51.100.7"}
    status, told = host.post("certificate", {**certificates.make_requests(tmp_path), **address})
    assert status == 200
    certificates.keep(tmp_path, told)
    path = tmp_path / "pki" / "servercert.pem"
    first = read(path)
    assert first.not_valid_after_utc - timezone.now() < dt.timedelta(hours=7)
    assert not certificates.are_old(tmp_path)

    os.utime(path, (0, 0))
    assert certificates.are_old(tmp_path)
    asked = certificates.make_requests(tmp_path, renew=True)
    certificates.keep(tmp_path, host.post("certificate", {**asked, **address})[1])
    assert read(path).public_key() == first.public_key()
    assert read(path).serial_number != first.serial_number
    assert not certificates.are_old(tmp_path)


def test_a_host_whose_token_has_ended_gets_no_more_certificates(db: None, tmp_path: Path) -> None:
    host = joined("real")
    rotate_host("real")
    asked = certificates.make_requests(tmp_path)
    status, _ = host.post("certificate", {**asked, "migration_address": "198.51.100.7"})
    assert status == 401


@pytest.mark.parametrize("wrong", [{}, {"migration_address": "nowhere"}])
def test_a_certificate_needs_an_address(db: None, wrong: dict[str, str]) -> None:
    status, told = joined("real").post("certificate", wrong)
    assert status == 400
    assert "migration_address" in told["error"]["message"]


def test_the_agent_renews_old_certificates(
    live_server: LiveServer, transactional_db: None, tmp_path: Path
) -> None:
    join_by_agent(live_server.url, tmp_path)
    agent = make_agent(tmp_path, migration_address="198.51.100.7")
    agent._renew()
    first = read(tmp_path / "pki" / "servercert.pem")
    agent._renew()  # they are new
    assert read(tmp_path / "pki" / "servercert.pem") == first
    os.utime(tmp_path / "pki" / "servercert.pem", (0, 0))
    agent._renew()
    assert read(tmp_path / "pki" / "servercert.pem") != first


def test_certificates_are_put_where_libvirt_and_qemu_look_for_them(tmp_path: Path) -> None:
    state, etc = tmp_path / "state", tmp_path / "etc"
    certificates.make_requests(state)
    certificates.keep(
        state,
        {
            "certificate": "host",
            "authority": "hosts",
            "guests_certificate": "guest",
            "guests_authority": "guests",
        },
    )
    certificates.put_into(etc, state)
    certificates.give_to(etc, os.geteuid(), os.getegid())
    written = {str(path.relative_to(etc)) for path in etc.rglob("*.pem")}
    assert written == {
        *("CA/cacert.pem", "libvirt/servercert.pem", "libvirt/private/serverkey.pem"),
        *(f"qemu/{one}-{kind}.pem" for one in ("server", "client") for kind in ("key", "cert")),
        "qemu/ca-cert.pem",
    }
    assert stat.S_IMODE((etc / "qemu" / "server-key.pem").stat().st_mode) == 0o600
    assert (etc / "qemu" / "ca-cert.pem").read_text() == "guests"
