"""``POST /os-keypairs``: keys that users bring, and keys that are made for them."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from quotas.models import Limit
from servers.keypairs.fingerprint import fingerprint_of
from servers.models import KeyPair
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.keys import ED25519, ED25519_FINGERPRINT

EVERYONE = ("as_reader", "as_member", "as_manager", "as_outsider", "as_admin")


def body(**keys: Any) -> dict[str, Any]:
    return {"keypair": {"name": "mine", "public_key": ED25519} | keys}


def without_key(**keys: Any) -> dict[str, Any]:
    return {"keypair": {"name": "mine"} | keys}


@pytest.mark.parametrize("client", EVERYONE)
def test_everyone_keeps_own_keys(client: str, request: pytest.FixtureRequest) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    assert caller.persona is not None
    answer = caller.post("/os-keypairs", body(), microversion="2.2").expect(201)
    assert answer.json["keypair"] == {
        "name": "mine",
        "type": "ssh",
        "public_key": ED25519,
        "fingerprint": ED25519_FINGERPRINT,
        "user_id": caller.persona.user_id,
    }
    row = KeyPair.objects.get()
    assert (row.user_id, row.name, row.type) == (caller.persona.user_id, "mine", "ssh")
    assert (row.public_key, row.fingerprint) == (ED25519, ED25519_FINGERPRINT)


@pytest.mark.parametrize(("microversion", "status"), [("2.1", 200), ("2.2", 201)])
def test_the_status_changes_with_2_2(as_member: ApiClient, microversion: str, status: int) -> None:
    answer = as_member.post("/os-keypairs", body(), microversion=microversion).expect(status)
    assert ("type" in answer.json["keypair"]) is (status == 201)


@pytest.mark.parametrize("microversion", ["2.1", "2.91"])
def test_a_key_is_made_for_one_who_brings_none(as_member: ApiClient, microversion: str) -> None:
    answer = as_member.post("/os-keypairs", without_key(), microversion=microversion)
    made = answer.json["keypair"]
    private = load_pem_private_key(made["private_key"].encode(), password=None)
    public = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    assert made["public_key"].startswith(public.decode())
    assert made["private_key"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    row = KeyPair.objects.get()
    assert row.public_key == made["public_key"]
    assert row.fingerprint == made["fingerprint"] == fingerprint_of("ssh", row.public_key)


def test_no_key_is_made_from_2_92(as_member: ApiClient) -> None:
    refused = as_member.post("/os-keypairs", without_key(), microversion="2.92").expect(400)
    assert refused.blamed == ["keypair.public_key"]
    assert not KeyPair.objects.exists()


def test_a_certificate_is_made_that_lets_its_user_in(as_member: ApiClient, cast: Cast) -> None:
    made = as_member.post("/os-keypairs", without_key(type="x509"), microversion="2.2")
    keypair = made.expect(201).json["keypair"]
    certificate = x509.load_pem_x509_certificate(keypair["public_key"].encode())
    key, bundled, _ = pkcs12.load_key_and_certificates(
        base64.b64decode(keypair["private_key"]), password=None
    )
    assert bundled == certificate
    assert key is not None
    assert key.public_key() == certificate.public_key()
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    (other,) = names.get_values_for_type(x509.OtherName)
    assert other.value[2:].decode() == f"{cast.member.user_id}@localhost"
    assert keypair["fingerprint"] == fingerprint_of("x509", keypair["public_key"])
    assert KeyPair.objects.get().type == "x509"


@pytest.mark.parametrize(
    ("keys", "blamed"),
    [
        ({"name": ""}, "keypair.name"),
        ({"name": "n" * 256}, "keypair.name"),
        ({"name": " n"}, "keypair.name"),
        ({"name": "a.b"}, "keypair.name"),
        ({"name": "a\n"}, "keypair.name"),
        ({"name": None}, "keypair.name"),
        ({"type": "pgp"}, "keypair.type"),
        ({"type": "x509"}, "keypair.public_key"),
        ({"public_key": None}, "keypair.public_key"),
        ({"public_key": ""}, "keypair.public_key"),
        ({"public_key": "ssh-ed25519"}, "keypair.public_key"),
        ({"public_key": ED25519.replace("AAAAC3", "AAAAC4")}, "keypair.public_key"),
        ({"public_key": "ssh-dss AAAAB3NzaC1kc3M= cut off"}, "keypair.public_key"),
        ({"user_id": "x"}, "keypair.user_id"),
        ({"nosuch": 1}, "keypair.nosuch"),
    ],
)
def test_a_wrong_value_is_refused_and_named(
    as_member: ApiClient, keys: dict[str, Any], blamed: str
) -> None:
    answer = as_member.post("/os-keypairs", body(**keys), microversion="2.2").expect(400)
    assert answer.blamed == [blamed]
    assert not KeyPair.objects.exists()


@pytest.mark.parametrize(("microversion", "status"), [("2.91", 400), ("2.92", 201)])
def test_names_may_hold_more_signs_from_2_92(
    as_member: ApiClient, microversion: str, status: int
) -> None:
    named = body(name="me@home.example")
    as_member.post("/os-keypairs", named, microversion=microversion).expect(status)
    assert KeyPair.objects.count() == (status == 201)


@pytest.mark.parametrize(("microversion", "status"), [("2.1", 400), ("2.2", 201)])
def test_the_type_is_known_from_2_2(as_member: ApiClient, microversion: str, status: int) -> None:
    as_member.post("/os-keypairs", body(type="ssh"), microversion=microversion).expect(status)


def test_the_old_api_strips_names(as_member: ApiClient) -> None:
    as_member.post("//compute/v2/os-keypairs", body(name=" mine! ")).expect(200)
    assert KeyPair.objects.get().name == "mine!"


def test_a_user_has_a_name_once(as_member: ApiClient, as_second_member: ApiClient) -> None:
    as_member.post("/os-keypairs", body(), microversion="2.2").expect(201)
    taken = as_member.post("/os-keypairs", body(), microversion="2.2").expect(409)
    assert taken.fault == "conflictingRequest"
    as_second_member.post("/os-keypairs", body(), microversion="2.2").expect(201)
    assert KeyPair.objects.count() == 2


@pytest.mark.parametrize("client", ["as_reader", "as_member", "as_manager", "as_outsider"])
def test_only_an_admin_keeps_keys_of_others(
    client: str, request: pytest.FixtureRequest, cast: Cast
) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    for_other = body(user_id=cast.second_member.user_id)
    caller.post("/os-keypairs", for_other, microversion="2.10").expect(403)
    assert not KeyPair.objects.exists()


def test_an_admin_keeps_keys_of_others_from_2_10(as_admin: ApiClient, cast: Cast) -> None:
    for_member = body(user_id=cast.member.user_id)
    as_admin.post("/os-keypairs", for_member, microversion="2.9").expect(400)
    answer = as_admin.post("/os-keypairs", for_member, microversion="2.10").expect(201)
    assert answer.json["keypair"]["user_id"] == cast.member.user_id
    assert KeyPair.objects.get().user_id == cast.member.user_id


def test_a_user_who_does_not_exist_has_no_keys(as_admin: ApiClient) -> None:
    answer = as_admin.post("/os-keypairs", body(user_id="nobody"), microversion="2.10")
    assert answer.expect(400).blamed == ["keypair.user_id"]


def test_no_more_keys_than_the_quota_allows(as_member: ApiClient, cast: Cast) -> None:
    Limit.objects.create(project=cast.alpha, resource="key_pairs", limit=1)
    as_member.post("/os-keypairs", body(), microversion="2.2").expect(201)
    refused = as_member.post("/os-keypairs", body(name="second"), microversion="2.2").expect(403)
    assert refused.fault == "forbidden"
    made = as_member.post("/os-keypairs", without_key(name="made"), microversion="2.2")
    assert made.expect(403).fault == "forbidden"
    assert KeyPair.objects.count() == 1


def test_the_quota_comes_before_the_key(as_member: ApiClient, cast: Cast) -> None:
    Limit.objects.create(
        project=cast.alpha, user_id=cast.member.user_id, resource="key_pairs", limit=0
    )
    as_member.post("/os-keypairs", body(public_key="junk"), microversion="2.2").expect(403)
