"""Unmodified clients and the identity API: log in, look around, make an application credential."""

from __future__ import annotations

import openstack
import pytest
from openstack.connection import Connection
from openstack.exceptions import HttpException

from tests.clients.conftest import LiveSite

pytestmark = [
    pytest.mark.clients,
    pytest.mark.filterwarnings("ignore"),  # the warnings of clients are their own
]


def test_a_user_sees_the_own_project_and_oneself(cloud: Connection) -> None:
    assert cloud.current_project_id in {project.id for project in cloud.identity.projects()}
    user = cloud.identity.get_user(cloud.current_user_id)
    assert user.name == cloud.config.auth["username"]


def test_every_service_of_the_catalogue_is_found(cloud: Connection, live_site: LiveSite) -> None:
    for service in ("compute", "image", "network", "block-storage", "identity"):
        assert cloud.session.get_endpoint(service_type=service).startswith(live_site.root)


def test_a_program_works_with_an_application_credential(
    cloud: Connection, live_site: LiveSite
) -> None:
    made = cloud.identity.create_application_credential(
        user=cloud.current_user_id, name="robot", roles=[{"name": "reader"}]
    )
    robot = openstack.connect(
        auth_type="v3applicationcredential",
        auth_url=f"{live_site.root}/identity",
        application_credential_id=made.id,
        application_credential_secret=made.secret,
        region_name="RegionOne",
    )

    assert robot.current_project_id == cloud.current_project_id
    assert {flavor.name for flavor in robot.compute.flavors()}
    with pytest.raises(HttpException, match="os_compute_api:servers:create"):
        robot.compute.create_server(
            name="refused", image_id=made.id, flavor_id="1", networks="none"
        )
    robot.close()
    cloud.identity.delete_application_credential(cloud.current_user_id, made)
