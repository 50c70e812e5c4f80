"""Images of servers in a real Glance, and tokens of a real Keystone."""

from __future__ import annotations

from typing import Any

import pytest
from keystoneauth1.identity.v3 import Password, Token
from keystoneauth1.session import Session
from openstack.compute.v2.server import Server
from openstack.image.v2.image import Image

from tests.real_services.configuration import DOMAIN
from tests.real_services.conftest import MEMBER, World
from tests.real_services.site import boot_from, settled, until

pytestmark = [
    pytest.mark.real_services,
    pytest.mark.filterwarnings("ignore::openstack.warnings.OpenStackDeprecationWarning"),
]


def order(world: World, **given: Any) -> Server:
    return world.demo.compute.create_server(
        name="web", flavor_id="1", networks="none", **{"image_id": world.image.id, **given}
    )


def end(world: World, server: Server) -> None:
    world.demo.compute.delete_server(server)
    until(lambda: world.demo.compute.find_server(server.id) is None, world.site)


def images(world: World) -> dict[str, Image]:
    """All but the one that servers boot from, by name."""
    found = world.admin.image.images()
    return {image.name: image for image in found if image.id != world.image.id}


def test_images_of_a_server(world: World) -> None:
    demo = world.demo.compute
    with world.site.worker():
        server = settled(world.demo, order(world), "ACTIVE", world.site)
        made = demo.create_server_image(server, "copy", metadata={"purpose": "trial"})
        image = world.demo.image.get_image(made.id)
        assert (image.status, image.visibility, image.owner) == (
            *("active", "private"),
            world.demo.current_project_id,
        )
        assert (image.properties["purpose"], image.instance_uuid) == ("trial", server.id)
        for name in ("monday", "tuesday", "wednesday"):
            demo.backup_server(server, name, "daily", 2)
        until(lambda: sorted(images(world)) == ["copy", "tuesday", "wednesday"], world.site)

        demo.shelve_server(server)
        server = settled(world.demo, server, "SHELVED_OFFLOADED", world.site)
        assert images(world)["web-shelved"].status == "active"
        demo.unshelve_server(server)
        settled(world.demo, server, "ACTIVE", world.site)
        until(lambda: "web-shelved" not in images(world), world.site)
        end(world, server)
    for image in images(world).values():
        world.demo.image.delete_image(image)


def test_an_image_of_volumes(world: World) -> None:
    volume = world.bootable_volume()
    with world.site.worker():
        asked = order(world, image_id="", block_device_mapping_v2=[boot_from(volume.id)])
        server = settled(world.demo, asked, "ACTIVE", world.site)
        made = world.demo.compute.create_server_image(server, "disks")
        # the request and a worker complete it: where both ask Glance at once, it refuses the one
        until(lambda: world.demo.image.get_image(made.id).status == "active", world.site)
        image = world.demo.image.get_image(made.id)
        [snapshot] = world.demo.block_storage.snapshots()
        assert image.size == 0
        assert snapshot.id in image.properties["block_device_mapping"]
        until(
            lambda: world.demo.block_storage.get_snapshot(snapshot.id).status == "available",
            world.site,
        )
        world.demo.block_storage.delete_snapshot(snapshot.id)
        until(lambda: not list(world.demo.block_storage.snapshots()), world.site)
        end(world, server)
    world.demo.image.delete_image(made.id)


def get(world: World, path: str, token: str) -> int:
    answer = Session().get(
        f"{world.site.url}{path}",
        headers={"X-Auth-Token": token, "OpenStack-API-Version": "compute 2.57"},
        raise_exc=False,
    )
    return int(answer.status_code)


def test_tokens_of_keystone(world: World) -> None:
    token = world.demo.session.get_token()
    project = world.demo.current_project_id
    assert get(world, "/servers", token) == 200
    assert get(world, "/servers", "made-up") == 401
    unscoped = Token(world.place.auth_url, token, unscoped=True)
    nobody = Password(
        world.place.auth_url,
        username=MEMBER,
        password=world.place.password,
        user_domain_id=DOMAIN,
        unscoped=True,
    )
    for auth in (unscoped, nobody):
        assert get(world, "/servers", str(Session(auth=auth).get_token())) == 403
    admin = world.admin.session.get_token()
    assert get(world, f"/os-quota-sets/{project}", admin) == 200
    assert get(world, f"/os-quota-sets/{'0' * 32}", admin) == 400
    assert get(world, f"/os-quota-sets/{'0' * 32}", token) == 403
    assert get(world, "/os-hypervisors", token) == 403
    own = world.site.url.partition("/compute")[0]
    for api in ("identity", "image", "network", "volume"):
        assert Session().get(f"{own}/{api}/", raise_exc=False).status_code == 404


def test_the_access_rules_of_a_credential_bind(world: World) -> None:
    rule = {"service": "compute", "method": "GET", "path": "/v2.1/servers"}
    user = world.demo.current_user_id
    for name, rules, others in (("open", None, 200), ("narrow", [rule], 401)):
        body = {"name": name} | ({"access_rules": rules} if rules else {})
        made = world.demo.session.post(
            f"{world.place.auth_url}/users/{user}/application_credentials",
            json={"application_credential": body},
        ).json()["application_credential"]
        asked = Session().post(
            f"{world.place.auth_url}/auth/tokens",
            json={
                "auth": {
                    "identity": {
                        "methods": ["application_credential"],
                        "application_credential": {"id": made["id"], "secret": made["secret"]},
                    }
                }
            },
        )
        token = asked.headers["X-Subject-Token"]
        assert get(world, "/servers", token) == 200
        assert get(world, "/flavors", token) == others
