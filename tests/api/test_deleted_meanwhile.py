"""Whatever a request found may be deleted before it ends: at any statement of it.

Each case is sent as often as it has statements. Before each of them, in turn, somebody else deletes
the thing, unless the request holds a lock on it by then.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.models import Model
from django.utils import timezone

from compute_site.identity.leaving import remove_owner
from compute_site.identity.models import Project, Role, User
from compute_site.neighbours.network.models import FixedIp, Network, Port
from compute_site.neighbours.volume.models import Snapshot, Volume, VolumeType
from flavors.models import Flavor
from quotas.models import Limit, Usage
from servers.models import (
    Aggregate,
    BuildRequest,
    Instance,
    KeyPair,
    RequestSpec,
    ServerGroup,
    Service,
)
from tests.world.cast import Cast, Persona
from tests.world.client import Answer, ApiClient
from tests.world.factories import (
    make_flavor,
    make_image,
    make_instance,
    make_network,
    make_port,
    make_project,
    make_security_group,
    make_server_group,
    make_user,
    make_volume,
    number,
)
from tests.world.hosts import make_host
from tests.world.jobs import queued
from tests.world.keys import ED25519
from tests.world.people import make_persona

pytestmark = pytest.mark.django_db(transaction=True)

AFTER_AUTHENTICATION = 2
MOST_STATEMENTS = 80
client_of = functools.cache(ApiClient)
PARTS = 4


class Other:
    """Another session, which does not wait long for locks. It has a thread of its own."""

    def __init__(self) -> None:
        self.thread = ThreadPoolExecutor(1)
        self.thread.submit(self._begin).result()

    def run(self, delete: Callable[[], object]) -> bool:
        """``False``: a lock stands in the way."""
        return self.thread.submit(self._run, delete).result()

    def end(self) -> None:
        self.thread.submit(self._end).result()
        self.thread.shutdown()

    @staticmethod
    def _begin() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '20ms'")

    @staticmethod
    def _end() -> None:
        connection.close()  # that of this thread

    @staticmethod
    def _run(delete: Callable[[], object]) -> bool:
        try:
            delete()
        except OperationalError:
            return False  # the request holds it: then it cannot be gone
        return True


@pytest.fixture
def other() -> Iterator[Other]:
    session = Other()
    yield session
    session.end()


class Before:
    """Runs ``delete`` in another session, before the statement of this number."""

    def __init__(self, other: Other, statement: int, delete: Callable[[], object]) -> None:
        self.other = other
        self.statement = statement
        self.delete = delete
        self.seen = 0
        self.deleted = False

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        self.seen += 1
        if self.seen == self.statement:
            self.deleted = self.other.run(self.delete)
        return execute(sql, params, many, context)


@dataclasses.dataclass(frozen=True)
class Case:
    """One request, and what is deleted while it runs."""

    send: Callable[[], Answer]
    delete: Callable[[], object]


@pytest.fixture(autouse=True)
def _much_room(cast: Cast) -> None:
    for resource in ("instances", "cores", "ram", "server_groups"):
        Limit.objects.create(project=cast.alpha, resource=resource, limit=-1)


def gone(row: Model) -> Callable[[], object]:
    """Deletes the row."""
    return lambda: type(row)._default_manager.filter(pk=row.pk).delete()


def newcomer(role: Role = Role.MEMBER) -> Persona:
    """Somebody in a project of its own."""
    return make_persona(make_project(), role)


def a_port(network: Network, **fields: Any) -> Port:
    """One with an address."""
    port, subnet = make_port(network, **fields), network.subnets.get()
    address = subnet.allocation_pools[0]["start"]
    FixedIp.objects.create(port=port, network=network, subnet=subnet, address=address)
    return port


# what is ordered with a server


def order(deleted: str) -> Case:
    """A server with everything that can be ordered."""
    persona = newcomer() if deleted in ("project", "user") else Cast.member
    mine = {"project_id": persona.project_id}
    key_name = f"key-{number()}"
    parts: dict[str, Any] = {
        "flavor": make_flavor(),
        "image": make_image(),
        "network": make_network(**mine),
        "group": make_server_group(**mine, user_id=persona.user_id),
        "key": KeyPair.objects.create(
            user_id=persona.user_id, name=key_name, public_key=ED25519, fingerprint="f"
        ),
        "security_group": make_security_group(**mine),
        "volume": make_volume(**mine),
    }
    parts["port"] = a_port(parts["network"])
    root = {"source_type": "image", "destination_type": "local", "boot_index": 0}
    data = {"source_type": "volume", "destination_type": "volume", "boot_index": -1}
    server = {
        "name": "web",
        "flavorRef": parts["flavor"].flavorid,
        "imageRef": str(parts["image"].pk),
        "networks": [{"uuid": str(parts["network"].pk)}, {"port": str(parts["port"].pk)}],
        "key_name": key_name,
        "security_groups": [{"name": parts["security_group"].name}],
        "tags": ["blue"],
        "block_device_mapping_v2": [
            {**root, "uuid": str(parts["image"].pk)},
            {**data, "uuid": str(parts["volume"].pk)},
        ],
    }
    body = {"server": server, "os:scheduler_hints": {"group": str(parts["group"].uuid)}}
    owners = {
        "project": lambda: remove_owner(Project.objects.get(pk=persona.project_id)),
        "user": lambda: remove_owner(User.objects.get(pk=persona.user_id)),
    }
    return Case(
        send=lambda: client_of(persona).post("/servers", body, microversion="2.60"),
        delete=owners.get(deleted) or gone(parts[deleted]),
    )


# what is asked of servers


def make_running(persona: Persona) -> Instance:
    if not Service.objects.filter(host="host").exists():
        make_host("host")
    server = make_instance(
        project_id=persona.project_id,
        user_id=persona.user_id,
        vm_state="active",
        launched_at=timezone.now(),
        image_ref=str(make_image().pk),
    )
    RequestSpec.objects.create(instance=server, flavor=server.flavor)
    return server


def of_server(method: str, path: str, body: Any = None, version: str = "2.100") -> Case:
    """A request about a server that is deleted."""
    persona = Cast.admin
    server = make_running(persona)

    def end() -> None:
        Instance.objects.filter(pk=server.pk).update(
            vm_state="deleted", deleted_at=timezone.now(), host=None, node=None
        )

    url = f"/servers/{server.uuid}{path}"
    return Case(
        send=lambda: client_of(persona).send(method, url, body, microversion=version), delete=end
    )


def on_server(what: str) -> Case:
    """Something is given to a server that stays."""
    persona = Cast.member
    server = make_running(persona)
    mine = {"project_id": persona.project_id}
    network = make_network(**mine)
    parts: dict[str, Any] = {
        "volume": make_volume(**mine),
        "port": a_port(network),
        "network": network,
        "group": make_security_group(**mine),
        "flavor": make_flavor(memory_mb=2048),
        "image": make_image(),
    }
    interface = "interfaceAttachment"
    if what == "group":
        a_port(make_network(**mine), device_id=str(server.uuid), device_owner="compute:nova")
    requests = {
        "volume": (
            "os-volume_attachments",
            {"volumeAttachment": {"volumeId": str(parts["volume"].pk)}},
        ),
        "port": ("os-interface", {interface: {"port_id": str(parts["port"].pk)}}),
        "network": ("os-interface", {interface: {"net_id": str(network.pk)}}),
        "group": ("action", {"addSecurityGroup": {"name": parts["group"].name}}),
        "flavor": ("action", {"resize": {"flavorRef": parts["flavor"].flavorid}}),
        "image": ("action", {"rebuild": {"imageRef": str(parts["image"].pk)}}),
    }
    path, body = requests[what]
    return Case(
        send=lambda: client_of(persona).post(f"/servers/{server.uuid}/{path}", body),
        delete=gone(parts[what]),
    )


# what else is made


def of_owner(method: str, path: str, body: Any, *, user: bool = False) -> Case:
    """A request of somebody who is deleted, or whose project is."""
    persona = newcomer(Role.ADMIN)
    path = path.format(project=persona.project_id, user=persona.user_id)
    owner = (
        User.objects.filter(pk=persona.user_id)
        if user
        else Project.objects.filter(pk=persona.project_id)
    )
    return Case(
        send=lambda: client_of(persona).send(method, path, body, microversion="2.60"),
        delete=lambda: remove_owner(owner.get()),
    )


def with_thing(make: Callable[[Persona], Any], method: str, path: str, body: str = "") -> Case:
    """A request that names a thing; ``{}`` in the path and in the body stands for its id."""
    persona = Cast.admin
    thing = make(persona)
    column = {Flavor: "flavorid", ServerGroup: "uuid"}.get(type(thing), "pk")
    name = str(getattr(thing, column))
    data = body.replace("ID", name).replace("PROJECT", persona.project_id).encode() or None
    return Case(
        send=lambda: client_of(persona).send(method, path.replace("ID", name), data),
        delete=gone(thing),
    )


def a_flavor(_: Persona) -> Any:
    return make_flavor(is_public=False)


def a_network(persona: Persona) -> Any:
    return make_network(project_id=persona.project_id)


def a_group(persona: Persona) -> Any:
    return make_security_group(project_id=persona.project_id)


def a_volume(persona: Persona) -> Any:
    return make_volume(project_id=persona.project_id)


def a_snapshot(persona: Persona) -> Any:
    return Snapshot.objects.create(project_id=persona.project_id, volume=a_volume(persona), size=1)


def a_volume_type(_: Persona) -> Any:
    return VolumeType.objects.create(name=f"type-{number()}")


def a_user(_: Persona) -> Any:
    return make_user()


def a_server_group(persona: Persona) -> Any:
    return make_server_group(project_id=persona.project_id, user_id=persona.user_id)


def an_aggregate(_: Persona) -> Any:
    return Aggregate.objects.create(name=f"rack-{number()}")


def a_service(_: Persona) -> Any:
    return make_host().service


def add_host_to(deleted: str) -> Case:
    persona = Cast.admin
    rack, service = an_aggregate(persona), a_service(persona)
    body = {"add_host": {"host": service.host}}
    return Case(
        send=lambda: client_of(persona).post(f"/os-aggregates/{rack.pk}/action", body),
        delete=gone(rack if deleted == "rack" else service),
    )


ACCESS = '{"addTenantAccess": {"tenant": "PROJECT"}}'
SPECS = '{"extra_specs": {"hw:cpu_policy": "shared"}}'
RULE = '{"security_group_rule": {"security_group_id": "ID", "direction": "ingress"}}'
SUBNET = '{"subnet": {"network_id": "ID", "cidr": "10.99.0.0/24", "ip_version": 4}}'
GRANT = "//identity/v3/projects/{project}/users/{user}/roles"

CASES: dict[str, Callable[[], Case]] = {
    **{
        f"order {what}": lambda what=what: order(what)
        for what in (
            "flavor",
            "image",
            "network",
            "port",
            "group",
            "key",
            "security_group",
            "volume",
            "project",
            "user",
        )
    },
    **{
        f"give {what}": lambda what=what: on_server(what)
        for what in ("volume", "port", "network", "group", "flavor", "image")
    },
    "stop": lambda: of_server("POST", "/action", {"os-stop": None}),
    "resize": lambda: of_server(
        "POST", "/action", {"resize": {"flavorRef": make_flavor().flavorid}}
    ),
    "lock": lambda: of_server("POST", "/action", {"lock": None}),
    "reset": lambda: of_server("POST", "/action", {"os-resetState": {"state": "error"}}),
    "image of": lambda: of_server("POST", "/action", {"createImage": {"name": "a"}}),
    "backup of": lambda: of_server(
        "POST", "/action", {"createBackup": {"name": "a", "backup_type": "d", "rotation": 1}}
    ),
    "shelve": lambda: of_server("POST", "/action", {"shelve": None}),
    "rebuild": lambda: of_server(
        "POST", "/action", {"rebuild": {"imageRef": str(make_image().pk)}}
    ),
    "rescue": lambda: of_server("POST", "/action", {"rescue": None}),
    "crash": lambda: of_server("POST", "/action", {"trigger_crash_dump": None}),
    "console": lambda: of_server(
        "POST", "/remote-consoles", {"remote_console": {"protocol": "vnc", "type": "novnc"}}
    ),
    "output": lambda: of_server("POST", "/action", {"os-getConsoleOutput": {}}),
    "delete": lambda: of_server("DELETE", ""),
    "force delete": lambda: of_server("POST", "/action", {"forceDelete": None}),
    "show": lambda: of_server("GET", ""),
    "update": lambda: of_server("PUT", "", {"server": {"name": "new"}}),
    "metadata": lambda: of_server("POST", "/metadata", {"metadata": {"a": "b"}}),
    "tag": lambda: of_server("PUT", "/tags/blue"),
    "tags": lambda: of_server("PUT", "/tags", {"tags": ["blue"]}),
    "diagnostics": lambda: of_server("GET", "/diagnostics"),
    "password": lambda: of_server("DELETE", "/os-server-password"),
    "key pair of user": lambda: of_owner(
        "POST", "/os-keypairs", {"keypair": {"name": "k"}}, user=True
    ),
    "server group of project": lambda: of_owner(
        "POST", "/os-server-groups", {"server_group": {"name": "g", "policies": ["affinity"]}}
    ),
    "quota of project": lambda: of_owner(
        "PUT", "/os-quota-sets/{project}", {"quota_set": {"cores": 5}}
    ),
    "quota of user": lambda: of_owner(
        "PUT", "/os-quota-sets/{project}?user_id={user}", {"quota_set": {"cores": 5}}, user=True
    ),
    "network of project": lambda: of_owner(
        "POST", "//network/v2.0/networks", {"network": {"name": "n"}}
    ),
    "security group of project": lambda: of_owner(
        "POST", "//network/v2.0/security-groups", {"security_group": {"name": "n"}}
    ),
    "volume of project": lambda: of_owner("POST", "//volume/v3/volumes", {"volume": {"size": 1}}),
    "image of project": lambda: of_owner(
        "POST",
        "//image/v2/images",
        {"name": "i", "disk_format": "raw", "container_format": "bare"},
    ),
    "credential of user": lambda: of_owner(
        "POST",
        "//identity/v3/users/{user}/application_credentials",
        {"application_credential": {"name": "c"}},
        user=True,
    ),
    "access to flavor": lambda: with_thing(a_flavor, "POST", "/flavors/ID/action", ACCESS),
    "specs of flavor": lambda: with_thing(a_flavor, "POST", "/flavors/ID/os-extra_specs", SPECS),
    "flavor twice": lambda: with_thing(a_flavor, "DELETE", "/flavors/ID"),
    "server group twice": lambda: with_thing(a_server_group, "DELETE", "/os-server-groups/ID"),
    "aggregate twice": lambda: with_thing(an_aggregate, "DELETE", "/os-aggregates/ID"),
    "aggregate": lambda: with_thing(
        an_aggregate, "PUT", "/os-aggregates/ID", '{"aggregate": {"name": "new-ID"}}'
    ),
    "host of aggregate": lambda: add_host_to("host"),
    "aggregate of host": lambda: add_host_to("rack"),
    "service": lambda: with_thing(a_service, "DELETE", "/os-services/ID"),
    "subnet of network": lambda: with_thing(a_network, "POST", "//network/v2.0/subnets", SUBNET),
    "port of network": lambda: with_thing(
        a_network, "POST", "//network/v2.0/ports", '{"port": {"network_id": "ID"}}'
    ),
    "network twice": lambda: with_thing(a_network, "DELETE", "//network/v2.0/networks/ID"),
    "rule of group": lambda: with_thing(
        a_group, "POST", "//network/v2.0/security-group-rules", RULE
    ),
    "security group twice": lambda: with_thing(
        a_group, "DELETE", "//network/v2.0/security-groups/ID"
    ),
    "snapshot of volume": lambda: with_thing(
        a_volume, "POST", "//volume/v3/snapshots", '{"snapshot": {"volume_id": "ID"}}'
    ),
    "volume twice": lambda: with_thing(a_volume, "DELETE", "//volume/v3/volumes/ID"),
    "volume of snapshot": lambda: with_thing(
        a_snapshot, "POST", "//volume/v3/volumes", '{"volume": {"size": 1, "snapshot_id": "ID"}}'
    ),
    "volume of type": lambda: with_thing(
        a_volume_type, "POST", "//volume/v3/volumes", '{"volume": {"size": 1, "volume_type": "ID"}}'
    ),
}


@pytest.mark.parametrize("part", range(PARTS))
def test_it_is_never_our_fault(other: Other, part: int, settings: Any) -> None:
    """Many cases a test: emptying the database after each of them would take most of the time."""
    limits = ("volumes", "snapshots", "gigabytes", "networks", "subnets", "ports")
    unlimited = dict.fromkeys((f"quota_{limit}" for limit in limits), -1)
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, **unlimited)
    for name in list(CASES)[part::PARTS]:
        answers = list(answers_of(other, CASES[name]))
        assert answers, name
        for statement, answer in enumerate(answers, start=AFTER_AUTHENTICATION):
            assert answer.status < 500, f"{name}, before statement {statement}: {answer.content!r}"


def answers_of(other: Other, make_case: Callable[[], Case]) -> Iterator[Answer]:
    for statement in range(AFTER_AUTHENTICATION, MOST_STATEMENTS):
        case = make_case()
        meanwhile = Before(other, statement, case.delete)
        with connection.execute_wrapper(meanwhile):
            answer = case.send()
        if meanwhile.seen < statement:
            assert answer.status < 400, answer.content  # else the case would show nothing
            return
        yield answer
    pytest.fail("the request never ends")


CHANGES: dict[str, tuple[Callable[[], Model], str, Any]] = {
    "image": (
        lambda: make_image(owner_id=Cast.admin.project_id),
        "//image/v2/images/ID",
        [{"op": "replace", "path": "/name", "value": "new"}],
    ),
    "project": (make_project, "//identity/v3/projects/ID", {"project": {"description": "new"}}),
    "user": (make_user, "//identity/v3/users/ID", {"user": {"description": "new"}}),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_brings_nothing_back(other: Other, what: str) -> None:
    make, path, body = CHANGES[what]
    for statement in range(AFTER_AUTHENTICATION, MOST_STATEMENTS):
        thing = make()
        meanwhile = Before(other, statement, gone(thing))
        with connection.execute_wrapper(meanwhile):
            answer = client_of(Cast.admin).send("PATCH", path.replace("ID", str(thing.pk)), body)
        exists = type(thing)._default_manager.filter(pk=thing.pk).exists()
        assert exists is not meanwhile.deleted, (statement, answer.content)
        if meanwhile.seen < statement:
            return


def test_a_refused_order_leaves_nothing(other: Other) -> None:
    answers = list(answers_of(other, CASES["order flavor"]))
    assert {answer.status for answer in answers} == {400, 409}
    accepted = 1  # the last one, which was not disturbed
    assert Instance.objects.count() == BuildRequest.objects.count() == accepted
    assert (
        Usage.objects.get(project=Cast.member.project_id, resource="instances").in_use == accepted
    )
    assert Volume.objects.exclude(status="available").count() == accepted
    assert len(queued()) == accepted


def test_who_is_refused_learns_what_is_gone(other: Other) -> None:
    answers = [
        answer for answer in answers_of(other, CASES["order flavor"]) if answer.status == 409
    ]
    assert {answer.fault for answer in answers} == {"conflictingRequest"}
    assert all("flavor" in answer.message for answer in answers)
