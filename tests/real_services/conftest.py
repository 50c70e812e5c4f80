"""The four services, this site beside them, and the people of a project: once for all tests."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from openstack.block_storage.v3.volume import Volume
from openstack.connection import Connection
from openstack.image.v2.image import Image
from openstack.network.v2.network import Network

from tests.real_services.configuration import ADMIN, DOMAIN, Place
from tests.real_services.running import connect, publish, running_services
from tests.real_services.site import HOSTS, Site, running_web, until

MEMBER = "demo"


@dataclasses.dataclass(frozen=True)
class World:
    """Everything: ``demo`` and ``admin`` are clients with tokens of the real Keystone."""

    place: Place
    site: Site
    demo: Connection
    admin: Connection
    network: Network
    image: Image

    def bootable_volume(self) -> Volume:
        made = self.demo.block_storage.create_volume(size=1, image_id=self.image.id)

        def ready() -> Volume | None:
            found = self.demo.block_storage.get_volume(made.id)
            return found if found.status == "available" else None

        return until(ready, self.site)


@pytest.fixture(scope="package")
def place(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[Place]:
    with running_services(tmp_path_factory.mktemp("services"), HOSTS) as place:
        yield place


@pytest.fixture(scope="package")
def world(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_web(place, tmp_path_factory.mktemp("site")) as site:
        admin = connect(place, ADMIN, ADMIN, place.password)
        publish(admin, "compute-site", "compute", site.url)
        publish(admin, "compute-site", "placement", site.placement_url)
        demo = _make_member(place, admin)
        network = demo.network.create_network(name="private")
        demo.network.create_subnet(network_id=network.id, cidr="10.0.0.0/24", ip_version=4)
        image = demo.image.create_image(
            name="small", data=bytes(2**20), disk_format="raw", container_format="bare", wait=True
        )
        yield World(place, site, demo, admin, network, image)
        demo.close()
        admin.close()


def _make_member(place: Place, admin: Connection) -> Connection:
    identity = admin.identity
    project = identity.create_project(name=MEMBER, domain_id=DOMAIN)
    user = identity.create_user(name=MEMBER, password=place.password, domain_id=DOMAIN)
    role = identity.find_role("member")
    identity.assign_project_role_to_user(project.id, user.id, role.id)
    return connect(place, MEMBER, MEMBER, place.password)
