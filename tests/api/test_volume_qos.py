"""QoS specs of volume types, and types whose volumes are to be encrypted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from compute_site.neighbours.volume.local.qos import limits_for_host
from compute_site.neighbours.volume.models import TypeEncryption, Volume, VolumeType
from compute_site.neighbours.volume.qos_models import QosSpecs
from tests.world.cast import UNKNOWN_ID, Cast
from tests.world.client import Answer, ApiClient, browser_of
from tests.world.factories import make_volume

pytestmark = pytest.mark.django_db
V3 = "//volume/v3"
QOS = f"{V3}/qos-specs"


def make(client: ApiClient, **specs: Any) -> Answer:
    return client.post(QOS, {"qos_specs": {"name": "gentle", **specs}})


def test_qos_specs_are_made_changed_and_deleted(as_admin: ApiClient) -> None:
    made = make(as_admin, consumer="front-end", read_iops_sec="9").expect(200).json
    shown, url = made["qos_specs"], f"{QOS}/{made['qos_specs']['id']}"
    assert (shown["consumer"], shown["specs"]) == ("front-end", {"read_iops_sec": "9"})
    assert made["links"]
    assert as_admin.get(url).expect(200).json["qos_specs"] == shown
    given = {"qos_specs": {"total_iops_sec": "5", "consumer": "both"}}
    assert as_admin.put(url, given).expect(200).json == given
    specs = QosSpecs.objects.get()
    assert specs.consumer == "both"
    assert specs.specs == {"read_iops_sec": "9", "total_iops_sec": "5"}
    as_admin.put(f"{url}/delete_keys", {"keys": ["read_iops_sec", "nothing"]}).expect(404)
    as_admin.put(f"{url}/delete_keys", {"keys": ["read_iops_sec"]}).expect(202)
    specs.refresh_from_db()
    assert specs.specs == {"total_iops_sec": "5"}
    as_admin.delete(url).expect(202)
    as_admin.get(url).expect(404)


@pytest.mark.parametrize(
    "specs",
    [
        {"name": " "},
        {"name": 5},
        {"name": None},
        {"consumer": "nobody"},
        {"read_iops_sec": 9},
        {"a" * 256: "b"},
    ],
)
def test_wrong_qos_specs_are_refused(as_admin: ApiClient, specs: Mapping[str, Any]) -> None:
    make(as_admin, **specs).expect(400)
    assert not QosSpecs.objects.exists()


def test_names_of_qos_specs_are_taken_once(as_admin: ApiClient, as_member: ApiClient) -> None:
    make(as_member).expect(403)
    make(as_admin).expect(200)
    make(as_admin).expect(409)
    as_member.get(QOS).expect(403)
    found = as_admin.get(f"{QOS}?consumer=back-end&sort_key=id").expect(200).json["qos_specs"]
    assert [specs["name"] for specs in found] == ["gentle"]
    assert as_admin.get(f"{QOS}?name=other").expect(200).json["qos_specs"] == []
    as_admin.get(f"{QOS}?speed=5").expect(400)


@pytest.mark.parametrize("body", [{}, {"keys": "a"}, {"keys": ["a", "a"]}, {"keys": [5]}, []])
def test_keys_are_deleted_by_their_names(as_admin: ApiClient, body: Any) -> None:
    specs = QosSpecs.objects.create(name="gentle", specs={"a": "b"})
    as_admin.put(f"{QOS}/{specs.pk}/delete_keys", body).expect(400)


def test_types_have_qos_specs(as_admin: ApiClient, as_member: ApiClient) -> None:
    gentle, wild = (QosSpecs.objects.create(name=name) for name in ("gentle", "wild"))
    fast, slow = (VolumeType.objects.create(name=name) for name in ("fast", "slow"))
    url = f"{QOS}/{gentle.pk}"
    as_member.get(f"{url}/associate?vol_type_id={fast.pk}").expect(403)
    as_admin.get(f"{url}/associate").expect(400)
    as_admin.get(f"{url}/associate?vol_type_id={UNKNOWN_ID}").expect(404)
    for kind in (fast, fast, slow):
        as_admin.get(f"{url}/associate?vol_type_id={kind.pk}").expect(202)
    as_admin.get(f"{QOS}/{wild.pk}/associate?vol_type_id={fast.pk}").expect(400)
    found = as_admin.get(f"{url}/associations").expect(200).json["qos_associations"]
    assert [kind["name"] for kind in found] == ["fast", "slow"]
    shown = as_admin.get(f"{V3}/types/{fast.pk}").expect(200).json["volume_type"]
    assert shown["qos_specs_id"] == str(gentle.pk)
    assert "qos_specs_id" not in as_member.get(f"{V3}/types/{fast.pk}").json["volume_type"]
    as_admin.delete(url).expect(400)
    as_admin.get(f"{url}/disassociate?vol_type_id={fast.pk}").expect(202)
    assert list(gentle.types.all()) == [slow]
    as_admin.get(f"{url}/disassociate_all").expect(202)
    assert not gentle.types.exists()
    as_admin.get(f"{url}/associate?vol_type_id={slow.pk}").expect(202)
    as_admin.delete(f"{url}?force=true").expect(202)
    slow.refresh_from_db()
    assert slow.qos_specs is None


def test_a_page_of_another_site_associates_nothing(cast: Cast) -> None:
    specs, kind = QosSpecs.objects.create(name="gentle"), VolumeType.objects.create(name="fast")
    url = f"{QOS}/{specs.pk}/associate?vol_type_id={kind.pk}"
    foreign = {"Sec-Fetch-Site": "cross-site"}
    browser = browser_of(cast.admin)
    browser.get(url, headers=foreign).expect(403)
    assert not specs.types.exists()
    browser.get(url, headers={"Sec-Fetch-Site": "same-origin"}).expect(202)
    assert specs.types.get() == kind


@pytest.mark.parametrize(
    ("consumer", "specs", "limits"),
    [
        ("back-end", {"read_iops_sec": "9"}, {}),
        ("front-end", {"read_iops_sec": "9"}, {"read_iops_sec": "9"}),
        ("both", {"total_bytes_sec_per_gb": "10"}, {"total_bytes_sec": "30"}),
        ("both", {"read_iops_sec_per_gb": "1", "read_iops_sec_per_gb_min": "7"}, 7),
        ("both", {"read_iops_sec_per_gb": "9", "read_iops_sec_max": "20"}, 20),
        ("both", {"read_iops_sec_per_gb": "x"}, {"read_iops_sec_per_gb": "x"}),
    ],
)
def test_hosts_are_told_what_they_have_to_limit(consumer: str, specs: Any, limits: Any) -> None:
    gentle = QosSpecs.objects.create(name="gentle", consumer=consumer, specs=specs)
    kind = VolumeType.objects.create(name="fast", qos_specs=gentle)
    expected = limits if isinstance(limits, dict) else {"read_iops_sec": str(limits)}
    assert limits_for_host(Volume(size=3, volume_type=kind)) == expected
    assert limits_for_host(Volume(size=3)) == {}


SAID = {"provider": "luks", "control_location": "front-end", "key_size": "256", "cipher": "aes"}


def test_a_type_says_how_volumes_are_encrypted(as_admin: ApiClient, as_member: ApiClient) -> None:
    kind = VolumeType.objects.create(name="secret")
    url = f"{V3}/types/{kind.pk}/encryption"
    as_member.post(url, {"encryption": SAID}).expect(403)
    assert as_admin.get(url).expect(200).json == {}
    made = as_admin.post(url, {"encryption": SAID}).expect(200).json["encryption"]
    assert (made["key_size"], made["provider"]) == (256, "luks")
    as_admin.post(url, {"encryption": SAID}).expect(400)
    shown = as_admin.get(url).expect(200).json
    assert shown["encryption_id"] == made["encryption_id"]
    assert as_admin.get(f"{url}/cipher").expect(200).json == {"cipher": "aes"}
    as_admin.get(f"{url}/nothing").expect(404)
    as_admin.put(f"{url}/{UNKNOWN_ID}", {"encryption": {"key_size": 128}}).expect(404)
    changed = as_admin.put(f"{url}/{made['encryption_id']}", {"encryption": {"key_size": 128}})
    assert changed.expect(200).json == {"encryption": {"key_size": 128}}
    assert TypeEncryption.objects.get().key_size == 128
    as_admin.delete(f"{url}/{made['encryption_id']}").expect(202)
    as_admin.delete(f"{url}/{made['encryption_id']}").expect(404)
    said = {"provider": "luks", "control_location": "front-end"}
    made = as_admin.post(url, {"encryption": said}).expect(200).json["encryption"]
    assert set(made) == {*said, "encryption_id", "volume_type_id"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"provider": None},
        {"control_location": "nowhere"},
        {"key_size": -1},
        {"key_size": "many"},
        {"cipher": 5},
        {"secret": "x"},
    ],
)
def test_a_wrong_encryption_is_refused(as_admin: ApiClient, wrong: Mapping[str, Any]) -> None:
    kind = VolumeType.objects.create(name="secret")
    body = {"encryption": {**SAID, **wrong}}
    as_admin.post(f"{V3}/types/{kind.pk}/encryption", body).expect(400)
    assert not TypeEncryption.objects.exists()


def test_no_volume_is_made_of_what_is_to_be_encrypted(
    as_admin: ApiClient, as_member: ApiClient
) -> None:
    kind = VolumeType.objects.create(name="secret")
    volume = make_volume()
    url = f"{V3}/types/{kind.pk}/encryption"
    as_admin.post(url, {"encryption": SAID}).expect(200)
    order = {"volume": {"size": 1, "volume_type": "secret"}}
    refused = as_member.post(f"{V3}/volumes", order).expect(400)
    assert "encrypted" in refused.message
    act = {"os-retype": {"new_type": "secret"}}
    as_member.post(f"{V3}/volumes/{volume.pk}/action", act).expect(400)
    shown = as_member.get(f"{V3}/volumes/{volume.pk}/encryption").expect(200)
    assert shown.json == {"encryption_key_id": None}
    as_member.get(f"{V3}/volumes/{volume.pk}/encryption/cipher").expect(404)


def test_a_type_in_use_is_not_encrypted(as_admin: ApiClient) -> None:
    kind = VolumeType.objects.create(name="used")
    make_volume(volume_type=kind)
    as_admin.post(f"{V3}/types/{kind.pk}/encryption", {"encryption": SAID}).expect(400)
