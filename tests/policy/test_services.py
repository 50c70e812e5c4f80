"""The role ``service``: what the real services leave to it, in every project, and nothing else."""

from __future__ import annotations

import pytest

from compute_site.identity.assignments import Place, assign, find_role
from compute_site.identity.ids import stable_id
from compute_site.identity.models import Project
from compute_site.policy.rules import registry
from tests.world.cast import BETA, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_instance, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_service(cast: Cast) -> dict[str, str]:
    """The headers of a user who holds the role in project beta, and no other one."""
    user = make_user("robot")
    role = find_role(stable_id("role", "service"))
    assign(user, Place(project=cast.beta), role, by=user.pk)
    identity = {
        "methods": ["password"],
        "password": {"user": {"id": user.pk, "password": "secret"}},
    }
    scope = {"project": {"id": BETA}}
    body = {"auth": {"identity": identity, "scope": scope}}
    answer = ApiClient().post("//identity/v3/auth/tokens", body).expect(201)
    assert [one["name"] for one in answer.json["token"]["roles"]] == ["service"]
    return {"X-Auth-Token": answer.headers["X-Subject-Token"]}


def test_a_service_tells_of_what_it_has_done(as_service: dict[str, str]) -> None:
    server = make_instance()
    events = {"events": [{"name": "network-changed", "server_uuid": str(server.uuid)}]}
    answer = ApiClient().post("/os-server-external-events", events, headers=as_service)
    assert answer.expect(200).json["events"][0]["code"] == 200


def test_a_service_has_no_rights_of_people(as_service: dict[str, str]) -> None:
    client = ApiClient()
    client.get("/servers", headers=as_service).expect(403)
    client.post("/servers", {"server": {"name": "x"}}, headers=as_service).expect(400)
    client.get("//identity/v3/users", headers=as_service).expect(403)
    client.get("//placement/resource_providers", headers=as_service).expect(200)
    client.get("/os-hypervisors", headers=as_service).expect(403)


def test_new_projects_give_the_role_its_rules_at_its_first_use(cast: Cast) -> None:
    project = Project.objects.create(name="late")
    assert not project.roles.filter(role="service").exists()
    role = find_role(stable_id("role", "service"))
    assign(cast.member.user, Place(project=project), role, by=cast.admin.user_id)
    held = project.roles.get(role="service").group.permissions.values_list("codename", flat=True)
    assert set(held) == {rule.name for rule in registry if rule.of_services}
