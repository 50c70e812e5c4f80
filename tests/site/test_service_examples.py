"""The examples of the documents of the image, network, volume and identity APIs: each one succeeds
in the cloud of the quickstart.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client

from compute_site.api import demo
from compute_site.cloudfile import load
from compute_site.identity.models import Consumer, Project, RequestToken, User
from compute_site.neighbours.examples import EXAMPLES, IMAGE_DATA, IN_PATH, MADE, OWN, TRANSFER_KEY
from compute_site.neighbours.volume.api.views import VolumeView
from tests.world.client import Answer, ApiClient

DEMO = Path(load.__file__).with_name("demo.yaml")
SERVICES = ("identity", "image", "network", "volume")
NAME = re.compile(r"{(\w+)}")


def ask(method: str, path: str, body: Any = None) -> Answer:
    """As the page sends it: with name and password."""
    secret = base64.b64encode(b"admin:admin").decode()
    headers = {"Authorization": f"Basic {secret}"}
    if path.startswith("/volume/"):
        headers["OpenStack-API-Version"] = VolumeView.version_header
    return ApiClient().send(method.upper(), f"/{path}", body, headers=headers)


def make(path: str, body: Any = None, /, **keys: str) -> str:
    """Send the example of the URL, and return the id of what was made."""
    sent = EXAMPLES[f"post {path}"] if body is None else body
    answer = ask("post", NAME.sub(lambda part: keys[part[1]], path), sent)
    assert 200 <= answer.status < 300, f"{path}: {answer.content!r}"
    (made,) = answer.json.values() if len(answer.json) == 1 else (answer.json,)
    return str(made.get("id"))


def extra_subnet() -> str:
    network = make("/network/v2.0/networks")
    subnet = {"network_id": network, "cidr": "10.7.0.0/24", "ip_version": 4}
    return make("/network/v2.0/subnets", {"subnet": subnet})


def closed_type() -> str:
    kind = {"name": "closed", "os-volume-type-access:is_public": False}
    return make("/volume/v3/types", {"volume_type": kind})


def queued_image() -> str:
    return make("/image/v2/images")


def staged_image() -> str:
    image = queued_image()
    ask("put", f"/image/v2/images/{image}/stage", IMAGE_DATA.encode()).expect(204)
    return image


def namespace() -> dict[str, str]:
    """A namespace with an object, a property and a tag of one name."""
    path, asked = "/image/v2/metadefs/namespaces", {"title": "Old", "type": "string"}
    ask("post", path, {"namespace": "Old"}).expect(201)
    for kind, body in (("objects", {}), ("properties", asked)):
        ask("post", f"{path}/Old/{kind}", {"name": "old", **body}).expect(201)
    ask("post", f"{path}/Old/tags", {"tags": [{"name": "old"}]}).expect(201)
    return {"namespace": "Old", "definition": "old"}


def shared_image(project: str) -> str:
    shared = {"name": "shared", "visibility": "shared"}
    image = make("/image/v2/images", shared)
    make("/image/v2/images/{image_id}/members", {"member": project}, image_id=image)
    return image


def bound_port() -> str:
    port = {"network_id": demo.NETWORK, "binding:host_id": demo.HOST}
    port |= {"device_owner": "compute:nova", "device_id": demo.SERVER}
    return make("/network/v2.0/ports", {"port": port})


def port_with_binding() -> str:
    port = bound_port()
    make("/network/v2.0/ports/{row_id}/bindings", row_id=port)
    return port


def qos_rule(kind: str) -> Callable[[], dict[str, str]]:
    def prepare() -> dict[str, str]:
        policy = make("/network/v2.0/qos/policies")
        path = f"/network/v2.0/qos/policies/{{policy_id}}/{kind}_rules"
        return {"policy_id": policy, "row_id": make(path, policy_id=policy)}

    return prepare


def project_id() -> str:
    return str(Project.objects.get(name="demo").pk)


def row(plural: str) -> Callable[[], dict[str, str]]:
    return lambda: {"row_id": make(f"/network/v2.0/{plural}")}


def snapshot() -> dict[str, str]:
    return {"snapshot_id": make("/volume/v3/snapshots")}


def attachment() -> dict[str, str]:
    return {"attachment_id": make("/volume/v3/attachments")}


def transfer(noun: str) -> Callable[[], dict[str, str]]:
    def prepare() -> dict[str, str]:
        sent = EXAMPLES[f"post /volume/v3/{noun}"]
        made = ask("post", f"/volume/v3/{noun}", sent).expect(202).json["transfer"]
        return {"transfer_id": made["id"], TRANSFER_KEY: made["auth_key"]}

    return prepare


def unmanaged_volume() -> dict[str, str]:
    volume = make("/volume/v3/volumes")
    ask("post", f"/volume/v3/volumes/{volume}/action", {"os-unmanage": {}}).expect(202)
    return {MADE: volume}


def person() -> dict[str, str]:
    return {"user_id": make("/identity/v3/users")}


def rule_of_group() -> dict[str, str]:
    return {"row_id": make("/network/v2.0/security-group-rules")}


def grant() -> dict[str, str]:
    roles = ask("get", "/identity/v3/roles").expect(200).json["roles"]
    return person() | {"role_id": roles[0]["id"]}


def opened_network() -> dict[str, str]:
    path = "/network/v2.0/rbac-policies"
    other = str(Project.objects.get(name="admin").pk)
    rule = EXAMPLES[f"post {path}"]["rbac_policy"] | {"target_tenant": other}
    return {"row_id": make(path, {"rbac_policy": rule})}


def qos_specs() -> dict[str, str]:
    body = {"qos_specs": {"name": "gentle", "total_iops_sec": "9"}}
    made = ask("post", "/volume/v3/qos-specs", body)
    return {"specs_id": made.json["qos_specs"]["id"]}


def group_type() -> dict[str, str]:
    kind = make("/volume/v3/group_types")
    specs = EXAMPLES["post /volume/v3/group_types/{group_type_id}/group_specs"]
    ask("post", f"/volume/v3/group_types/{kind}/group_specs", specs)
    return {"group_type_id": kind}


def group_with_volume() -> dict[str, str]:
    group_type()
    group = make("/volume/v3/groups")
    volume = {"volume": {"size": 1, "volume_type": "fast", "group_id": group}}
    make("/volume/v3/volumes", volume)
    return {"volume_group_id": group, MADE: group}


def group_snapshot() -> dict[str, str]:
    group = group_with_volume()[MADE]
    taken = make("/volume/v3/group_snapshots", {"group_snapshot": {"group_id": group}})
    return {"group_snapshot_id": taken}


def encrypted_type() -> dict[str, str]:
    named = type_with_spec()
    example = EXAMPLES["post /volume/v3/types/{type_id}/encryption"]
    ask("post", f"/volume/v3/types/{named['type_id']}/encryption", example)
    return {**named, "key": "provider"}


def type_with_spec() -> dict[str, str]:
    kind = make("/volume/v3/types")
    ask("post", f"/volume/v3/types/{kind}/extra_specs", {"extra_specs": {"purpose": "x"}})
    return {"type_id": kind}


def volume_with_metadata() -> dict[str, str]:
    make("/volume/v3/volumes/{volume_id}/metadata", volume_id=demo.VOLUME)
    return {}


def snapshot_with_metadata() -> dict[str, str]:
    found = snapshot()
    make("/volume/v3/snapshots/{snapshot_id}/metadata", **found)
    return found


def one_of(plural: str, noun: str) -> Callable[[], dict[str, str]]:
    return lambda: {f"{noun}_id": make(f"/identity/v3/{plural}")}


def policy_and_places() -> dict[str, str]:
    """A policy, and what it can be for."""
    kinds = (
        *(("policy", "policies"), ("endpoint", "endpoints")),
        *(("service", "services"), ("region", "regions")),
    )
    return {f"{noun}_id": make(f"/identity/v3/{plural}") for noun, plural in kinds}


def two_roles() -> dict[str, str]:
    path = "/identity/v3/roles"
    first, second = (make(path, {"role": {"name": name}}) for name in ("first", "second"))
    return {"prior_role_id": first, "implied_role_id": second}


def holders() -> dict[str, str]:
    """A user, a group, and a domain of one's own where they hold nothing yet."""
    return grant() | {
        "group_id": make("/identity/v3/groups"),
        "domain_id": make("/identity/v3/domains"),
    }


