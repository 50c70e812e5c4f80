"""``/servers/{id}/shares``, from 2.97 on: there are none, and each refusal is that of Nova."""

from __future__ import annotations

from typing import Any

import pytest

from servers.models import ProviderTrait, VmState
from tests.world.cast import UNKNOWN_ID
from tests.world.client import ApiClient
from tests.world.factories import make_instance
from tests.world.hosts import make_host

NEW = {"share": {"share_id": UNKNOWN_ID, "tag": "data-1"}}


def test_a_server_has_no_shares(as_reader: ApiClient, as_outsider: ApiClient) -> None:
    path = f"/servers/{make_instance(vm_state='active').uuid}/shares"
    as_reader.get(path, microversion="2.96").expect(404)
    assert as_reader.get(path, microversion="2.97").expect(200).json == {"shares": []}
    as_reader.get(f"{path}?colour=red", microversion="2.97").expect(400)
    as_reader.get(f"{path}/{UNKNOWN_ID}", microversion="2.97").expect(404)
    as_outsider.get(path, microversion="2.97").expect(404)


@pytest.mark.parametrize(
    ("state", "status"), [(VmState.ACTIVE, 409), (VmState.STOPPED, 404), (VmState.ERROR, 404)]
)
def test_none_can_be_taken(as_member: ApiClient, state: str, status: int) -> None:
    path = f"/servers/{make_instance(vm_state=state).uuid}/shares/{UNKNOWN_ID}"
    as_member.delete(path, microversion="2.97").expect(status)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"share": {}},
        {"share": {"share_id": "x"}},
        {"share": {"share_id": UNKNOWN_ID, "tag": ""}},
        {"share": {"share_id": UNKNOWN_ID, "tag": "a b"}},
        {"share": {"share_id": UNKNOWN_ID, "colour": "red"}},
    ],
)
def test_the_body_is_checked_first(as_member: ApiClient, body: dict[str, Any]) -> None:
    path = f"/servers/{make_instance(vm_state='active').uuid}/shares"
    as_member.post(path, body, microversion="2.97").expect(400)


def test_none_can_be_given(as_member: ApiClient) -> None:
    """409 for a server that runs, and for one whose host cannot; else there is no such share."""
    host = make_host("host")
    server = make_instance(vm_state=VmState.ACTIVE, host="host", node=host.hypervisor_hostname)
    path = f"/servers/{server.uuid}/shares"
    as_member.post(path, NEW, microversion="2.97").expect(409)
    server.vm_state = VmState.STOPPED
    server.save(update_fields=["vm_state"])
    as_member.post(path, NEW, microversion="2.97").expect(404)
    ProviderTrait.objects.filter(trait="COMPUTE_STORAGE_VIRTIO_FS").delete()
    as_member.post(path, NEW, microversion="2.97").expect(409)
