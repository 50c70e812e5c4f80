"""What docs/beyond-nova.md shows, with unmodified clients."""

from __future__ import annotations

import uuid

import pytest
from openstack.connection import Connection
from openstack.exceptions import HttpException

pytestmark = [
    pytest.mark.clients,
    pytest.mark.filterwarnings("ignore"),  # the warnings of clients are their own
]


def test_the_sdk_sends_a_create_again(cloud: Connection) -> None:
    image = cloud.image.find_image("cirros", ignore_missing=False)
    flavor = cloud.compute.find_flavor("m1.tiny", ignore_missing=False)
    network = cloud.network.find_network("private", ignore_missing=False)
    compute = cloud.compute

    def create(name: str) -> str:
        server = compute.create_server(
            name=name, image_id=image.id, flavor_id=flavor.id, networks=[{"uuid": network.id}]
        )
        return str(server.id)

    compute.additional_headers["Idempotency-Key"] = str(uuid.uuid4())
    try:
        first, again = create("sent-twice"), create("sent-twice")
        with pytest.raises(HttpException) as refused:
            create("another")
    finally:
        del compute.additional_headers["Idempotency-Key"]
    assert again == first
    assert refused.value.status_code == 422
    assert [server.id for server in compute.servers(name="sent-twice")] == [first]
    compute.delete_server(first)