def registered() -> dict[str, str]:
    return {"registered_limit_id": make_several("registered_limits")}


def limited() -> dict[str, str]:
    registered()
    return {"limit_id": make_several("limits")}


def stored() -> dict[str, str]:
    order = EXAMPLES["post /identity/v3/credentials"]["credential"]
    body = {"credential": {**order, "user_id": person()["user_id"]}}
    return {"credential_id": make("/identity/v3/credentials", body)}


def configured() -> dict[str, str]:
    domain = make("/identity/v3/domains")
    config = EXAMPLES["put /identity/v3/domains/{domain_id}/config"]
    ask("put", f"/identity/v3/domains/{domain}/config", config).expect(201)
    return {"domain_id": domain, "group": "identity", "option": "driver"}


def make_several(plural: str) -> str:
    path = f"/identity/v3/{plural}"
    text = json.dumps(EXAMPLES[f"post {path}"]).replace(demo.PROJECT, project_id())
    return str(ask("post", path, json.loads(text)).expect(201).json[plural][0]["id"])


def consumer() -> dict[str, str]:
    return {"oauth_consumer_id": make("/identity/v3/OS-OAUTH1/consumers")}


def request_token() -> dict[str, str]:
    row = Consumer.objects.get(pk=consumer()["oauth_consumer_id"])
    project = Project.objects.get(name="admin")
    asked = RequestToken.objects.create(consumer=row, project=project, sealed_secret="")
    return {"request_token_id": asked.pk}


