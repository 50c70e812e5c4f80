"""Every URL of the site, and a site with one thing of each kind to ask for by them."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.urls import URLResolver, get_resolver
from django.utils import timezone

from compute_site.api.microversions.version import NEWEST
from compute_site.identity.kept import blob_of, make_ec2, set_config
from compute_site.identity.models import (
    AccessRule,
    AccessToken,
    Domain,
    Endpoint,
    EndpointGroup,
    Limit,
    NamedRole,
    Region,
    RegisteredLimit,
    RequestToken,
    Service,
    StoredPolicy,
    Trust,
    UserGroup,
)
from compute_site.identity.oauth import make_consumer
from compute_site.neighbours.image.models import ImageMember
from compute_site.neighbours.network.models import (
    QOS_KINDS,
    AddressGroup,
    AddressScope,
    FloatingIp,
    NetworkAccess,
    PortBinding,
    QosPolicy,
    QosRule,
    SecurityGroupRule,
    Subnet,
    SubnetPool,
)
from compute_site.neighbours.volume.backup_models import Backup
from compute_site.neighbours.volume.group_models import GroupSnapshot, GroupType, VolumeGroup
from compute_site.neighbours.volume.local import messages
from compute_site.neighbours.volume.message_models import Message
from compute_site.neighbours.volume.models import (
    Attachment,
    Snapshot,
    TypeEncryption,
    VolumeType,
)
from compute_site.neighbours.volume.qos_models import QosSpecs
from compute_site.secrets.sealing import seal
from servers.models import Aggregate, RequestSpec
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import ApiClient
from tests.world.factories import (
    make_flavor,
    make_image,
    make_instance,
    make_namespace,
    make_network,
    make_port,
    make_router,
    make_security_group,
    make_server_group,
    make_unmanaged,
    make_volume,
    offer_volume,
)
from tests.world.hosts import make_host

MOUNTS = {
    r"^identity/": "identity/",
    r"^compute/(?P<api>v2\.1|v2)/": "compute/v2.1/",
    r"^image(?:/|$)": "image/",
    r"^network(?:/|$)": "network/",
    r"^v2\.0/": "v2.0/",
    r"^volume(?:/|$)": "volume/",
    r"^placement(?:/|$)": "placement/",
}
"""Patterns that lead to others, as a client writes them."""
NAME = re.compile(r"<(?:\w+:)?(\w+)>")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
UNKNOWN_ID = "155d900f-4e14-4e4c-a73d-069cbf4541e6"


@dataclasses.dataclass(frozen=True)
class Route:
    """A URL of the site: ``path`` has names in braces."""

    path: str
    view: Any

    @property
    def methods(self) -> list[str]:
        return [method for method in METHODS if hasattr(self.view, method.lower())]

    @property
    def names(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.path)

    @property
    def collection(self) -> str:
        """What the path names things of: the part before the first name."""
        return self.path.partition("/{")[0].rpartition("/")[2]


def walk(resolver: Any, before: str = "//") -> Iterator[Route]:
    for entry in resolver.url_patterns:
        route = getattr(entry.pattern, "_route", None)
        piece = MOUNTS.get(str(entry.pattern)) if route is None else NAME.sub(r"{\1}", route)
        if piece is None:
            continue  # the same URLs once more, or none that Compute's clients ask for
        if isinstance(entry, URLResolver):
            yield from walk(entry, before + piece)
        elif hasattr(entry.callback, "view_class"):
            yield Route(before + piece, entry.callback.view_class)


ROUTES = [route for route in walk(get_resolver()) if not route.path.startswith("//admin")]


def _make_identity() -> dict[str, str]:
    """A thing of each kind that only the identity API has, by the name that paths have for it."""
    service = Service.objects.create(type="dns")
    compute = Service.objects.filter(type="compute").first() or service
    kept = RegisteredLimit.objects.create(service=compute, resource_name="kept", default_limit=1)
    held = RegisteredLimit.objects.create(service=service, resource_name="held", default_limit=1)
    limit = Limit.objects.create(registered=held, project_id=BETA, resource_limit=1)
    found = {
        "domain_id": Domain.objects.create(name="own"),
        "group_id": UserGroup.objects.create(name="users"),
        "role_id": NamedRole.objects.create(name="own"),
        "region_id": Region.objects.create(id="elsewhere"),
        "service_id": service,
        "endpoint_id": Endpoint.objects.create(
            service=service, interface="public", url="http://dns"
        ),
        "registered_limit_id": kept,
        "limit_id": limit,
        "endpoint_group_id": EndpointGroup.objects.create(name="inner", interface="admin"),
    }
    keys = make_ec2(Cast.second_member.user_id, ALPHA, by="")
    set_config(found["domain_id"], {"identity": {"driver": "sql"}}, by="")  # type: ignore[arg-type] # a domain
    consumer = make_consumer({}, by="")
    asked = RequestToken.objects.create(
        consumer=consumer, project_id=ALPHA, sealed_secret=seal("x")
    )
    access = AccessToken.objects.create(
        consumer=consumer,
        user_id=Cast.second_member.user_id,
        project_id=ALPHA,
        sealed_secret=seal("x"),
        roles=[],
    )
    others = {
        "oauth_consumer_id": consumer.pk,
        "request_token_id": asked.pk,
        "access_token_id": access.pk,
        "credential_id": keys.pk,
        "access": json.loads(blob_of(keys))["access"],
        "policy_id": StoredPolicy.objects.create(type="text", blob="x").pk,
        "trust_id": Trust.objects.create(
            trustor_id=Cast.admin.user_id,
            trustee_id=Cast.second_member.user_id,
            holder_id=Cast.admin.user_id,
            project_id=ALPHA,
            roles=[],
        ).pk,
        "access_rule_id": AccessRule.objects.create(
            user_id=Cast.second_member.user_id, service="compute", method="GET", path="/v2.1"
        ).pk,
        "group": "identity",
        "option": "driver",
    }
    return {name: str(row.pk) for name, row in found.items()} | others


class Site:
    """One thing of each kind, of the project of an admin, who asks for odd things."""

    def __init__(self, client: ApiClient) -> None:
        self.client = client
        client.http.raise_request_exception = False
        network = make_network(external=True)
        subnet = Subnet.objects.get(network=network)
        group = make_security_group()
        rule = SecurityGroupRule.objects.create(group=group, direction="ingress")
        inner = make_network(project_id=BETA).subnets.get()  # alpha can use one network alone
        port, outside = make_port(network), make_port(network)
        floating_ip = FloatingIp.objects.create(
            outside=outside, address="10.9.9.9", project_id=ALPHA
        )
        volume = make_volume(metadata={"a": "b"}, image_metadata={"a": "b"})
        items = {"a": "b"}
        snapshot = Snapshot.objects.create(volume=volume, size=1, project_id=ALPHA, metadata=items)
        reserved = Attachment.objects.create(
            volume=make_volume(status="reserved"), made_by_compute=False
        )
        kind = VolumeType.objects.create(name="fast", is_public=False, extra_specs=items)
        secret = VolumeType.objects.create(name="secret")
        TypeEncryption.objects.create(
            volume_type=secret, provider="luks", control_location="front-end"
        )
        loose = GroupType.objects.create(name="loose", group_specs=items)
        group_of_volumes = VolumeGroup.objects.create(project_id=ALPHA, group_type=loose)
        in_use = VolumeType.objects.create(name="in use")
        group_of_volumes.volume_types.add(in_use)
        make_volume(group=group_of_volumes, volume_type=in_use)
        taken = GroupSnapshot.objects.create(project_id=ALPHA, group=group_of_volumes)
        backup = Backup.objects.create(project_id=ALPHA, volume_id=volume.pk, size=1)
        messages.tell(volume, messages.Action.PLACE, messages.Detail.NO_BACKEND)
        specs = QosSpecs.objects.create(name="slow", specs=items)
        host = make_host("host")
        image = make_image(owner_id=ALPHA, visibility="shared", tags=["web"])
        ImageMember.objects.create(image=image, member_id=BETA)
        server = make_instance(launched_at=timezone.now(), image_ref=str(image.pk))
        RequestSpec.objects.create(instance=server, flavor=server.flavor)
        client.post("/os-keypairs", {"keypair": {"name": "key"}}).expect(200)
        self.values = {
            "server_id": str(server.uuid),
            "flavor_id": make_flavor(is_public=False).flavorid,
            "other_flavor": make_flavor().flavorid,
            "owner": ALPHA,
            "quota_class": "default",
            "group_id": str(make_server_group().uuid),
            "service_id": str(host.service.uuid),
            "hypervisor_id": str(host.pk),
            "host_name": "host",
            "aggregate_id": str(Aggregate.objects.create(name="rack").pk),
            "network_id": str(network.pk),
            "namespace": make_namespace().namespace,
            "definition": "size",
            "resource_type": "OS::Nova::Flavor",
            "image_id": str(image.pk),
            "member_id": BETA,
            "tag": "web",
            "volume_id": str(volume.pk),
            "snapshot_id": str(snapshot.pk),
            "attachment_id": str(reserved.pk),
            "transfer_id": str(offer_volume().pk),
            "unmanaged": str(make_unmanaged()),
            "action": "enable",
            "type_id": str(kind.pk),
            "message_id": str(Message.objects.get().pk),
            "specs_id": str(specs.pk),
            "backup_id": str(backup.pk),
            "group_type_id": str(loose.pk),
            "volume_group_id": str(group_of_volumes.pk),
            "group_snapshot_id": str(taken.pk),
            "port_id": str(port.pk),
            "floating_ip_id": str(floating_ip.pk),
            "project_id": ALPHA,
            "user_id": Cast.second_member.user_id,
            "usage_of": ALPHA,
            "name": "key",
            "key": "a",
            "provider_id": str(host.provider.uuid),
            "inner_subnet": str(inner.pk),
            "security_group_id": str(group.pk),
            "rule_id": str(rule.pk),
            "free_subnet": str(make_network(project_id=BETA).subnets.get().pk),
            "next_hop": inner.cidr.replace(".0/24", ".77"),
            "resource_class": "VCPU",
            "consumer_id": str(server.uuid),
        }
        bound = make_port(network, device_owner="compute:nova", binding_host="elsewhere")
        PortBinding.objects.create(port=bound, host="host")
        access = NetworkAccess.objects.create(
            network=network, project_id=ALPHA, target_project=BETA
        )
        policy = QosPolicy.objects.create(name="kept", project_id=ALPHA)
        rules = [QosRule(policy=policy, kind=kind, amount=1) for kind in QOS_KINDS]
        QosRule.objects.bulk_create(rules)
        self.values["policy_id"] = str(policy.pk)
        ranges = AddressGroup.objects.create(
            name="ranges", project_id=ALPHA, addresses=["10.8.0.0/16"]
        )
        scope = AddressScope.objects.create(name="scope", project_id=ALPHA)
        pool = SubnetPool.objects.create(
            name="pool",
            project_id=ALPHA,
            prefixes=["10.64.0.0/16"],
            scope=scope,
            min_prefixlen=8,
            default_prefixlen=24,
            max_prefixlen=32,
        )
        self.qos_rules = {f"{rule.kind}_rules": str(rule.pk) for rule in rules}
        self.encrypted_type = str(secret.pk)
        self.bound = str(bound.pk)
        """A port that is prepared for the host."""
        self.rows = {
            "rbac-policies": str(access.pk),
            "policies": str(policy.pk),
            "address-groups": str(ranges.pk),
            "address-scopes": str(scope.pk),
            "subnetpools": str(pool.pk),
            "networks": str(network.pk),
            "subnets": str(subnet.pk),
            "ports": str(port.pk),
            "security-groups": str(group.pk),
            "security-group-rules": str(rule.pk),
            "floatingips": str(floating_ip.pk),
            "routers": str(make_router(inner, outside=network).pk),
        }
        """What ``row_id`` is in each collection."""
        self.identity = _make_identity()
        """What names of paths stand for in the identity API alone."""

    def path(self, route: Route, **names: str) -> str:
        known = {name: self.values.get(name, UNKNOWN_ID) for name in route.names}
        known["row_id"] = self.rows.get(route.collection, UNKNOWN_ID)
        if route.path.startswith("//identity/"):
            known |= {name: self.identity[name] for name in route.names if name in self.identity}
        if "/qos/" in route.path and "_rules/" in route.path:
            known["row_id"] = self.qos_rules[route.path.split("/")[-2]]
        if "/encryption/" in route.path and "type_id" in known:
            known |= {"type_id": self.encrypted_type, "key": "provider"}
        if "/bindings" in route.path:
            known |= {"row_id": self.bound, "host": "new" if route.path.endswith("s") else "host"}
        if "/application_credentials" in route.path:  # they are for nobody but the user
            known["user_id"] = Cast.admin.user_id
        return route.path.format_map(known | names)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> str | None:
        """What broke; ``None``: nothing. Nothing stays of what was asked."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        with transaction.atomic():
            headers = newest_of(path) | headers
            version = None if "OpenStack-API-Version" in headers else str(NEWEST)
            answer = self.client.send(method, path, data, microversion=version, headers=headers)
            transaction.set_rollback(True)
        if answer.status < 500 or answer.status == 501:
            return None
        return f"{method} {path[:150]} {data!r:.150} {headers!s:.100}: {answer.content!r:.200}"


def newest_of(path: str) -> dict[str, str]:
    """The header that asks a service with microversions of its own for the newest."""
    service = path.removeprefix("//").partition("/")[0]
    known = service in ("placement", "volume")
    return {"OpenStack-API-Version": f"{service} latest"} if known else {}
