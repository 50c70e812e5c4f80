"""openstacksdk, unmodified, with the clouds.yaml that the quickstart wrote."""

from __future__ import annotations

import openstack
import pytest
from openstack.connection import Connection

from tests.clients.conftest import LiveSite

pytestmark = [
    pytest.mark.clients,
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
]


@pytest.fixture
def cloud(live_site: LiveSite, monkeypatch: pytest.MonkeyPatch) -> Connection:
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(live_site.clouds_yaml))
    connection = openstack.connect(cloud="demo")
    yield connection
    connection.close()


def test_a_server_is_created_becomes_active_and_is_deleted(cloud: Connection) -> None:
    image = cloud.image.find_image("cirros", ignore_missing=False)
    flavor = cloud.compute.find_flavor("m1.tiny", ignore_missing=False)
    network = cloud.network.find_network("private", ignore_missing=False)
    keypair = cloud.compute.create_keypair(name="sdk-key")

    server = cloud.compute.create_server(
        name="from-the-sdk",
        image_id=image.id,
        flavor_id=flavor.id,
        networks=[{"uuid": network.id}],
        key_name=keypair.name,
    )
    server = cloud.compute.wait_for_server(server, wait=60)

    assert server.status == "ACTIVE"
    assert server.key_name == "sdk-key"
    assert server.addresses["private"][0]["addr"].startswith("10.")
    assert server.id in {found.id for found in cloud.compute.servers()}
    assert cloud.compute.get_server(server.id).name == "from-the-sdk"
    cloud.compute.delete_server(server)
    cloud.compute.wait_for_delete(server, wait=60)
    assert server.id not in {found.id for found in cloud.compute.servers()}
    cloud.compute.delete_keypair(keypair)


def test_the_quickstart_showed_a_first_server_on_its_way(live_site: LiveSite) -> None:
    assert "POST /servers accepted it" in live_site.output
    assert "ACTIVE" in live_site.output
