"""What users are told of volumes that could not be made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest
from django.utils import timezone

from compute_site.neighbours.volume.local import messages
from compute_site.neighbours.volume.local.backend import suits
from compute_site.neighbours.volume.message_models import Message
from compute_site.neighbours.volume.models import Volume, VolumeType
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_volume

pytestmark = pytest.mark.django_db
V3 = "//volume/v3"
NEWEST = {"OpenStack-API-Version": "volume latest"}


def tell(**fields: Any) -> Message:
    volume = make_volume(**fields)
    messages.tell(volume, messages.Action.PLACE, messages.Detail.NO_BACKEND)
    return Message.objects.get(resource_uuid=volume.pk)


def test_a_volume_that_no_store_has_is_explained(as_member: ApiClient) -> None:
    VolumeType.objects.create(name="odd", extra_specs={"storage_protocol": "smoke"})
    order = {"volume": {"size": 1, "volume_type": "odd"}}
    made = as_member.post(f"{V3}/volumes", order).expect(202)
    volume = Volume.objects.get()
    assert (volume.status, str(volume.pk)) == ("error", made.json["volume"]["id"])
    [told] = as_member.get(f"{V3}/messages", headers=NEWEST).expect(200).json["messages"]
    assert told["event_id"] == "VOLUME_VOLUME_001_003"
    assert told["resource_uuid"] == str(volume.pk)
    assert told["request_id"] == made.headers["x-openstack-request-id"]
    assert "volume type" in told["user_message"]
    url = f"{V3}/messages/{told['id']}"
    assert as_member.get(url, headers=NEWEST).expect(200).json["message"] == told
    as_member.get(url, headers={"OpenStack-API-Version": "volume 3.2"}).expect(404)
    as_member.delete(url, headers=NEWEST).expect(204)
    as_member.get(url, headers=NEWEST).expect(404)


@pytest.mark.parametrize(
    ("specs", "suited"),
    [
        ({}, True),
        ({"anything": "else", "volume_backend_name": "ceph"}, True),
        ({"vendor_name": "compute-site", "multiattach": "<is> True"}, True),
        ({"capabilities:vendor_name": "other"}, False),
        ({"vendor_name": "<or> other <or> compute-site"}, True),
        ({"QoS_support": "<is> True"}, False),
        ({"storage_protocol": ""}, False),
    ],
)
def test_a_store_is_as_a_type_wants_it(specs: Mapping[str, str], suited: bool) -> None:
    assert suits(specs) is suited


def test_messages_are_for_the_project(cast: Cast, as_member: ApiClient) -> None:
    own, other = tell(), tell(project_id=BETA)
    old = tell(project_id=ALPHA)
    Message.objects.filter(pk=old.pk).update(expires_at=timezone.now() - dt.timedelta(days=1))
    found = as_member.get(f"{V3}/messages?message_level=ERROR", headers=NEWEST).expect(200).json
    assert [row["id"] for row in found["messages"]] == [str(own.pk)]
    for row in (other, old):
        as_member.get(f"{V3}/messages/{row.pk}", headers=NEWEST).expect(404)
    ApiClient(cast.reader).delete(f"{V3}/messages/{own.pk}", headers=NEWEST).expect(403)
    messages.clean_up()
    assert set(Message.objects.all()) == {own, other}


def test_messages_are_found_from_3_5(as_member: ApiClient) -> None:
    row = tell()
    url = f"{V3}/messages?resource_uuid={row.resource_uuid}&sort_key=event_id"
    assert len(as_member.get(url, headers=NEWEST).expect(200).json["messages"]) == 1
    as_member.get(url, headers={"OpenStack-API-Version": "volume 3.4"}).expect(400)
    as_member.get(f"{V3}/messages?colour=red", headers=NEWEST).expect(400)
