"""Sites of which one service alone is a real one, and the others are their own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session
from openstack.connection import Connection

from tests.real_services.configuration import DOMAIN, HOST
from tests.real_services.conftest import MEMBER, World
from tests.real_services.site import Site, running_web, settled, until

pytestmark = [
    pytest.mark.real_services,
    pytest.mark.filterwarnings("ignore::openstack.warnings.OpenStackDeprecationWarning"),
]

IMAGE_ID = "70a599e0-31e7-49b7-b260-868f441e862b"


@contextlib.contextmanager
def site_with(world: World, folder: Path, service: str) -> Iterator[Site]:
    """Its project and its user are named as those of Keystone; the project has the same id."""
    more: dict[str, Any] = {
        "projects": [{"id": world.demo.current_project_id, "name": MEMBER}],
        "users": [
            {
                "name": MEMBER,
                "password": world.place.password,
                "projects": [{"project": MEMBER, "role": "member"}],
            }
        ],
    }
    if service != "IMAGE":
        more["images"] = [
            {"id": IMAGE_ID, "name": "own", "visibility": "public", "status": "active"}
        ]
    if service == "IDENTITY":
        del more["projects"], more["users"]
    with running_web(world.place, folder, [service], more) as site:
        yield site


def client_of(world: World, site: Site) -> Connection:
    """An unmodified client, with a token of the identity service of the site."""
    auth = Password(
        auth_url=f"http://{HOST}:{site.port}/identity/v3",
        username=MEMBER,
        password=world.place.password,
        project_name=MEMBER,
        user_domain_id=DOMAIN,
        project_domain_id=DOMAIN,
    )
    return Connection(session=Session(auth=auth))


def build(cloud: Connection, site: Site, **order: Any) -> Any:
    given = {"image_id": IMAGE_ID, "networks": "none", **order}
    made = cloud.compute.create_server(name="alone", flavor_id="1", **given)
    return settled(cloud, made, "ACTIVE", site)


def end(cloud: Connection, site: Site, server: Any) -> None:
    cloud.compute.delete_server(server)
    until(lambda: cloud.compute.find_server(server.id) is None, site)


def test_keystone_alone(world: World, tmp_path: Path) -> None:
    with site_with(world, tmp_path, "IDENTITY") as site, site.worker():
        root = f"http://{HOST}:{site.port}"
        cloud = Connection(
            session=world.demo.session,
            compute_endpoint_override=site.url,
            image_endpoint_override=f"{root}/image/v2",
            network_endpoint_override=f"{root}/network",
            block_storage_endpoint_override=f"{root}/volume/v3",
        )
        assert [image.id for image in cloud.image.images()] == [IMAGE_ID]
        network = cloud.network.create_network(name="own")
        cloud.network.create_subnet(network_id=network.id, cidr="10.1.0.0/24", ip_version=4)
        volume = cloud.block_storage.create_volume(size=1)
        server = build(cloud, site, networks=[{"uuid": network.id}])
        assert server.project_id == world.demo.current_project_id
        cloud.compute.create_volume_attachment(server, volume_id=volume.id)
        until(lambda: cloud.block_storage.get_volume(volume.id).status == "in-use", site)
        end(cloud, site, server)
    assert not list(world.admin.network.ports(device_id=server.id))


def test_glance_alone(world: World, tmp_path: Path) -> None:
    with site_with(world, tmp_path, "IMAGE") as site, site.worker():
        cloud = client_of(world, site)
        server = build(cloud, site, image_id=world.image.id)
        # the client's own function asks for the image, and Glance knows no token of this site
        body = {"createImage": {"name": "copy"}}
        made = cloud.compute.post(f"/servers/{server.id}/action", json=body, microversion="2.45")
        image = world.demo.image.get_image(made.json()["image_id"])
        world.demo.image.delete_image(image)
        assert (image.status, image.owner) == ("active", world.demo.current_project_id)
        end(cloud, site, server)


def test_neutron_alone(world: World, tmp_path: Path) -> None:
    with site_with(world, tmp_path, "NETWORK") as site, site.worker():
        cloud = client_of(world, site)
        server = build(cloud, site, networks=[{"uuid": world.network.id}])
        [port] = world.admin.network.ports(device_id=server.id)
        assert (port.project_id, port.binding_vif_type) == (world.demo.current_project_id, "ovs")
        [shown] = server.addresses["private"]
        assert shown["addr"] == port.fixed_ips[0]["ip_address"]
        end(cloud, site, server)
    assert world.admin.network.find_port(port.id) is None


def test_cinder_alone(world: World, tmp_path: Path) -> None:
    """With an identity service of the own the service user makes volumes in the project."""
    identity = world.admin.identity
    user, role = identity.find_user("compute_site"), identity.find_role("member")
    identity.assign_project_role_to_user(world.demo.current_project_id, user.id, role.id)
    disk = {
        "source_type": "blank",
        "destination_type": "volume",
        "volume_size": 1,
        "boot_index": -1,
        "delete_on_termination": True,
    }
    root = {
        "uuid": IMAGE_ID,
        "source_type": "image",
        "destination_type": "local",
        "boot_index": 0,
        "delete_on_termination": True,
    }
    with site_with(world, tmp_path, "VOLUME") as site, site.worker():
        cloud = client_of(world, site)
        server = build(cloud, site, block_device_mapping_v2=[root, disk])
        [volume] = world.demo.block_storage.volumes()
        assert volume.status == "in-use"
        assert [one["server_id"] for one in volume.attachments] == [server.id]
        end(cloud, site, server)
        until(lambda: not list(world.demo.block_storage.volumes()), site)
