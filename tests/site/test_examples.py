"""The examples of the API's documents: each one succeeds in the cloud of the quickstart."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction

from compute_site.api import demo
from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.version import NEWEST, OLDEST, Microversion
from compute_site.api.openapi import IN_PATH, find_operations, openapi_document
from compute_site.cloudfile import load
from compute_site.identity.models import Project, User
from compute_site.neighbours.network.models import SecurityGroup
from compute_site.neighbours.volume.models import Volume
from flavors.models import Flavor
from servers.models import Migration, Service
from servers.models.aggregate import Aggregate
from tests.world.client import Answer, ApiClient
from tests.world.jobs import run_jobs

DEMO = Path(load.__file__).with_name("demo.yaml")
WRITING = [
    (method, path, contract)
    for method, path, contract in find_operations()
    if method in ("POST", "PUT")
]


def ask(method: str, path: str, body: Any, version: Microversion, user: str = "admin") -> Answer:
    """As the page sends it: with name and password, and the version of the page."""
    secret = base64.b64encode(f"{user}:{user}".encode()).decode()
    headers = {"Authorization": f"Basic {secret}", "X-Project-Name": "demo"}
    return ApiClient().send(method, path, body, microversion=str(version), headers=headers)


@pytest.fixture
def server_id(db: None) -> str:
    """The cloud of the quickstart, in which somebody has made a server."""
    call_command("loadcloud", str(DEMO), verbosity=0)
    made = ask("POST", "/servers", demo.NEW_SERVER, NEWEST, user="demo").expect(202)
    run_jobs()
    return str(made.json["server"]["id"])


def attach(server_id: str) -> None:
    body = {"volumeAttachment": {"volumeId": demo.VOLUME}}
    ask("POST", f"/servers/{server_id}/os-volume_attachments", body, NEWEST).expect(202)
    run_jobs()
    Volume.objects.filter(pk=demo.VOLUME).update(migration_status="migrating")  # to be swapped


def move(server_id: str) -> None:
    body = {"os-migrateLive": {"host": None, "block_migration": "auto"}}
    ask("POST", f"/servers/{server_id}/action", body, NEWEST).expect(202)
    Migration.objects.update(status="running")


def make_private(_: str) -> None:
    Flavor.objects.filter(flavorid=IN_PATH["flavor_id"]).update(is_public=False)


def make_group(_: str) -> None:
    group = {"security_group": {"name": "web", "description": "of servers for the web"}}
    ask("POST", "/os-security-groups", group, OLDEST).expect(200)


FIRST: Mapping[str, Callable[[str], None]] = {
    "PUT /servers/{server_id}/os-volume_attachments/{volume_id}": attach,
    "POST /servers/{server_id}/migrations/{migration_id}/action": move,
    "POST /flavors/{flavor_id}/action": make_private,
    "POST /os-assisted-volume-snapshots": attach,
    "PUT /os-security-groups/{security_group_id}": make_group,
    "POST /os-security-group-rules": make_group,
}
"""What has to be there before the request."""
WITHOUT_SERVICE = "POST /servers/{server_id}/shares"
"""No service of shares belongs to the cloud of the quickstart."""


def things(server_id: str, version: Microversion) -> dict[str, str]:
    """The parts of paths."""
    service = Service.objects.get(host=demo.HOST)
    named = version < Microversion.parse("2.53")
    migration = Migration.objects.order_by("-pk").first()
    group = SecurityGroup.objects.filter(description="of servers for the web").first()
    return {
        **IN_PATH,
        "server_id": server_id,
        "aggregate_id": str(Aggregate.objects.earliest("pk").pk),
        "service_id": "disable" if named else str(service.uuid),
        "owner": Project.objects.get(name="demo").pk,
        "user_id": User.objects.get(username="reader").pk,
        "migration_id": str(migration.pk if migration else 0),
        "security_group_id": str(group.pk if group else ""),
    }


def is_there(contract: Contract, path: str, method: str, version: Microversion) -> bool:
    return method.lower() in openapi_document(version)["paths"].get(f"/compute/v2.1{path}", {})


def fail(server_id: str, version: Microversion) -> dict[str, str]:
    """Every example that does not succeed, with what was answered."""
    told = {}
    for method, path, contract in WRITING:
        name = f"{method} {path}"
        if name == WITHOUT_SERVICE or not is_there(contract, path, method, version):
            continue
        point = transaction.savepoint()
        FIRST.get(name, str)(server_id)
        url = re.sub(r"{(\w+)}", lambda part: things(server_id, version)[part[1]], path)
        of_group = path == "/os-security-group-rules"
        whose = things(server_id, version)["security_group_id"] if of_group else server_id
        text = json.dumps(contract.example_at(version)).replace(demo.SERVER, whose)
        text = text.replace(demo.PROJECT, Project.objects.get(name="demo").pk)
        answer = ask(method, url, None if text == "null" else json.loads(text), version)
        if not 200 <= answer.status < 300 or answer.status == 207:
            told[name] = f"{answer.status} {answer.content.decode()[:200]}"
        transaction.savepoint_rollback(point)
    return told


@pytest.mark.parametrize("version", [OLDEST, NEWEST], ids=str)
def test_every_example_succeeds(server_id: str, version: Microversion) -> None:
    told = fail(server_id, version)
    assert not told, "\n".join(f"{name}: {words}" for name, words in told.items())


def test_everything_with_a_body_has_an_example() -> None:
    assert [
        f"{method} {path}"
        for method, path, contract in WRITING
        if contract.body is not None and contract.example is None
    ] == []


@pytest.mark.parametrize("version", ["2.1", "2.67"])
def test_a_page_sends_its_own_version(version: str) -> None:
    document = openapi_document(Microversion.parse(version))
    operations = [
        operation
        for path in document["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict) and "responses" in operation
    ]
    assert operations
    for operation in operations:
        (header,) = (
            parameter["schema"]
            for parameter in operation["parameters"]
            if parameter["name"] == "OpenStack-API-Version"
        )
        assert header["default"] == f"compute {version}"