FIRST: Mapping[str, Callable[[], dict[str, str]]] = {
    "/identity/v3/OS-OAUTH1/consumers/": consumer,
    "/identity/v3/OS-OAUTH1/authorize/": request_token,
    "/identity/v3/domains/{domain_id}/config/": configured,
    "/identity/v3/domains/": holders,
    "/identity/v3/credentials": lambda: {MADE: person()["user_id"]},
    "/identity/v3/credentials/": stored,
    "/identity/v3/OS-TRUST/trusts": lambda: {
        OWN: User.objects.get(username="admin").pk,
        MADE: person()["user_id"],
        demo.PROJECT: Project.objects.get(name="admin").pk,
    },
    "/identity/v3/policies/": policy_and_places,
    "/identity/v3/OS-EP-FILTER/endpoint_groups/": lambda: {
        "endpoint_group_id": make("/identity/v3/OS-EP-FILTER/endpoint_groups")
    },
    "/identity/v3/OS-EP-FILTER/projects/": one_of("endpoints", "endpoint"),
    "/identity/v3/groups/": holders,
    "/identity/v3/OS-INHERIT/": holders,
    "/identity/v3/system/": holders,
    "/identity/v3/projects/{project_id}/groups/": holders,
    "/identity/v3/roles/{prior_role_id}/": two_roles,
    "/identity/v3/roles/": one_of("roles", "role"),
    "/identity/v3/regions/{region_id}": one_of("regions", "region"),
    "put /identity/v3/regions/{region_id}": lambda: {"region_id": "third"},
    "/identity/v3/services/": one_of("services", "service"),
    "/identity/v3/endpoints/": one_of("endpoints", "endpoint"),
    "/identity/v3/registered_limits/": registered,
    "/identity/v3/limits": lambda: registered() and {},
    "/identity/v3/limits/": limited,
    "/image/v2/metadefs/namespaces/": namespace,
    "post /image/v2/metadefs/namespaces/{namespace}/tags/{definition}": lambda: {
        **namespace(),
        "definition": "new",
    },
    "/image/v2/images/{image_id}/file": lambda: {"image_id": queued_image()},
    "/image/v2/images/{image_id}/stage": lambda: {"image_id": queued_image()},
    "/image/v2/images/{image_id}/import": lambda: {"image_id": staged_image()},
    "/image/v2/images/{image_id}/members": lambda: {
        "image_id": make("/image/v2/images", {"name": "shared", "visibility": "shared"})
    },
    "/image/v2/images/{image_id}/members/{member_id}": lambda: {
        "image_id": shared_image(project_id()),
        "member_id": project_id(),
    },
    "/network/v2.0/routers/{row_id}/add_router_interface": lambda: {MADE: extra_subnet()},
    "/network/v2.0/ports/{row_id}/bindings": lambda: {"row_id": bound_port()},
    "/network/v2.0/ports/{row_id}/bindings/": lambda: {
        "row_id": port_with_binding(),
        "host": "rack2-node1",
    },
    "/network/v2.0/ports/": row("ports"),
    "/network/v2.0/floatingips/": row("floatingips"),
    "/network/v2.0/security-group-rules/": rule_of_group,
    "/network/v2.0/rbac-policies/": opened_network,
    "/network/v2.0/address-groups/": row("address-groups"),
    "/network/v2.0/address-scopes/": row("address-scopes"),
    "/network/v2.0/subnetpools/": row("subnetpools"),
    "/network/v2.0/qos/policies/{row_id}": row("qos/policies"),
    "/network/v2.0/qos/policies/{row_id}/": row("qos/policies"),
    "/network/v2.0/policies/{row_id}/": row("qos/policies"),
    **{
        f"/network/v2.0/qos/policies/{{policy_id}}/{kind}_rules/": qos_rule(kind)
        for kind in (
            *("bandwidth_limit", "minimum_bandwidth", "minimum_packet_rate"),
            "dscp_marking",
        )
    },
    "/network/v2.0/qos/policies/{policy_id}/": lambda: {
        "policy_id": make("/network/v2.0/qos/policies")
    },
    "/volume/v3/snapshots/{snapshot_id}/metadata/": snapshot_with_metadata,
    "/volume/v3/snapshots/": snapshot,
    "/volume/v3/attachments/": attachment,
    **{
        f"/volume/v3/{noun}/": transfer(noun) for noun in ("volume-transfers", "os-volume-transfer")
    },
    **{
        f"post /volume/v3/{noun}": unmanaged_volume
        for noun in ("manageable_volumes", "os-volume-manage")
    },
    "/volume/v3/volumes/{volume_id}/metadata/": volume_with_metadata,
    "/volume/v3/qos-specs/": qos_specs,
    "/volume/v3/group_types/": group_type,
    "post /volume/v3/groups": group_type,
    "/volume/v3/groups/": group_with_volume,
    "/volume/v3/group_snapshots/": group_snapshot,
    "post /volume/v3/group_snapshots": group_with_volume,
    "/volume/v3/backups/": lambda: {"backup_id": make("/volume/v3/backups")},
    "put /volume/v3/types/{type_id}/encryption/{key}": encrypted_type,
    "/volume/v3/types/{type_id}/action": lambda: {"type_id": closed_type()},
    "/volume/v3/types/": type_with_spec,
    "/identity/v3/projects/{project_id}/users/": grant,
    "/identity/v3/users/{user_id}/application_credentials": lambda: {
        "user_id": User.objects.get(username="admin").pk
    },
    "/identity/v3/users/": person,
}
"""What has to be there before the request, by how its path begins; the first one counts."""


