"""The bodies of all writing URLs of all APIs: an example of each, and every place in it that a
client can fill.

URLs come from the URLconf, keys from serializers and shapes, so that new ones are there by
themselves; where an example cannot be derived from them, ``test_poison`` fails until it is given.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.version import NEWEST, OLDEST, Microversion
from compute_site.identity.ids import stable_id
from compute_site.neighbours.examples import EXAMPLES
from compute_site.neighbours.identity.api import serializers as identity
from compute_site.neighbours.image import metadef_shapes as metadefs
from compute_site.neighbours.image import shapes as image
from compute_site.neighbours.network.api import quotas as network_quotas
from compute_site.neighbours.network.api import shapes as network
from compute_site.neighbours.volume.api import actions as volume_actions
from compute_site.neighbours.volume.api import quotas as volume_quotas
from compute_site.neighbours.volume.api import shapes as volume
from compute_site.values.keys import IGNORED
from servers.policies.server import SHOW
from tests.world.cast import Cast
from tests.world.factories import TRANSFER_KEY
from tests.world.keys import ED25519
from tests.world.routes import ROUTES, Route, Site
from tests.world.samples import edges, histories, sample

WRITING = ("POST", "PUT", "PATCH")
COMPUTE_ROOT = "//compute/v2.1/"
METADEFS = "//image/v2/metadefs/namespaces"
DEFINED = {"title": "P", "type": "array", "items": {"type": "string"}, "minItems": 1}
"""The definition of a property."""
Place = tuple[str | int, ...]


@dataclasses.dataclass(frozen=True)
class Body:
    """``example`` is accepted, or not (``None``: it depends on more); ``places`` lead to all that
    can stand in it.

    A text such as ``{image_id}`` in an example is what the site has there.
    """

    route: Route
    method: str
    example: Any
    places: tuple[Place, ...]
    version: Microversion = NEWEST
    accepted: bool | None = True

    def __str__(self) -> str:
        return f"{self.method} {self.route.path} {self.version}"


def put(body: Any, place: Place, value: Any) -> Any:
    """The body with the value at the place."""
    if not place:
        return value
    key, *rest = place
    if isinstance(key, int) and isinstance(body, list):
        items = list(body)
        items[key] = put(items[key], tuple(rest), value)
        return items
    inner = body if isinstance(body, dict) else {}
    return {**inner, str(key): put(inner.get(key, {}), tuple(rest), value)}


def filled(example: Any, site: Site) -> Any:
    """The example with the ids of the site."""
    if isinstance(example, dict):
        return {filled(key, site): filled(value, site) for key, value in example.items()}
    if isinstance(example, list):
        return [filled(value, site) for value in example]
    return example.format_map(site.values | site.rows) if isinstance(example, str) else example


def places_in(example: Any, before: Place = ()) -> Iterator[Place]:
    """Every place that the example itself fills."""
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(example, dict):
        items = example.items()
    elif isinstance(example, list):
        items = enumerate(example)
    for key, item in items:
        yield (*before, key)
        yield from places_in(item, (*before, key))


SERVICES = ("compute", "identity", "image", "network", "volume")


def bodies_of(service: str) -> Iterator[Body]:
    """All bodies that one of the APIs takes."""
    seen = set()
    for route in ROUTES:
        for method in WRITING:
            if method not in route.methods or not route.path.startswith(f"//{service}/"):
                continue
            older = (route.view, method) in seen or "os-volumes_boot" in route.path
            if service == "compute" and older:  # a URL of the same thing
                continue
            seen.add((route.view, method))
            if service == "compute":
                yield from _compute(route, method)
            elif (
                service == "network"
                and hasattr(route.view, "kind")
                and "/{row_id}/" not in route.path
            ):
                yield _network(route, method)
            else:
                yield from _other(route, method)


# compute: serializers tell all places

REFUSED = frozenset(
    (
        "POST servers/{server_id}/migrations/{migration_id}/action",  # no migration runs
        "PUT servers/{server_id}/os-volume_attachments/{volume_id}",  # none is attached
        "PUT os-services/{service_id} 2.52",  # there, the id is the name of what to do
        "PUT os-hosts/{host_name}",  # nothing that it asks for is done
        "POST servers/{server_id}/shares",  # nobody has shares
        "POST os-assisted-volume-snapshots",  # no server has the volume
        "POST servers/{server_id}/dry-run",  # tries an action, of which the simplest body has none
    )
)
NEW_SERVER = {"server": {"name": "web", "flavorRef": "{flavor_id}", "imageRef": "{image_id}"}}
ADDED: Mapping[str, Any] = {
    "POST servers": NEW_SERVER,
    "POST servers/dry-run": NEW_SERVER,
    "PUT servers/{server_id}/grants/{user_id}": {"grant": {"rules": [SHOW]}},
    "POST servers/{server_id}/os-interface": {"interfaceAttachment": {"port_id": "{port_id}"}},
    "POST servers/{server_id}/os-volume_attachments": {
        "volumeAttachment": {"volumeId": "{volume_id}"}
    },
    "POST servers/{server_id}/action": {
        "lock": {},
        "createImage": {},
        "createBackup": {"rotation": 1},
        "changePassword": {},
        "os-getConsoleOutput": {},
        "rebuild": {"imageRef": "{image_id}"},
        "resize": {"flavorRef": "{other_flavor}"},
    },
    "POST flavors/{flavor_id}/action": {"addTenantAccess": {"tenant": "{project_id}"}},
    "POST os-floating-ips": {"pool": "{networks}"},
    "POST os-security-group-rules": {
        "security_group_rule": {
            "parent_group_id": "{security-groups}",
            "ip_protocol": "tcp",
            "from_port": 22,
            "to_port": 22,
        }
    },
    "POST os-snapshots": {"snapshot": {"volume_id": "{volume_id}"}},
    "POST os-keypairs": {"keypair": {"public_key": ED25519}},
    "POST os-server-groups 2.104": {"server_group": {"policy": "anti-affinity"}},
    "PUT os-services/{service_id}": {"status": "disabled"},
    "PUT os-aggregates/{aggregate_id}": {"aggregate": {"name": "shelf"}},
    "POST os-aggregates/{aggregate_id}/action": {"add_host": {"host": "host"}, "set_metadata": {}},
}
"""What makes the simplest body one that is accepted; where a key names what to do, by that key."""


def _compute(route: Route, method: str) -> Iterator[Body]:
    contract = route.view.contracts.get(method)
    if contract is None or contract.body is None:
        return
    name = f"{method} {route.path.removeprefix(COMPUTE_ROOT)}"
    newest = NEWEST if route.view.until is None else Microversion.parse(route.view.until)
    known: set[Place] = set()
    for version in _versions(contract.body, newest):
        refused = bool(REFUSED & {name, f"{name} {version}"})
        added = ADDED.get(f"{name} {version}", ADDED.get(name, {}))
        for example, verb in _examples(contract.body, version, added, route.path):
            found = {*places_in(example), *_places(contract.body, version)} - known
            if verb is not None:
                found = {place for place in found if place[0] == verb}
            known |= found
            if found:
                places = tuple(sorted(found, key=str))
                accepted = None if verb is not None and verb not in added else not refused
                yield Body(route, method, example, places, version, accepted)


def _examples(
    serializer: type[VersionedSerializer], version: Microversion, added: Any, path: str
) -> Iterator[tuple[Any, str | None]]:
    """The simplest body, and no verb; or one for each verb, where one says what to do."""
    if not path.endswith("/action"):
        yield merged(sample(serializer(), version), added), None
        return
    for name, field in serializer.at(version).fields.items():
        verb = field.key or name
        yield {verb: merged(sample(field, version), added.get(verb, {}))}, verb


def merged(example: Any, added: Any) -> Any:
    if not isinstance(added, Mapping):
        return added
    if not isinstance(example, Mapping):
        return added or example
    return {**example, **{key: merged(example.get(key), added[key]) for key in added}}


def _versions(serializer: type[VersionedSerializer], newest: Microversion) -> list[Microversion]:
    """The newest, and those before which a key changed, down to the first."""
    before = {old for _, history in histories(serializer) for old, _ in edges(history)}
    found = {newest, *(version for version in before if OLDEST <= version < newest)}
    return sorted(found, reverse=True)


def _places(serializer: type[VersionedSerializer], version: Microversion) -> Iterator[Place]:
    for name, field in serializer.at(version).fields.items():
        yield from _places_of(field, (field.key or name,), version)


def _places_of(field: Any, here: Place, version: Microversion) -> Iterator[Place]:
    yield here
    if isinstance(field, VersionedSerializer):
        for place in _places(type(field), version):
            yield (*here, *place)
    for form in (*getattr(field, "forms", ()), *([field.item] if hasattr(field, "item") else ())):
        if isinstance(form, VersionedSerializer):
            yield from _places_of(form, (*here, 0), version)


# the others: shapes tell the keys, and an example what stands below them


@dataclasses.dataclass(frozen=True)
class Example:
    """``keys`` are those of a shape, which may stand below ``noun`` (empty: at the top); those
    that are not kept are left out.
    """

    body: Any
    noun: str = ""
    keys: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def places(self) -> tuple[Place, ...]:
        above = (self.noun,) if self.noun else ()
        kept = [key for key, what in self.keys.items() if what is not IGNORED]
        found = {*places_in(self.body), *((*above, key) for key in kept)}
        return tuple(sorted(found, key=str))


ENCRYPTED = {"encryption": {"provider": "luks", "control_location": "front-end"}}
TAGGED = (
    *("networks", "subnets", "ports", "routers", "security-groups", "floatingips"),
    "subnetpools",
    *("qos/policies", "policies"),
)
NETWORK: Mapping[str, Any] = {
    "network": {"name": "made"},
    "subnet": {
        "network_id": "{networks}",
        "cidr": "192.168.7.0/24",
        "ip_version": 4,
        "allocation_pools": [{"start": "192.168.7.10", "end": "192.168.7.20"}],
        "dns_nameservers": ["192.168.7.1"],
    },
    "port": {
        "network_id": "{networks}",
        "fixed_ips": [{"subnet_id": "{subnets}"}],
        "security_groups": ["{security-groups}"],
        "binding:profile": {"pci_slot": "0000:00:00.0"},
    },
    "security_group": {"name": "made"},
    "security_group_rule": {"security_group_id": "{security-groups}", "direction": "egress"},
    "floatingip": {"floating_network_id": "{networks}"},
    "policy": {"name": "made"},
    "address_group": {"name": "made", "addresses": ["10.96.0.0/16"]},
    "address_scope": {"name": "made", "ip_version": 4},
    "subnetpool": {"name": "made", "prefixes": ["10.96.0.0/16"]},
    "bandwidth_limit_rule": {"max_kbps": 100, "direction": "ingress"},
    "minimum_bandwidth_rule": {"min_kbps": 100, "direction": "ingress"},
    "dscp_marking_rule": {"dscp_mark": 8},
    "minimum_packet_rate_rule": {"min_kpps": 100, "direction": "ingress"},
    "rbac_policy": {
        "object_type": "network",
        "object_id": "{networks}",
        "action": "access_as_shared",
        "target_tenant": "155d900f4e144e4ca73d069cbf4541e6",
    },
    "router": {
        "name": "made",
        "external_gateway_info": {"network_id": "{networks}", "enable_snat": True},
        "availability_zone_hints": ["nova"],
    },
}


CHANGED: Mapping[str, Any] = {
    "subnet": {"dns_nameservers": ["192.168.7.1"]},
    "subnetpool": {"name": "made", "prefixes": ["10.64.0.0/16", "10.96.0.0/16"]},
    "router": {"routes": [{"destination": "10.200.0.0/16", "nexthop": "{next_hop}"}]},
}
"""Where a change is another one than what can be made."""


def _network(route: Route, method: str) -> Body:
    noun, kind = route.view.noun, route.view.kind
    made = method == "POST"
    shape = (kind.new if made else kind.changed).shape
    filled_in = NETWORK[noun] if made else CHANGED.get(noun, NETWORK[noun])
    given = {key: value for key, value in filled_in.items() if key in shape}
    example = Example({noun: given}, noun, shape)
    taken = made and noun == "dscp_marking_rule"  # a policy has one, and that of the site has it
    return Body(route, method, example.body, example.places, accepted=None if taken else True)


PERSON = {"name": "made", "note": {"a": ["b"]}}
NEW_IDENTITY: Mapping[str, tuple[type[identity.IdentityBody], Any]] = {
    "domain": (identity.DomainBody, PERSON),
    "group": (identity.GroupBody, PERSON),
    "role": (identity.RoleBody, PERSON),
    "region": (identity.RegionBody, {"description": "made", "note": {"a": ["b"]}}),
    "service": (identity.ServiceBody, {"type": "made", **PERSON}),
}
"""What is made, and changed, by the same bodies."""


def identity_bodies() -> Iterator[tuple[str, tuple[Example, ...]]]:
    for noun, (body, given) in NEW_IDENTITY.items():
        example = Example({noun: given}, noun, body().fields)
        path = f"//identity/v3/{noun}s"
        yield f"POST {path}", (example,)
        yield f"PATCH {path}/{{{noun}_id}}", (example,)


PROJECT, USER = identity.ProjectBody().fields, identity.UserBody().fields
LOGIN = {
    "identity": {
        "methods": ["password"],
        "password": {
            "user": {
                "name": Cast.member.name,
                "domain": {"name": "Default"},
                "password": Cast.member.password,
            }
        },
    },
    "scope": {"project": {"name": "alpha", "domain": {"id": "default"}}},
}
COMPUTE = stable_id("service", "compute")
REGISTERED = {"service_id": COMPUTE, "resource_name": "made", "default_limit": 1}
LIMIT = {
    "service_id": COMPUTE,
    "project_id": "{project_id}",
    "resource_name": "kept",
    "resource_limit": 1,
}
STORED = {"user_id": "{user_id}", "type": "cert", "blob": "made", "project_id": "{project_id}"}
TRUST = {
    "trustor_user_id": Cast.admin.user_id,
    "trustee_user_id": "{user_id}",
    "project_id": "{project_id}",
    "impersonation": True,
    "roles": [{"name": "reader"}],
}
NAMED = {"description": "made"}
OF_KEYS = {"access": "made", "signature": "c2lnbmVk"}
FOR_EC2 = {
    **OF_KEYS,
    "verb": "GET",
    "host": "made",
    "path": "/",
    "body_hash": "",
    "params": {"SignatureVersion": "2"},
    "headers": {"Host": "made"},
}
FOR_S3 = {**OF_KEYS, "token": "R0VU"}
POLICY = {"type": "text", "blob": "made"}
CONFIG = {"identity": {"driver": "sql"}}
GROUP = {"name": "made", "description": "made", "filters": {"interface": "admin"}}
GROUP_FIELDS = identity.EndpointGroupBody().fields
TOKEN = {"identity": {"methods": ["token"], "token": {"id": Cast.member.token}}}
OTHERS: Mapping[str, tuple[Example, ...]] = {
    **dict(identity_bodies()),
    "PUT //identity/v3/regions/{region_id}": (Example({"region": {"description": "made"}}),),
    "POST //identity/v3/endpoints": (
        Example(
            {"endpoint": {"service_id": COMPUTE, "interface": "public", "url": "http://made"}},
            "endpoint",
            identity.EndpointBody().fields,
        ),
    ),
    "PATCH //identity/v3/endpoints/{endpoint_id}": (
        Example({"endpoint": {"url": "http://made"}}, "endpoint", identity.EndpointBody().fields),
    ),
    "PUT //identity/v3/projects/{project_id}/tags": (Example({"tags": ["made"]}),),
    "POST //identity/v3/credentials": (
        Example({"credential": STORED}, "credential", identity.StoredCredentialBody().fields),
    ),
    "PATCH //identity/v3/credentials/{credential_id}": (
        Example(
            {"credential": {"blob": '{{"access": "made"}}'}},
            "credential",
            identity.StoredCredentialChange().fields,
        ),
    ),
    "POST //identity/v3/OS-TRUST/trusts": (
        Example({"trust": TRUST}, "trust", identity.TrustBody().fields),
    ),
    "POST //identity/v3/users/{user_id}/credentials/OS-EC2": (
        Example({"tenant_id": "{project_id}"}, "", identity.Ec2Body().fields),
    ),
    **{
        name: (
            Example(
                {"consumer": {"description": "made"}}, "consumer", identity.ConsumerBody().fields
            ),
        )
        for name in (
            "POST //identity/v3/OS-OAUTH1/consumers",
            "PATCH //identity/v3/OS-OAUTH1/consumers/{oauth_consumer_id}",
        )
    },
    "POST //identity/v3/ec2tokens": (
        Example({"credentials": FOR_EC2}, "credentials", identity.SignedForEc2().fields),
    ),
    "POST //identity/v3/s3tokens": (
        Example({"credentials": FOR_S3}, "credentials", identity.SignedForS3().fields),
    ),
    "PUT //identity/v3/OS-OAUTH1/authorize/{request_token_id}": (
        Example({"roles": [{"name": "reader"}]}, "", identity.AuthorizeBody().fields),
    ),
    **{
        f"{name}": (Example({"policy": POLICY}, "policy", identity.PolicyBody().fields),)
        for name in (
            "POST //identity/v3/policies",
            "PATCH //identity/v3/policies/{policy_id}",
        )
    },
    "PUT //identity/v3/domains/{domain_id}/config": (Example({"config": CONFIG}),),
    "PATCH //identity/v3/domains/{domain_id}/config": (Example({"config": CONFIG}),),
    "PATCH //identity/v3/domains/{domain_id}/config/{group}": (Example({"config": CONFIG}),),
    "PATCH //identity/v3/domains/{domain_id}/config/{group}/{option}": (
        Example({"config": CONFIG["identity"]}),
    ),
    **{
        name: (Example({"endpoint_group": GROUP}, "endpoint_group", GROUP_FIELDS),)
        for name in (
            "POST //identity/v3/OS-EP-FILTER/endpoint_groups",
            "PATCH //identity/v3/OS-EP-FILTER/endpoint_groups/{endpoint_group_id}",
        )
    },
    "POST //identity/v3/registered_limits": (Example({"registered_limits": [REGISTERED]}),),
    "PATCH //identity/v3/registered_limits/{registered_limit_id}": (
        Example(
            {"registered_limit": {"default_limit": 2}},
            "registered_limit",
            identity.RegisteredBody().fields,
        ),
    ),
    "POST //identity/v3/limits": (Example({"limits": [LIMIT]}),),
    "PATCH //identity/v3/limits/{limit_id}": (
        Example({"limit": {"resource_limit": 2}}, "limit", identity.LimitChange().fields),
    ),
    "POST //identity/v3/auth/tokens": (
        Example({"auth": LOGIN}),
        Example({"auth": TOKEN}),
    ),
    "POST //identity/v3/projects": (Example({"project": PERSON}, "project", PROJECT),),
    "PATCH //identity/v3/projects/{project_id}": (
        Example({"project": PERSON}, "project", PROJECT),
    ),
    "POST //identity/v3/users": (Example({"user": PERSON}, "user", USER),),
    "PATCH //identity/v3/users/{user_id}": (Example({"user": PERSON}, "user", USER),),
    "POST //identity/v3/users/{user_id}/password": (
        Example({"user": {"password": "new", "original_password": Cast.second_member.password}}),
    ),
    "POST //identity/v3/users/{user_id}/application_credentials": (
        Example(
            {"application_credential": {"name": "made", "roles": [{"name": "reader"}]}},
            "application_credential",
            identity.CredentialCreate().fields,
        ),
    ),
    "POST //image/v2/images": (
        Example({"name": "made", "tags": ["a"], "os_type": "linux"}, "", image.NEW_IMAGE),
    ),
    "PATCH //image/v2/images/{image_id}": tuple(
        Example([{"op": "add", "path": f"/{key}", "value": value}])
        for key, value in {
            "name": "made",
            "os_type": "linux",
            "tags": ["a"],
            "min_ram": 1,
            "min_disk": 1,
            "protected": True,
            "os_hidden": True,
        }.items()
    ),
    f"POST {METADEFS}": (
        Example(
            {"namespace": "made", "tags": [{"name": "a"}], "properties": {"p": DEFINED}},
            *("", metadefs.NEW_NAMESPACE),
        ),
    ),
    f"PUT {METADEFS}/{{namespace}}": (
        Example({"namespace": "made", "description": "new"}, "", metadefs.NAMESPACE),
    ),
    **{
        name: (Example({"name": "made", "properties": {"p": DEFINED}}, "", metadefs.OBJECT),)
        for name in (
            f"POST {METADEFS}/{{namespace}}/objects",
            f"PUT {METADEFS}/{{namespace}}/objects/{{definition}}",
        )
    },
    **{
        name: (Example({"name": "made", **DEFINED}, "", metadefs.PROPERTY),)
        for name in (
            f"POST {METADEFS}/{{namespace}}/properties",
            f"PUT {METADEFS}/{{namespace}}/properties/{{definition}}",
        )
    },
    f"POST {METADEFS}/{{namespace}}/tags": (
        Example({"tags": [{"name": "made"}]}, "", metadefs.TAGS),
    ),
    f"PUT {METADEFS}/{{namespace}}/tags/{{definition}}": (
        Example({"name": "made"}, "", metadefs.TAG),
    ),
    f"POST {METADEFS}/{{namespace}}/resource_types": (
        Example({"name": "made", "prefix": "m:"}, "", metadefs.ASSOCIATION),
    ),
    "POST //image/v2/images/{image_id}/members": (
        Example({"member": "made"}, "", image.NEW_MEMBER),
    ),
    "PUT //image/v2/images/{image_id}/members/{member_id}": (
        Example({"status": "accepted"}, "", image.CHANGED_MEMBER),
    ),
    **{
        f"{method} //network/v2.0/{kind}/{{row_id}}/tags": (Example({"tags": ["a"]}),)
        for method in ("PUT", "POST")
        for kind in TAGGED
    },
    **{
        f"PUT //network/v2.0/routers/{{row_id}}/{action}": (Example(body, noun, shape),)
        for action, body, noun, shape in (
            ("add_router_interface", {"subnet_id": "{free_subnet}"}, "", network.INTERFACE),
            ("remove_router_interface", {"subnet_id": "{inner_subnet}"}, "", network.INTERFACE),
            ("add_extraroutes", {"router": {"routes": []}}, "router", network.EXTRA_ROUTES),
            ("remove_extraroutes", {"router": {"routes": []}}, "router", network.EXTRA_ROUTES),
        )
    },
    **{
        f"PUT //network/v2.0/address-groups/{{row_id}}/{verb}_addresses": (
            Example({"addresses": [one]}, "", network.ADDRESSES),
        )
        for verb, one in (("add", "10.9.0.0/16"), ("remove", "10.8.0.0/16"))
    },
    **{
        f"PUT //network/v2.0/subnetpools/{{row_id}}/{verb}_prefixes": (
            Example({"prefixes": ["10.64.128.0/17"]}, "", network.PREFIXES),
        )
        for verb in ("add", "remove")
    },
    "POST //network/v2.0/ports/{row_id}/bindings": (
        Example({"binding": {"host": "made"}}, "binding", network.NEW_BINDING),
    ),
    "PUT //network/v2.0/ports/{row_id}/bindings/{host}": (
        Example({"binding": {"profile": {"a": "b"}}}, "binding", network.CHANGED_BINDING),
    ),
    "PUT //network/v2.0/quotas/{owner}": (
        Example({"quota": {"port": 100}}, "quota", network_quotas.QuotaUpdate.shape),
    ),
    "POST //volume/v3/volumes": (
        Example({"volume": {"size": 1, "metadata": {"a": "b"}}}, "volume", volume.NEW_VOLUME),
    ),
    "PUT //volume/v3/volumes/{volume_id}": (
        Example({"volume": {"name": "made", "metadata": {"a": "b"}}}, "volume", volume.CHANGED),
    ),
    "POST //volume/v3/volumes/{volume_id}/action": tuple(
        Example({action: body}, action, volume_actions.SHAPES[action])
        for action, body in {
            "os-set_bootable": {"bootable": True},
            "os-extend": {"new_size": 2},
            "os-reset_status": {"status": "error"},
            "os-update_readonly_flag": {"readonly": True},
            "os-set_image_metadata": {"metadata": {"k": "v"}},
            "os-unset_image_metadata": {"key": "a"},
            "os-show_image_metadata": {},
            "os-retype": {"new_type": "fast"},
            "os-volume_upload_image": {"image_name": "made"},
            "os-reimage": {"image_id": "{image_id}"},
            "os-attach": {"mountpoint": "/dev/vdb", "host_name": "h"},
            "os-detach": {},
            "os-force_detach": {},
            "os-reserve": {},
            "os-unreserve": {},
        }.items()
    ),
    "POST //volume/v3/attachments": (
        Example(
            {
                "attachment": {
                    "volume_uuid": "{volume_id}",
                    "instance_uuid": "{server_id}",
                    "connector": {"host": "h"},
                    "mode": "rw",
                }
            },
            "attachment",
            volume.NEW_ATTACHMENT,
        ),
    ),
    "PUT //volume/v3/attachments/{attachment_id}": (
        Example(
            {"attachment": {"connector": {"host": "h"}}}, "attachment", volume.CHANGED_ATTACHMENT
        ),
    ),
    "POST //volume/v3/attachments/{attachment_id}/action": (Example({"os-complete": None}),),
    "POST //volume/v3/snapshots/{snapshot_id}/action": (
        Example(
            {"os-reset_status": {"status": "error"}},
            "os-reset_status",
            volume_actions.SNAPSHOT_SHAPES["os-reset_status"],
        ),
    ),
    **{
        f"{method} //volume/v3/{thing}/metadata": (Example({"metadata": {"a": "b"}}),)
        for thing in ("volumes/{volume_id}", "snapshots/{snapshot_id}")
        for method in ("POST", "PUT")
    },
    **{
        f"PUT //volume/v3/{thing}/metadata/{{key}}": (Example({"meta": {"a": "b"}}),)
        for thing in ("volumes/{volume_id}", "snapshots/{snapshot_id}")
    },
    **{
        f"POST //volume/v3/{noun}": (
            Example(
                {"transfer": {"volume_id": "{volume_id}", "no_snapshots": True}},
                "transfer",
                volume.NEW_TRANSFER,
            ),
        )
        for noun in ("volume-transfers", "os-volume-transfer")
    },
    **{
        f"POST //volume/v3/{noun}/{{transfer_id}}/accept": (
            Example({"accept": {"auth_key": TRANSFER_KEY}}, "accept", volume.ACCEPTED_TRANSFER),
        )
        for noun in ("volume-transfers", "os-volume-transfer")
    },
    **{
        f"POST //volume/v3/{noun}": (
            Example(
                {
                    "volume": {
                        "host": "local@database",
                        "ref": {"source-name": "{unmanaged}"},
                    }
                },
                "volume",
                volume.MANAGED_VOLUME,
            ),
        )
        for noun in ("manageable_volumes", "os-volume-manage")
    },
    "PUT //volume/v3/default-types/{owner}": (
        Example({"default_type": {"volume_type": "fast"}}, "default_type", volume.DEFAULT_TYPE),
    ),
    "PUT //volume/v3/os-services/{action}": (
        Example({"host": "local@database", "binary": "cinder-volume"}),
    ),
    "POST //volume/v3/types": (
        Example(
            {"volume_type": {"name": "made", "extra_specs": {"a": "b"}}},
            "volume_type",
            volume.NEW_TYPE,
        ),
    ),
    "PUT //volume/v3/types/{type_id}": (
        Example({"volume_type": {"name": "made"}}, "volume_type", volume.CHANGED_TYPE),
    ),
    "POST //volume/v3/types/{type_id}/extra_specs": (Example({"extra_specs": {"c": "d"}}),),
    "PUT //volume/v3/types/{type_id}/extra_specs/{key}": (Example({"a": "d"}),),
    "POST //volume/v3/types/{type_id}/action": (
        Example({"addProjectAccess": {"project": "{project_id}"}}),
    ),
    "POST //volume/v3/group_types": (
        Example({"group_type": {"name": "made"}}, "group_type", volume.NEW_GROUP_TYPE),
    ),
    "PUT //volume/v3/group_types/{group_type_id}": (
        Example({"group_type": {"name": "made"}}, "group_type", volume.CHANGED_GROUP_TYPE),
    ),
    "POST //volume/v3/group_types/{group_type_id}/group_specs": (
        Example({"group_specs": {"c": "d"}}),
    ),
    "PUT //volume/v3/group_types/{group_type_id}/group_specs/{key}": (Example({"a": "d"}),),
    "POST //volume/v3/groups": (
        Example(
            {"group": {"group_type": "loose", "volume_types": ["fast"]}}, "group", volume.NEW_GROUP
        ),
    ),
    "POST //volume/v3/groups/action": (
        Example(
            {"create-from-src": {"source_group_id": "{volume_group_id}"}},
            "create-from-src",
            volume.COPIED_GROUP,
        ),
    ),
    "PUT //volume/v3/groups/{volume_group_id}": (
        Example({"group": {"name": "made"}}, "group", volume.CHANGED_GROUP),
    ),
    "POST //volume/v3/groups/{volume_group_id}/action": (
        Example({"reset_status": {"status": "error"}}),
    ),
    "POST //volume/v3/group_snapshots": (
        Example(
            {"group_snapshot": {"group_id": "{volume_group_id}"}},
            "group_snapshot",
            volume.NEW_GROUP_SNAPSHOT,
        ),
    ),
    "POST //volume/v3/group_snapshots/{group_snapshot_id}/action": (
        Example({"reset_status": {"status": "error"}}),
    ),
    "POST //volume/v3/backups": (
        Example({"backup": {"volume_id": "{volume_id}"}}, "backup", volume.NEW_BACKUP),
    ),
    "POST //volume/v3/backups/import_record": (
        Example(
            EXAMPLES["post /volume/v3/backups/import_record"],
            "backup-record",
            volume.BACKUP_RECORD,
        ),
    ),
    "PUT //volume/v3/backups/{backup_id}": (
        Example({"backup": {"name": "made"}}, "backup", volume.CHANGED_BACKUP),
    ),
    "POST //volume/v3/backups/{backup_id}/restore": (
        Example({"restore": {"name": "made"}}, "restore", volume.RESTORED_BACKUP),
    ),
    "POST //volume/v3/backups/{backup_id}/action": (
        Example({"os-reset_status": {"status": "error"}}),
    ),
    "POST //volume/v3/qos-specs": (
        Example(
            {"qos_specs": {"name": "made", "consumer": "both", "total_iops_sec": "9"}},
            "qos_specs",
            volume.NEW_QOS,
        ),
    ),
    "PUT //volume/v3/qos-specs/{specs_id}": (Example({"qos_specs": {"total_iops_sec": "9"}}),),
    "PUT //volume/v3/qos-specs/{specs_id}/delete_keys": (
        Example({"keys": ["a"]}, "", volume.UNSET_QOS),
    ),
    "POST //volume/v3/types/{type_id}/encryption": (
        Example(ENCRYPTED, "encryption", volume.NEW_ENCRYPTION),
    ),
    "PUT //volume/v3/types/{type_id}/encryption/{key}": (
        Example(ENCRYPTED, "encryption", volume.CHANGED_ENCRYPTION),
    ),
    "POST //volume/v3/snapshots": (
        Example({"snapshot": {"volume_id": "{volume_id}"}}, "snapshot", volume.NEW_SNAPSHOT),
    ),
    "PUT //volume/v3/snapshots/{snapshot_id}": (
        Example({"snapshot": {"name": "made"}}, "snapshot", volume.CHANGED_SNAPSHOT),
    ),
    "PUT //volume/v3/os-quota-class-sets/{quota_class}": (
        Example(
            {"quota_class_set": {"volumes": -1}},
            "quota_class_set",
            volume_quotas.ClassUpdate.shape,
        ),
    ),
    "PUT //volume/v3/os-quota-sets/{owner}": (
        Example({"quota_set": {"volumes": -1}}, "quota_set", volume_quotas.QuotaUpdate.shape),
    ),
}
WITHOUT_BODY = frozenset(
    (
        "PUT //identity/v3/groups/{group_id}/users/{user_id}",
        "PUT //identity/v3/roles/{prior_role_id}/implies/{implied_role_id}",
        "PUT //identity/v3/projects/{project_id}/tags/{tag}",
        "POST //identity/v3/OS-OAUTH1/request_token",  # the header Authorization has it all
        "POST //identity/v3/OS-OAUTH1/access_token",
        "POST //identity/v3/OS-OAUTH2/token",  # a form
        *(
            f"PUT //identity/v3/policies/{{policy_id}}/OS-ENDPOINT-POLICY/{place}"
            for place in (
                "endpoints/{endpoint_id}",
                "services/{service_id}",
                "services/{service_id}/regions/{region_id}",
            )
        ),
        "PUT //identity/v3/OS-EP-FILTER/projects/{project_id}/endpoints/{endpoint_id}",
        "PUT //identity/v3/OS-EP-FILTER/endpoint_groups/{endpoint_group_id}/projects/{project_id}",
        *(
            f"PUT //identity/v3/{begin}{place}/{holder}/roles/{{role_id}}{end}"
            for holder in ("users/{user_id}", "groups/{group_id}")
            for place in ("projects/{project_id}", "domains/{domain_id}")
            for begin, end in (("", ""), ("OS-INHERIT/", "/inherited_to_projects"))
        ),
        *(
            f"PUT //identity/v3/system/{holder}/roles/{{role_id}}"
            for holder in ("users/{user_id}", "groups/{group_id}")
        ),
        *(f"PUT //network/v2.0/{kind}/{{row_id}}/tags/{{tag}}" for kind in TAGGED),
        "PUT //network/v2.0/ports/{row_id}/bindings/{host}/activate",
        f"POST {METADEFS}/{{namespace}}/tags/{{definition}}",
        "PUT //image/v2/images/{image_id}/file",  # any bytes
        "PUT //image/v2/images/{image_id}/stage",
        "POST //image/v2/tasks",  # needs hosts that data are fetched from
        "POST //image/v2/images/{image_id}/import",  # needs data that are staged
        "PUT //image/v2/images/{image_id}/tags/{tag}",
        "POST //image/v2/images/{image_id}/actions/deactivate",
        "POST //image/v2/images/{image_id}/actions/reactivate",
    )
)


TAKEN = (
    "PUT //identity/v3/regions/{region_id}",
    "POST //identity/v3/ec2tokens",
    "POST //identity/v3/s3tokens",
)
"""What would make a thing that the site has already, or needs a signature."""


def _other(route: Route, method: str) -> Iterator[Body]:
    """Raises: KeyError: it is not known what the URL takes."""
    name = f"{method} {route.path}"
    if name not in WITHOUT_BODY:
        accepted = None if name in TAKEN else True
        for example in OTHERS[name]:
            yield Body(route, method, example.body, example.places, accepted=accepted)
