"""Tokens of a Keystone elsewhere: who they stand for, what is remembered of them, and what comes of
a Keystone that is away.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from compute_site.identity.models import Project, User
from compute_site.neighbours.identity.api.signpost import SignpostMiddleware
from compute_site.neighbours.identity.keystone.memory import Memory
from compute_site.neighbours.identity.keystone.tokens import known_tokens, roles_here
from compute_site.secrets.sealing import unseal
from servers.models import BuildRequest, Instance
from tests.world.cast import Cast
from tests.world.client import Answer, ApiClient
from tests.world.elsewhere import LATER, Asked, Cloud, Told, cloud_elsewhere, joined
from tests.world.orders import Shop

pytestmark = pytest.mark.django_db

USER, PROJECT = "f" * 32, "9" * 32
PATH = "/v3/auth/tokens"
GROUP = {"server_group": {"name": "g", "policies": ["affinity"]}}
LOCAL = "compute_site.neighbours.identity.local"
OPENSTACK = "compute_site.neighbours.identity.openstack"


def shown(**changed: Any) -> Told:
    """What Keystone says of a token."""
    token = {
        "methods": ["password"],
        "expires_at": LATER,
        "user": {"id": USER, "name": "ada", "domain": {"id": "default", "name": "Default"}},
        "project": {"id": PROJECT, "name": "engines", "domain": {"id": "d", "name": "Works"}},
        "roles": [{"id": "1", "name": "member"}, {"id": "2", "name": "reader"}],
    }
    return Told(200, {"token": token | changed})


def with_roles(*names: str) -> Told:
    return shown(roles=[{"id": name, "name": name} for name in names])


@pytest.fixture
def keystone() -> Iterator[Cloud]:
    known_tokens.forget()
    with cloud_elsewhere(
        identity_service=OPENSTACK,
        image_service="compute_site.neighbours.image.local",
    ) as cloud:
        cloud.answers[f"GET {PATH}"] = shown()
        yield cloud
    known_tokens.forget()


def ask(path: str = "/servers", token: str = "a-token", method: str = "GET", **more: Any) -> Answer:
    return ApiClient().send(method, path, headers={"X-Auth-Token": token}, **more)


def times_asked(cloud: Cloud) -> int:
    return len(cloud.calls(PATH))


def test_keystone_is_asked_as_the_service_user(keystone: Cloud) -> None:
    ask().expect(200)
    (asked,) = keystone.calls(PATH)
    assert asked.headers["x-auth-token"] == "service-token-1"
    assert asked.headers["x-subject-token"] == "a-token"


def test_user_and_project_are_known_from_the_first_use_on(keystone: Cloud) -> None:
    ask().expect(200)
    project, user = Project.objects.get(pk=PROJECT), User.objects.get(pk=USER)
    assert (project.name, user.username) == ("engines", "ada")
    assert not user.has_usable_password()
    held = user.groups.values_list("project_role__role", flat=True)
    assert sorted(held) == ["member", "reader"]


def test_a_known_token_costs_what_a_local_one_does(keystone: Cloud, cast: Cast) -> None:
    ask().expect(200)
    with CaptureQueriesContext(connection) as of_keystone:
        ask().expect(200)
    with joined(keystone, identity_service=LOCAL):
        ApiClient(cast.member).get("/servers").expect(200)
        with CaptureQueriesContext(connection) as of_ours:
            ApiClient(cast.member).get("/servers").expect(200)
    assert len(of_keystone) == len(of_ours)
    assert times_asked(keystone) == 1


def test_what_is_remembered_ends_with_the_time_of_the_option(keystone: Cloud) -> None:
    with joined(
        keystone,
        identity_service=OPENSTACK,
        token_cache_seconds=0,
    ):
        for _ in range(2):
            ask().expect(200)
    assert times_asked(keystone) == 2


def test_a_revoked_token_is_refused_once_it_is_forgotten(keystone: Cloud) -> None:
    ask().expect(200)
    keystone.answers[f"GET {PATH}"] = Told(404, {"error": {"message": "unknown"}})
    known_tokens.forget()
    ask().expect(401)


def test_a_token_that_has_expired_meanwhile_is_asked_for_again(keystone: Cloud) -> None:
    soon = (dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)).isoformat()
    keystone.answers[f"GET {PATH}"] = shown(expires_at=soon)
    ask().expect(401)
    assert len(known_tokens) == 0


def test_an_expired_token_is_taken_from_a_service(keystone: Cloud) -> None:
    ended = (dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)).isoformat()

    def of_token(asked: Asked) -> Told:
        token = asked.headers["x-subject-token"]
        if token == "a-service":
            return with_roles("service")
        if token == "another-user":
            return with_roles("admin")
        if token == "a-token" and "allow_expired" in asked.path:
            return shown(expires_at=ended)
        return Told(404, {"error": {"message": "unknown"}})

    keystone.answers[f"GET {PATH}"] = of_token

    def status(token: str, service: str) -> int:
        headers = {"X-Auth-Token": token, "X-Service-Token": service}
        return ApiClient().send("GET", "/servers", headers=headers).status

    assert status("a-token", "a-service") == 200
    assert status("a-token", "another-user") == 401
    assert status("a-token", "unknown") == 401
    assert status("unknown", "a-service") == 401
    ask().expect(401)  # and it is not remembered


LIMITED = {
    "id": "c",
    "name": "narrow",
    "access_rules": [
        {"id": "r", "service": "compute", "method": "GET", "path": "/v2.1/servers"},
        {"id": "n", "service": "network", "method": "GET", "path": "/v2.0/networks"},
    ],
}


def test_the_access_rules_of_a_credential_bind(keystone: Cloud) -> None:
    keystone.answers[f"GET {PATH}"] = shown(
        methods=["application_credential"], application_credential=LIMITED
    )
    for _ in range(2):  # the second is of what is remembered
        ask().expect(200)
        ask("/flavors").expect(401)
        ask(method="POST", path="/os-server-groups", body=GROUP).expect(401)
    assert times_asked(keystone) == 1
    assert keystone.calls(PATH)[0].headers["openstack-identity-access-rules"] == "1.0"
    headers = {"HTTP_X_AUTH_TOKEN": "a-token"}
    assert Client().get("/network/v2.0/networks", **headers).status_code == 200
    assert Client().get("/network/v2.0/subnets", **headers).status_code == 401


def test_a_credential_with_no_access_rules_at_all_may_do_nothing(keystone: Cloud) -> None:
    keystone.answers[f"GET {PATH}"] = shown(
        methods=["application_credential"], application_credential=LIMITED | {"access_rules": []}
    )
    ask().expect(401)
    keystone.answers[f"GET {PATH}"] = shown(
        methods=["application_credential"], application_credential=LIMITED | {"access_rules": None}
    )
    ask(token="of-an-open-one").expect(200)


def test_what_a_service_does_for_a_user_the_access_rules_do_not_limit(keystone: Cloud) -> None:
    def of_token(asked: Asked) -> Told:
        token = asked.headers["x-subject-token"]
        if token == "limited":
            return shown(methods=["application_credential"], application_credential=LIMITED)
        return with_roles("service" if token == "a-service" else "admin")

    keystone.answers[f"GET {PATH}"] = of_token

    def status(service: str) -> int:
        headers = {"X-Auth-Token": "limited", "X-Service-Token": service}
        return ApiClient().send("GET", "/flavors", headers=headers).status

    assert (status("a-service"), status("another-user"), status("")) == (200, 401, 401)


def test_users_of_a_directory_have_long_ids(keystone: Cloud) -> None:
    user = {"id": "f" * 64, "name": "ada", "domain": {"id": "default", "name": "Default"}}
    keystone.answers[f"GET {PATH}"] = shown(user=user)
    ask(method="POST", body=Shop().body(networks=None)).expect(202)
    assert Instance.objects.get().user_id == "f" * 64
    known_tokens.forget()
    keystone.answers[f"GET {PATH}"] = shown(user=user | {"id": "f" * 65})
    ask().expect(403)


def test_ids_of_projects_are_no_longer_than_those_of_keystone(keystone: Cloud) -> None:
    project = {"id": "9" * 37, "name": "engines", "domain": {"id": "d", "name": "Works"}}
    keystone.answers[f"GET {PATH}"] = shown(project=project)
    ask().expect(403)


@pytest.mark.parametrize("token", ["t" * 9000, "häh", "two\nlines"])
def test_what_can_be_no_token_is_not_asked_for(keystone: Cloud, token: str) -> None:
    client = ApiClient()
    answer = client.http.get("/compute/v2.1/servers", HTTP_X_AUTH_TOKEN=token)
    assert answer.status_code == 401
    assert times_asked(keystone) == 0


@pytest.mark.parametrize("told", [Told(500), Told(403), Told(200, {}), Told(200, b"[")])
def test_a_keystone_that_cannot_be_used_is_503(keystone: Cloud, told: Told) -> None:
    keystone.answers[f"GET {PATH}"] = told
    answer = ask().expect(503)
    assert "identity service" in answer.message
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize(
    "told",
    [
        with_roles("heat_stack_owner"),
        with_roles(),
        shown(project=None),
        shown(project=None, system={"all": True}),
        shown(project=None, domain={"id": "default", "name": "Default"}),
    ],
)
def test_a_token_without_a_project_or_a_role_that_counts_is_403(
    keystone: Cloud, told: Told
) -> None:
    keystone.answers[f"GET {PATH}"] = told
    ask().expect(403)


def test_the_roles_of_the_token_decide(keystone: Cloud) -> None:
    keystone.answers[f"GET {PATH}"] = with_roles("reader")
    ask(method="POST", path="/os-server-groups", body=GROUP).expect(403)
    keystone.answers[f"GET {PATH}"] = with_roles("admin", "member", "reader")
    ask("/os-hypervisors", token="of-an-admin").expect(200)
    ask("/os-hypervisors").expect(403)


def test_a_role_that_is_lost_in_keystone_is_lost_here(keystone: Cloud) -> None:
    ask().expect(200)
    keystone.answers[f"GET {PATH}"] = with_roles("reader")
    ask(token="the-next").expect(200)
    held = User.objects.get(pk=USER).groups.values_list("project_role__role", flat=True)
    assert list(held) == ["reader"]


def test_a_token_of_an_application_credential_takes_no_roles(keystone: Cloud) -> None:
    ask().expect(200)
    keystone.answers[f"GET {PATH}"] = shown(
        methods=["application_credential"], roles=[{"id": "2", "name": "reader"}]
    )
    answer = ask(token="of-a-program", method="POST", path="/os-server-groups", body=GROUP)
    answer.expect(403)
    held = User.objects.get(pk=USER).groups.values_list("project_role__role", flat=True)
    assert "member" in held


def test_other_services_tell_of_changes(keystone: Cloud) -> None:
    events = {"events": [{"name": "network-changed", "server_uuid": "f" * 32}]}
    ask(method="POST", path="/os-server-external-events", body=events).expect(403)
    keystone.answers[f"GET {PATH}"] = with_roles("service")
    told = ask(token="of-neutron", method="POST", path="/os-server-external-events", body=events)
    assert told.status in (200, 207, 400, 404), told.content
    assert told.status != 403
    ask("/os-hypervisors", token="of-neutron").expect(403)


def test_roles_mean_what_the_option_says(keystone: Cloud) -> None:
    with joined(keystone, identity_roles=("heat_stack_owner=member",)):
        assert roles_here(["heat_stack_owner", "reader", "unheard-of"]) == {"member", "reader"}


def test_names_that_are_taken_get_the_domain(keystone: Cloud) -> None:
    User.objects.create(username="ada")
    User.objects.create(username="ada (Default)")
    Project.objects.create(name="engines")
    ask().expect(200)
    project = Project.objects.get(pk=PROJECT)
    assert (project.name, project.domain_id, project.domain.name) == ("engines", "d", "Works")
    assert User.objects.get(pk=USER).username == f"ada ({USER})"


def test_a_new_name_in_keystone_is_a_new_name_here(keystone: Cloud) -> None:
    ask().expect(200)
    project = {"id": PROJECT, "name": "looms", "domain": {"id": "d", "name": "Works"}}
    keystone.answers[f"GET {PATH}"] = shown(project=project)
    ask(token="the-next").expect(200)
    assert Project.objects.get(pk=PROJECT).name == "looms"


def test_who_is_disabled_here_gets_nothing(keystone: Cloud) -> None:
    ask().expect(200)
    User.objects.filter(pk=USER).update(is_active=False)
    ask().expect(403)


def test_quotas_are_for_projects_that_keystone_knows(keystone: Cloud) -> None:
    keystone.answers[f"GET {PATH}"] = with_roles("admin")
    known = {"project": {"id": "7" * 32, "name": "new", "domain_id": "default"}}
    keystone.answers[f"GET /v3/projects/{'7' * 32}"] = Told(200, known)
    ask(f"/os-quota-sets/{'7' * 32}").expect(200)
    assert Project.objects.filter(pk="7" * 32, name="new").exists()
    ask(f"/os-quota-sets/{'8' * 32}").expect(400)


def test_a_build_goes_on_with_the_token_of_the_owner(keystone: Cloud) -> None:
    ask(method="POST", body=Shop().body(networks=None)).expect(202)
    assert unseal(BuildRequest.objects.get().user_token) == "a-token"


@pytest.mark.parametrize(
    "path", ["/identity", "/identity/v3/auth/tokens", "/identity/v3", "/schema/identity/"]
)
def test_the_way_to_keystone_stands_where_the_own_identity_api_was(
    keystone: Cloud, path: str
) -> None:
    answer = SignpostMiddleware(lambda _: HttpResponse("served"))(RequestFactory().get(path))
    assert answer.status_code == 404
    assert f"{keystone.url}/v3".encode() in answer.content
    for other in ("/image", "/schema/image/", "/schema/"):
        served = SignpostMiddleware(lambda _: HttpResponse("served"))(RequestFactory().get(other))
        assert served.content == b"served"
    others = Client().get("/docs/").content
    assert (b"?api=identity" in others, b"?api=image" in others) == (False, True)


def test_a_memory_holds_no_more_than_it_may() -> None:
    memory: Memory[int] = Memory()
    for number in range(5):
        memory.keep(str(number), number, seconds=60, most=3)
        memory.find("2")
    assert len(memory) == 3
    assert (memory.find("2"), memory.find("0"), memory.find("4")) == (2, None, 4)
