"""Unmodified clients and the identity API: log in, look around, make application credentials,
projects and users.
"""

from __future__ import annotations

import openstack
import pytest
from openstack.connection import Connection
from openstack.exceptions import HttpException

from tests.clients.conftest import LiveSite, Openstack

pytestmark = [
    pytest.mark.clients,
    pytest.mark.filterwarnings("ignore"),  # the warnings of clients are their own
]


def test_a_user_sees_the_own_project_and_oneself(cloud: Connection) -> None:
    own = cloud.identity.user_projects(cloud.current_user_id)
    assert cloud.current_project_id in {project.id for project in own}
    assert cloud.identity.get_project(cloud.current_project_id).id == cloud.current_project_id
    with pytest.raises(HttpException, match="identity:list_projects"):
        list(cloud.identity.projects())
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


def test_a_program_works_as_a_client_of_oauth(cloud: Connection, live_site: LiveSite) -> None:
    made = cloud.identity.create_application_credential(
        user=cloud.current_user_id, name="client", roles=[{"name": "reader"}]
    )
    endpoint = f"{live_site.root}/identity/v3/OS-OAUTH2/token"
    client = openstack.connect(
        auth_type="v3oauth2clientcredential",
        auth_url=f"{live_site.root}/identity",
        oauth2_endpoint=endpoint,
        oauth2_client_id=made.id,
        oauth2_client_secret=made.secret,
        region_name="RegionOne",
    )
    assert {flavor.name for flavor in client.compute.flavors()}
    assert {network.name for network in client.network.networks()}
    sent = client.session.auth.get_headers(client.session)
    assert set(sent) == {"X-Auth-Token", "Authorization"}
    bearer = {"Authorization": sent["Authorization"]}
    url = client.session.get_endpoint(service_type="compute") + "/servers"
    assert client.session.get(url, authenticated=False, headers=bearer).status_code == 200
    client.close()
    cloud.identity.delete_application_credential(cloud.current_user_id, made)


def test_a_new_project_with_a_new_user_launches_a_server(
    run_openstack: Openstack, live_site: LiveSite
) -> None:
    project = run_openstack("project create --description fresh gamma", cloud="admin")
    user = run_openstack("user create --project gamma --password pw gina", cloud="admin")
    assert run_openstack("user list --project gamma", cloud="admin") == []
    run_openstack("role add --user gina --project gamma member", cloud="admin")
    held = run_openstack("role assignment list --names --project gamma", cloud="admin")
    assert [(row["User"], row["Role"]) for row in held] == [("gina@Default", "member")]
    gina = openstack.connect(
        auth_url=f"{live_site.root}/identity",
        username="gina",
        password="pw",
        project_name="gamma",
        user_domain_id="default",
        project_domain_id="default",
        region_name="RegionOne",
    )
    network = gina.create_network("own")
    gina.create_subnet("own", cidr="10.6.0.0/24")

    server = gina.create_server(
        "first", image="cirros", flavor="m1.tiny", network="own", auto_ip=False, wait=True
    )

    assert (server.status, server.project_id) == ("ACTIVE", project["id"])
    assert "servers" in run_openstack.refused("project delete gamma", cloud="admin")
    assert gina.delete_server("first", wait=True)
    assert gina.delete_network(network.id)
    gina.close()
    run_openstack("role remove --user gina --project gamma member", cloud="admin")
    run_openstack("project delete gamma", cloud="admin")
    run_openstack("user delete gina", cloud="admin")
    assert user["id"] not in {row["ID"] for row in run_openstack("user list", cloud="admin")}


def test_the_cloud_layer_makes_projects_and_users(admin_cloud: Connection) -> None:
    project = admin_cloud.create_project("delta", "default", description="fresh")
    user = admin_cloud.create_user(
        "dora", password="pw", default_project=project.id, domain_id="default"
    )
    assert admin_cloud.grant_role("member", user="dora", project="delta")
    assert [found.id for found in admin_cloud.list_role_assignments({"project": project.id})]
    assert admin_cloud.update_project("delta", enabled=False).is_enabled is False
    assert admin_cloud.revoke_role("member", user="dora", project="delta")
    assert admin_cloud.delete_user(user.id)
    assert admin_cloud.delete_project("delta")
    assert admin_cloud.search_projects("delta") == []