SIGNED = frozenset(
    f"post /identity/v3/{what}"
    for what in (
        *("OS-OAUTH1/request_token", "OS-OAUTH1/access_token", "OS-OAUTH2/token"),
        *("ec2tokens", "s3tokens"),
    )
)
"""What pages cannot try: it has to be signed just then, or with a secret that is told once."""


def send(name: str) -> Answer:
    method, _, path = name.partition(" ")
    exact = [begin for begin in (name, path) if begin in FIRST]
    begins = exact or [begin for begin in FIRST if begin.endswith("/") and path.startswith(begin)]
    known = {
        "project_id": project_id(),
        "owner": project_id(),
        **(FIRST[begins[0]]() if begins else {}),
    }

    def in_path(part: re.Match[str]) -> str:
        before = path[: part.end()].split("/", 3)[-1]
        return known.get(part[1]) or IN_PATH.get(before) or IN_PATH[part[1]]

    body = EXAMPLES[name]
    if isinstance(body, str):
        return ask(method, NAME.sub(in_path, path), body.encode())
    text = json.dumps(body).replace(demo.PROJECT, known.get(demo.PROJECT, project_id()))
    text = text.replace(MADE, known.get(MADE, "")).replace(OWN, known.get(OWN, ""))
    text = text.replace(TRANSFER_KEY, known.get(TRANSFER_KEY, ""))
    return ask(method, NAME.sub(in_path, path), None if body is None else json.loads(text))


def test_every_example_succeeds(db: None, settings: Any, tmp_path: Path) -> None:
    settings.STATE_DIR = tmp_path  # of the data of images
    hosts = ("images.example.org",)
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, image_download_hosts=hosts)
    call_command("loadcloud", str(DEMO), verbosity=0)
    told = []
    for name in EXAMPLES:
        if name in SIGNED:
            continue
        point = transaction.savepoint()
        answer = send(name)
        if not 200 <= answer.status < 300:
            told.append(f"{name}: {answer.status} {answer.content.decode()[:200]}")
        transaction.savepoint_rollback(point)
    assert not told, "\n".join(told)


@pytest.mark.parametrize("service", SERVICES)
def test_everything_that_takes_a_body_has_an_example(db: None, service: str) -> None:
    """Data of images are bytes, and have none."""
    paths = Client().get(f"/schema/{service}/").json()["paths"]
    bodies = {
        f"{method} {path}": content
        for path, methods in paths.items()
        for method, operation in methods.items()
        if method != "parameters"
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
        if kind != "application/octet-stream"
    }
    assert bodies
    assert [name for name, content in bodies.items() if "example" not in content] == []
    known = {f"{method} {path}" for path, methods in paths.items() for method in methods}
    assert {name for name in EXAMPLES if name.split(" ")[1].startswith(f"/{service}/")} <= known


def test_volumes_are_asked_for_at_the_newest_version(db: None) -> None:
    """As the examples above do."""
    for methods in Client().get("/schema/volume/").json()["paths"].values():
        for method in {"get", "put", "post", "delete"} & set(methods):
            sent = [one for one in methods[method]["parameters"] if one["in"] == "header"]
            assert [one["example"] for one in sent] == [VolumeView.version_header]


def test_the_page_tries_each_api(db: None) -> None:
    script = Client().get("/docs/?api=network&script=").content.decode()
    assert "/schema/network/" in script
