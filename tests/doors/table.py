"""What each role may do: one row for every request that changes something.

A row names the smallest role of a project that may, and the status that such a caller gets; all who
hold less get 403 and change nothing. The member of another project gets ``outsider``. A text in
braces in a body stands for what the world of the test has there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from compute_site.identity.models import Role
from compute_site.neighbours.examples import EXAMPLES
from servers.policies.server import SHOW
from tests.world.cast import BETA
from tests.world.factories import TRANSFER_KEY
from tests.world.keys import ED25519

FORM = "application/x-www-form-urlencoded"
ANYONE = None
"""Also who proves no identity."""
READER, MEMBER, MANAGER, ADMIN = Role.READER, Role.MEMBER, Role.MANAGER, Role.ADMIN
HIDDEN = (
    *("server_id", "image_id", "volume_id", "snapshot_id", "group_id", "row_id"),
    *("floating_ip_id", "security_group_id", "rule_id", "attachment_id", "transfer_id"),
    *("message_id", "backup_id", "volume_group_id", "group_snapshot_id"),
)
"""Things of a project, which others do not see."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """``server`` is how the server stands before; ``names`` are those of the path that are not the
    usual ones. ``also`` tells apart rows of the same request.
    """

    method: str
    path: str
    role: Role | None
    status: int
    body: Any = None
    version: str = "2.1"
    outsider: int = 404
    server: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)
    action: str = ""
    also: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.method, self.path, self.action, self.also)))


def row(
    method: str, path: str, role: Role | None, status: int, body: Any = None, **more: Any
) -> Row:
    if "outsider" not in more and not any(f"{{{name}}}" in path for name in HIDDEN):
        assert role is ADMIN, f"{method} {path}: say what others get"
        more["outsider"] = 403
    return Row(method=method, path=path, role=role, status=status, body=body, **more)


SERVER = "/compute/v2.1/servers/{server_id}"
NEW_SERVER = {
    "name": "new",
    "imageRef": "{public_image}",
    "flavorRef": "{public_flavor}",
    "networks": "none",
}


def act(name: str, role: Role, status: int = 202, asked: Any = None, **more: Any) -> Row:
    """An action of a server."""
    return row("POST", f"{SERVER}/action", role, status, {name: asked}, action=name, **more)


ACTIVE = {"vm_state": "active", "task_state": None}
ACTIONS = (
    act("os-start", MEMBER, server={"vm_state": "stopped"}),
    act("os-stop", MEMBER),
    act("pause", MEMBER),
    act("unpause", MEMBER, server={"vm_state": "paused"}),
    act("suspend", MEMBER),
    act("resume", MEMBER, server={"vm_state": "suspended"}),
    act("unrescue", MEMBER, server={"vm_state": "rescued"}),
    act("lock", MEMBER),
    act("unlock", MEMBER, server={"locked": True, "locked_by": "owner"}),
    act(
        "unlock", ADMIN, server={"locked": True, "locked_by": "admin"}, also="that an admin locked"
    ),
    act("shelve", MEMBER),
    act("shelveOffload", ADMIN, server={"vm_state": "shelved"}),
    act("unshelve", MEMBER, server={"vm_state": "shelved"}),
    act(
        "unshelve",
        ADMIN,
        asked={"host": "host2"},
        version="2.91",
        server={"vm_state": "shelved_offloaded", "host": None, "node": None},
        also="to a host",
    ),
    act("forceDelete", MEMBER),
    act("restore", MEMBER, server={"vm_state": "soft-delete", "soft_deleted_at": "{now}"}),
    act("confirmResize", MEMBER, 409),
    act("revertResize", MEMBER, 409),
    act("trigger_crash_dump", MEMBER, version="2.17"),
    act("reboot", MEMBER, asked={"type": "SOFT"}),
    act("os-resetState", ADMIN, asked={"state": "error"}),
    act("injectNetworkInfo", ADMIN),
    act("changePassword", MEMBER, asked={"adminPass": "secret"}),
    act("rescue", MEMBER, 200),
    act("os-getConsoleOutput", MEMBER, 200, {}),
    act("os-getVNCConsole", MEMBER, 200, {"type": "novnc"}),
    act("os-getSPICEConsole", MEMBER, 400, {"type": "spice-html5"}),
    act("os-getSerialConsole", MEMBER, 400, {"type": "serial"}),
    act("os-getRDPConsole", READER, 400, {"type": "rdp-html5"}, outsider=400),  # nobody has one
    act("createImage", MEMBER, asked={"name": "copy"}),
    act(
        "createBackup",
        MEMBER,
        asked={"name": "copy", "backup_type": "daily", "rotation": 1},
    ),
    act("resize", MEMBER, asked={"flavorRef": "{other_flavor}"}),
    act("rebuild", MEMBER, asked={"imageRef": "{public_image}"}),
    act("migrate", MANAGER),
    act("migrate", ADMIN, asked={"host": "host2"}, version="2.56", also="to a host"),
    act(
        "os-migrateLive",
        MANAGER,
        asked={"host": None, "block_migration": "auto"},
        version="2.25",
    ),
    act(
        "os-migrateLive",
        ADMIN,
        asked={"host": "host2", "block_migration": "auto"},
        version="2.30",
        also="to a host",
    ),
    act("evacuate", ADMIN, 400, {"host": "host2"}, version="2.14"),
    act("addSecurityGroup", MEMBER, asked={"name": "{group_name}"}),
    act("removeSecurityGroup", MEMBER, asked={"name": "default"}),
    act("addFixedIp", MEMBER, asked={"networkId": "{network}"}),
    act("removeFixedIp", MEMBER, asked={"address": "{fixed_address}"}),
    act("addFloatingIp", MEMBER, asked={"address": "{floating_address}"}),
    act("removeFloatingIp", MEMBER, 409, {"address": "{floating_address}"}),
)
DISKS = f"{SERVER}/os-volume_attachments"
DISK = f"{DISKS}/{{volume_id}}"
ATTACHED = {"volume_id": "{attached_volume}"}
SERVERS = (
    row(
        *("POST", "/compute/v2.1/servers", MEMBER, 202, {"server": NEW_SERVER}),
        version="2.37",
        outsider=202,
    ),
    row(
        *("POST", "/compute/v2.1/servers", ADMIN, 202),
        {"server": {**NEW_SERVER, "availability_zone": "nova:host1"}},
        version="2.37",
        also="on a host",
    ),
    row(
        *("POST", "/compute/v2.1/servers/dry-run", MEMBER, 200, {"server": NEW_SERVER}),
        version="2.37",
        outsider=200,
    ),
    row(
        *("POST", f"{SERVER}/dry-run", MEMBER, 200),
        {"rebuild": {"imageRef": "{public_image}"}},
    ),
    row("PUT", SERVER, MEMBER, 200, {"server": {"name": "renamed"}}),
    row("DELETE", SERVER, MEMBER, 204),
    row("POST", f"{SERVER}/metadata", MEMBER, 200, {"metadata": {"a": "1"}}),
    row("PUT", f"{SERVER}/metadata", MEMBER, 200, {"metadata": {"a": "1"}}),
    row("PUT", f"{SERVER}/metadata/{{key}}", MEMBER, 200, {"meta": {"{key}": "1"}}),
    row("DELETE", f"{SERVER}/metadata/{{key}}", MEMBER, 204),
    row("PUT", f"{SERVER}/tags", MEMBER, 200, {"tags": ["x"]}, version="2.26"),
    row("DELETE", f"{SERVER}/tags", MEMBER, 204, version="2.26"),
    row("PUT", f"{SERVER}/tags/{{tag}}", MEMBER, 204, version="2.26"),
    row("DELETE", f"{SERVER}/tags/{{tag}}", MEMBER, 204, version="2.26"),
    row("PUT", f"{SERVER}/grants/{{user_id}}", MANAGER, 200, {"grant": {"rules": [SHOW]}}),
    row("DELETE", f"{SERVER}/grants/{{user_id}}", MANAGER, 204),
    row(
        *("POST", f"{SERVER}/os-interface", MEMBER, 200),
        {"interfaceAttachment": {"net_id": "{network}"}},
    ),
    row("DELETE", f"{SERVER}/os-interface/{{port_id}}", MEMBER, 202),
    row("POST", DISKS, MEMBER, 200, {"volumeAttachment": {"volumeId": "{volume_id}"}}),
    row(
        *("PUT", DISK, MEMBER, 202),
        {"volumeAttachment": {"volumeId": "{attached_volume}", "delete_on_termination": True}},
        version="2.85",
        names=ATTACHED,
    ),
    row(
        *("PUT", DISK, ADMIN, 409, {"volumeAttachment": {"volumeId": "{volume_id}"}}),
        names=ATTACHED,
        also="for another",
    ),
    row("DELETE", DISK, MEMBER, 202, names=ATTACHED),
    row(
        *("POST", f"{SERVER}/remote-consoles", MEMBER, 200),
        {"remote_console": {"protocol": "vnc", "type": "novnc"}},
        version="2.6",
    ),
    row("DELETE", f"{SERVER}/migrations/{{migration_id}}", MANAGER, 409, version="2.24"),
    row(
        *("POST", f"{SERVER}/migrations/{{migration_id}}/action", MANAGER, 409),
        {"force_complete": None},
        version="2.22",
        action="force_complete",
    ),
    row("DELETE", f"{SERVER}/os-server-password", MEMBER, 204),
    row(
        *("POST", f"{SERVER}/shares", MEMBER, 409),
        {"share": {"share_id": "6d0a0b1c-3a2f-4f0e-9a55-0d1f3b6a2c01"}},
        version="2.97",
    ),
    row("DELETE", f"{SERVER}/shares/{{share_id}}", MEMBER, 409, version="2.97"),
    *ACTIONS,
)
OLD_SERVERS = tuple(
    dataclasses.replace(entry, path=entry.path.replace("/servers", "/os-volumes_boot", 1))
    for entry in SERVERS
    if entry.path in ("/compute/v2.1/servers", SERVER, f"{SERVER}/action")
)
"""What old clients ask for is the same."""

COMPUTE = "/compute/v2.1"
FLAVOR = f"{COMPUTE}/flavors/{{flavor_id}}"
SPECS = f"{FLAVOR}/os-extra_specs"
AGGREGATE = f"{COMPUTE}/os-aggregates/{{aggregate_id}}"
OLD_IMAGE = f"{COMPUTE}/images/{{image_id}}"
NEW_FLAVOR = {"name": "new", "ram": 512, "vcpus": 1, "disk": 1}
CLOUD = (
    row("POST", f"{COMPUTE}/flavors", ADMIN, 200, {"flavor": NEW_FLAVOR}),
    row("PUT", FLAVOR, ADMIN, 200, {"flavor": {"description": "d"}}, version="2.55"),
    row("DELETE", FLAVOR, ADMIN, 202),
    row(
        *("POST", f"{FLAVOR}/action", ADMIN, 200, {"addTenantAccess": {"tenant": "{beta}"}}),
        action="addTenantAccess",
    ),
    row(
        *("POST", f"{FLAVOR}/action", ADMIN, 200, {"removeTenantAccess": {"tenant": "{alpha}"}}),
        action="removeTenantAccess",
    ),
    row("POST", SPECS, ADMIN, 200, {"extra_specs": {"hw:cpu_policy": "shared"}}),
    row(
        *("PUT", f"{SPECS}/{{name}}", ADMIN, 200, {"hw:cpu_policy": "shared"}),
        names={"name": "hw:cpu_policy"},
    ),
    row("DELETE", f"{SPECS}/{{name}}", ADMIN, 200, names={"name": "hw:mem_page_size"}),
    row(
        *("PUT", f"{COMPUTE}/os-quota-class-sets/{{quota_class}}", ADMIN, 200),
        {"quota_class_set": {"cores": 5}},
    ),
    row("PUT", f"{COMPUTE}/os-quota-sets/{{owner}}", ADMIN, 200, {"quota_set": {"cores": 5}}),
    row("DELETE", f"{COMPUTE}/os-quota-sets/{{owner}}", ADMIN, 202),
    row(
        *("POST", f"{COMPUTE}/os-keypairs", READER, 200),
        {"keypair": {"name": "new", "public_key": ED25519}},
        outsider=200,
    ),
    row(
        *("POST", f"{COMPUTE}/os-keypairs", ADMIN, 201),
        {"keypair": {"name": "new", "public_key": ED25519, "user_id": "{user_id}", "type": "ssh"}},
        version="2.10",
        also="for somebody else",
    ),
    row("DELETE", f"{COMPUTE}/os-keypairs/{{name}}", READER, 202, outsider=202),
    row(
        *("DELETE", f"{COMPUTE}/os-keypairs/{{name}}?user_id={{user_id}}", ADMIN, 204),
        version="2.10",
        also="of somebody else",
    ),
    row(
        *("POST", f"{COMPUTE}/os-server-groups", MEMBER, 200),
        {"server_group": {"name": "new", "policies": ["affinity"]}},
        outsider=200,
    ),
    row("DELETE", f"{COMPUTE}/os-server-groups/{{group_id}}", MEMBER, 204),
    row(
        *("PUT", f"{COMPUTE}/os-services/{{service_id}}", ADMIN, 200),
        {"host": "host1", "binary": "nova-compute"},
        names={"service_id": "disable"},
    ),
    row(
        *("PUT", f"{COMPUTE}/os-services/{{service_id}}", ADMIN, 200, {"status": "disabled"}),
        version="2.53",
        also="by id",
    ),
    row("DELETE", f"{COMPUTE}/os-services/{{service_id}}", ADMIN, 409, version="2.53"),
    row("POST", f"{COMPUTE}/os-aggregates", ADMIN, 200, {"aggregate": {"name": "new"}}),
    row("PUT", AGGREGATE, ADMIN, 200, {"aggregate": {"name": "renamed"}}),
    row("DELETE", AGGREGATE, ADMIN, 200, names={"aggregate_id": "{empty_aggregate}"}),
    row(
        *("POST", f"{AGGREGATE}/action", ADMIN, 200, {"add_host": {"host": "host2"}}),
        action="add_host",
    ),
    row(
        *("POST", f"{AGGREGATE}/action", ADMIN, 200, {"remove_host": {"host": "host1"}}),
        action="remove_host",
    ),
    row(
        *("POST", f"{AGGREGATE}/action", ADMIN, 200, {"set_metadata": {"metadata": {"a": "1"}}}),
        action="set_metadata",
    ),
    row(
        *("POST", f"{AGGREGATE}/images", ADMIN, 202, {"cache": [{"id": "{public_image}"}]}),
        version="2.81",
    ),
    row(
        *("POST", f"{COMPUTE}/os-server-external-events", ADMIN, 200),
        {"events": [{"name": "network-changed", "server_uuid": "{server_id}"}]},
    ),
    row("PUT", f"{COMPUTE}/os-hosts/{{host_name}}", ADMIN, 200, {"status": "disable"}),
    row("DELETE", OLD_IMAGE, MEMBER, 204),
    row(
        *("POST", f"{COMPUTE}/os-floating-ips", MEMBER, 200, {"pool": "{public_network}"}),
        outsider=200,
    ),
    row("DELETE", f"{COMPUTE}/os-floating-ips/{{floating_ip_id}}", MEMBER, 202),
    row(
        *("POST", f"{COMPUTE}/os-security-groups", MEMBER, 200),
        {"security_group": {"name": "new", "description": "d"}},
        outsider=200,
    ),
    row(
        *("PUT", f"{COMPUTE}/os-security-groups/{{security_group_id}}", MEMBER, 200),
        {"security_group": {"name": "renamed", "description": "d"}},
    ),
    row("DELETE", f"{COMPUTE}/os-security-groups/{{security_group_id}}", MEMBER, 202),
    row(
        *("POST", f"{COMPUTE}/os-security-group-rules", MEMBER, 200),
        {
            "security_group_rule": {
                "parent_group_id": "{security_group}",
                "ip_protocol": "tcp",
                "from_port": 22,
                "to_port": 22,
            }
        },
        outsider=404,
    ),
    row("DELETE", f"{COMPUTE}/os-security-group-rules/{{rule_id}}", MEMBER, 202),
    row("POST", f"{COMPUTE}/os-volumes", MEMBER, 200, {"volume": {"size": 1}}, outsider=200),
    row("DELETE", f"{COMPUTE}/os-volumes/{{volume_id}}", MEMBER, 202),
    row(
        *("POST", f"{COMPUTE}/os-snapshots", MEMBER, 200),
        {"snapshot": {"volume_id": "{volume_id}"}},
        outsider=404,
    ),
    row("DELETE", f"{COMPUTE}/os-snapshots/{{snapshot_id}}", MEMBER, 202),
    row(
        *("POST", f"{COMPUTE}/os-assisted-volume-snapshots", ADMIN, 200),
        {
            "snapshot": {
                "volume_id": "{attached_volume}",
                "create_info": {"snapshot_id": "1", "type": "qcow2", "new_file": "f"},
            }
        },
    ),
    row(
        "DELETE",
        f"{COMPUTE}/os-assisted-volume-snapshots/{{snapshot_id}}"
        "?delete_info=%7B%22volume_id%22:%22{attached_volume}%22%7D",
        *(ADMIN, 204),
        outsider=403,
    ),
    row("POST", f"{OLD_IMAGE}/metadata", MEMBER, 200, {"metadata": {"a": "1"}}),
    row("PUT", f"{OLD_IMAGE}/metadata", MEMBER, 200, {"metadata": {"a": "1"}}),
    row("PUT", f"{OLD_IMAGE}/metadata/{{key}}", MEMBER, 200, {"meta": {"{key}": "1"}}),
    row("DELETE", f"{OLD_IMAGE}/metadata/{{key}}", MEMBER, 204),
)

V3 = "/identity/v3"
USER = f"{V3}/users/{{user_id}}"
GRANT = f"{V3}/projects/{{project_id}}/users/{{user_id}}/roles/{{role_id}}"
CREDENTIALS = f"{USER}/application_credentials"
OWN = {"user_id": "{own_user}"}
PASSWORD = {
    "identity": {
        "methods": ["password"],
        "password": {
            "user": {
                "name": "alpha-second",
                "domain": {"id": "default"},
                "password": "alpha-second",
            }
        },
    }
}
USER_GROUP = {"group_id": "{user_group}"}


def crud(nouns: str, noun: str, new: Any, other: Any, **names: str) -> tuple[Row, ...]:
    """The rows of a kind of things; ``names``: which one is changed, and which one is deleted."""
    one = f"{V3}/{nouns}/{{{noun}_id}}"
    change, delete = ({f"{noun}_id": name} for name in (names["changed"], names["deleted"]))
    body = new if isinstance(new, list) else None
    return (
        row("POST", f"{V3}/{nouns}", ADMIN, 201, {nouns: new} if body else {noun: new}),
        row("PATCH", one, ADMIN, 200, {noun: other}, names=change, outsider=403),
        row("DELETE", one, ADMIN, 204, names=delete, outsider=403),
    )


def grants() -> Iterator[Row]:
    """Roles of users and groups in projects and domains and on the system."""
    for holder, names in (("users/{user_id}", {}), ("groups/{group_id}", USER_GROUP)):
        for place in ("projects/{project_id}", "domains/{domain_id}"):
            for begin, end in (("", ""), ("OS-INHERIT/", "/inherited_to_projects")):
                path = f"{V3}/{begin}{place}/{holder}/roles/{{role_id}}{end}"
                if path != GRANT:
                    yield from give_and_take(path, names)
        yield from give_and_take(f"{V3}/system/{holder}/roles/{{role_id}}", names)


def give_and_take(path: str, names: Mapping[str, str]) -> Iterator[Row]:
    yield row("PUT", path, ADMIN, 204, names=names, outsider=403)
    held = {**names, "role_id": "{held_role}"}
    yield row("DELETE", path, ADMIN, 204, names=held, outsider=403)


EC2 = f"{USER}/credentials/OS-EC2"
CONFIG = f"{V3}/domains/{{domain_id}}/config"
FILTER = f"{V3}/OS-EP-FILTER"
NEW_KEYS = {"project_id": "{alpha}", "type": "ec2", "blob": '{{"access": "new"}}'}


def stored() -> Iterator[Row]:
    """Credentials, policies, settings of domains, and endpoints that projects are given."""
    own = {**NEW_KEYS, "user_id": "{own_user}"}
    keys = {"user_id": "{stored_user}", "access": "{access}"}
    one = f"{V3}/credentials/{{credential_id}}"
    other = {"credential_id": "{stored_credential}"}
    yield row("POST", f"{V3}/credentials", READER, 201, {"credential": own}, outsider=201)
    yield row("PATCH", one, ADMIN, 200, {"credential": {"blob": "x"}}, names=other)
    yield row("DELETE", one, ADMIN, 204, names=other)
    yield row("POST", EC2, READER, 201, {"tenant_id": "{alpha}"}, names=OWN, outsider=201)
    yield row("DELETE", f"{EC2}/{{access}}", ADMIN, 204, names=keys)
    signed = {"access": "{own_access}", "signature": "{signature}"}
    params = {"SignatureVersion": "0", "Action": "a", "Timestamp": "{moment}"}
    yield row("POST", f"{V3}/ec2tokens", ADMIN, 200, {"credentials": {**signed, "params": params}})
    signed = {**signed, "signature": "{signature_of_nothing}", "token": "AAAA"}
    yield row("POST", f"{V3}/s3tokens", ADMIN, 200, {"credentials": signed})
    policy = {"policy": {"type": "t", "blob": "b"}}
    one = f"{V3}/policies/{{policy_id}}"
    stored_one = {"policy_id": "{stored_policy}"}
    yield row("POST", f"{V3}/policies", ADMIN, 201, policy)
    yield row("PATCH", one, ADMIN, 200, policy, names=stored_one)
    yield row("DELETE", one, ADMIN, 204, names=stored_one)
    of_dns = {**stored_one, "service_id": "{dns_service}"}
    for place, names in (
        ("endpoints/{endpoint_id}", stored_one),
        ("services/{service_id}", of_dns),
        ("services/{service_id}/regions/{region_id}", of_dns),
    ):
        for method in ("PUT", "DELETE"):
            yield row(method, f"{one}/OS-ENDPOINT-POLICY/{place}", ADMIN, 204, names=names)
    driver = {"driver": "sql"}
    for end, body in (
        ("", {"identity": driver}),
        ("/{group}", {"identity": driver}),
        ("/{group}/{option}", driver),
    ):
        names = {"group": "identity", "option": "driver"}
        yield row("PATCH", f"{CONFIG}{end}", ADMIN, 200, {"config": body}, names=names)
        yield row("DELETE", f"{CONFIG}{end}", ADMIN, 204, names=names)
    yield row("PUT", CONFIG, ADMIN, 200, {"config": {"identity": driver}})
    group = {"endpoint_group": {"name": "new", "filters": {"interface": "admin"}}}
    yield row("POST", f"{FILTER}/endpoint_groups", ADMIN, 201, group)
    one = f"{FILTER}/endpoint_groups/{{endpoint_group_id}}"
    yield row("PATCH", one, ADMIN, 200, group)
    yield row("DELETE", one, ADMIN, 204)
    trust = {
        "trustor_user_id": "{own_user}",
        "trustee_user_id": "{stored_user}",
        "project_id": "{alpha}",
        "impersonation": False,
        "roles": [{"name": "reader"}],
    }
    yield row("POST", f"{V3}/OS-TRUST/trusts", READER, 201, {"trust": trust}, outsider=404)
    yield row("DELETE", f"{V3}/OS-TRUST/trusts/{{trust_id}}", ADMIN, 204, outsider=403)
    yield from oauth()
    yield row(
        *("DELETE", f"{USER}/access_rules/{{access_rule_id}}", ADMIN, 204),
        names={"user_id": "{stored_user}"},
    )
    for given in (
        f"{one}/projects/{{project_id}}",
        f"{FILTER}/projects/{{project_id}}/endpoints/{{endpoint_id}}",
    ):
        yield row("PUT", given, ADMIN, 204, names={"project_id": "{beta}"})
        yield row("DELETE", given, ADMIN, 204)


def oauth() -> Iterator[Row]:
    """Consumers, and what they may do for a user."""
    base, described = f"{V3}/OS-OAUTH1", {"consumer": {"description": "d"}}
    consumer = f"{base}/consumers/{{oauth_consumer_id}}"
    roles = {"roles": [{"name": "reader"}]}
    names = {"user_id": "{stored_user}"}
    yield row("POST", f"{base}/consumers", ADMIN, 201, described)
    yield row("PATCH", consumer, ADMIN, 200, described)
    yield row("DELETE", consumer, ADMIN, 204)
    yield row("PUT", f"{base}/authorize/{{request_token_id}}", ADMIN, 200, roles, outsider=403)
    access = f"{USER}/OS-OAUTH1/access_tokens/{{access_token_id}}"
    yield row("DELETE", access, ADMIN, 204, names=names, outsider=403)
    verified = 'oauth_token="{authorized}", oauth_verifier="abcdefgh"'
    for path, more in (
        ("request_token", 'oauth_callback="oob", oauth_signature="{one_secret}"'),
        ("access_token", f'{verified}, oauth_signature="{{both_secrets}}"'),
    ):
        signed = (
            'OAuth oauth_consumer_key="{oauth_consumer_id}", oauth_signature_method="PLAINTEXT", '
            f'oauth_timestamp="{{stamp}}", oauth_nonce="1", {more}'
        )
        headers = {"Authorization": signed, "Requested-Project-Id": "{alpha}"}
        yield row("POST", f"{base}/{path}", ANYONE, 201, headers=headers, outsider=201)
    headers = {"Authorization": "Basic {oauth_client}", "Content-Type": FORM}
    form = b"grant_type=client_credentials"
    token = f"{V3}/OS-OAUTH2/token"
    yield row("POST", token, ANYONE, 200, form, headers=headers, outsider=200)


TAGS = f"{V3}/projects/{{project_id}}/tags"
MEMBER_OF_GROUP = f"{V3}/groups/{{group_id}}/users/{{user_id}}"
IMPLIED = f"{V3}/roles/{{prior_role_id}}/implies/{{implied_role_id}}"
RULE = {"prior_role_id": "{own_role}", "implied_role_id": "{free_role}"}
LIMIT = {"service_id": "{dns_service}", "resource_name": "a"}
IDENTITY = (
    *crud(
        *("domains", "domain", {"name": "new"}, {"description": "d"}),
        changed="{domain_id}",
        deleted="{closed_domain}",
    ),
    *crud(
        *("groups", "group", {"name": "new"}, {"description": "d"}),
        changed="{user_group}",
        deleted="{empty_group}",
    ),
    *crud(
        *("roles", "role", {"name": "new"}, {"description": "d"}),
        changed="{own_role}",
        deleted="{free_role}",
    ),
    *crud(
        *("regions", "region", {"id": "new"}, {"description": "d"}),
        changed="{region_id}",
        deleted="{region_id}",
    ),
    row(
        *("PUT", f"{V3}/regions/{{region_id}}", ADMIN, 201, {"region": {}}),
        names={"region_id": "another"},
    ),
    *crud(
        *("services", "service", {"type": "new"}, {"description": "d"}),
        changed="{dns_service}",
        deleted="{idle_service}",
    ),
    *crud(
        *("endpoints", "endpoint"),
        {"service_id": "{dns_service}", "interface": "admin", "url": "http://new"},
        {"enabled": False},
        changed="{endpoint_id}",
        deleted="{endpoint_id}",
    ),
    *crud(
        *("registered_limits", "registered_limit"),
        [{"service_id": "{dns_service}", "resource_name": "new", "default_limit": 1}],
        {"default_limit": 2},
        changed="{registered_limit_id}",
        deleted="{registered_limit_id}",
    ),
    *crud(
        *("limits", "limit", [{**LIMIT, "project_id": "{beta}", "resource_limit": 2}]),
        {"resource_limit": 3},
        changed="{limit_id}",
        deleted="{limit_id}",
    ),
    *stored(),
    row("PUT", TAGS, ADMIN, 200, {"tags": ["a"]}),
    row("DELETE", TAGS, ADMIN, 204),
    row("PUT", f"{TAGS}/{{tag}}", ADMIN, 201, names={"tag": "new"}),
    row("DELETE", f"{TAGS}/{{tag}}", ADMIN, 204),
    row("PUT", MEMBER_OF_GROUP, ADMIN, 204, names={"group_id": "{empty_group}"}, outsider=403),
    row("DELETE", MEMBER_OF_GROUP, ADMIN, 204, names=USER_GROUP, outsider=403),
    row(
        *("PUT", IMPLIED, ADMIN, 201),
        names={"prior_role_id": "{own_role}", "implied_role_id": "{role_id}"},
    ),
    row("DELETE", IMPLIED, ADMIN, 204, names=RULE),
    *grants(),
    row("POST", f"{V3}/auth/tokens", ANYONE, 201, {"auth": PASSWORD}, outsider=201),
    row(
        *("DELETE", f"{V3}/auth/tokens", READER, 204),
        headers={"X-Subject-Token": "{own_token}"},
        outsider=204,
    ),
    row(
        *("DELETE", f"{V3}/auth/tokens", ADMIN, 204),
        headers={"X-Subject-Token": "{other_token}"},
        also="of somebody else",
    ),
    row("POST", f"{V3}/projects", ADMIN, 201, {"project": {"name": "new"}}),
    row("PATCH", f"{V3}/projects/{{project_id}}", ADMIN, 200, {"project": {"description": "d"}}),
    row(
        *("DELETE", f"{V3}/projects/{{project_id}}", ADMIN, 204),
        names={"project_id": "{empty_project}"},
    ),
    row("POST", f"{V3}/users", ADMIN, 201, {"user": {"name": "new"}}),
    row("PATCH", USER, ADMIN, 200, {"user": {"email": "a@b"}}),
    row("DELETE", USER, ADMIN, 204, names={"user_id": "{idle_user}"}),
    row(
        *("POST", f"{USER}/password", ANYONE, 204),
        {"user": {"original_password": "{second}", "password": "another"}},
        outsider=204,
    ),
    row(
        *("POST", CREDENTIALS, READER, 201),
        {"application_credential": {"name": "new"}},
        names=OWN,
        outsider=201,
    ),
    row("DELETE", f"{CREDENTIALS}/{{credential_id}}", READER, 204, names=OWN, outsider=204),
    row("PUT", GRANT, ADMIN, 204),
    row("DELETE", GRANT, ADMIN, 204, names={"role_id": "{held_role}"}),
)

IMAGES = "/image/v2/images"
IMAGE = f"{IMAGES}/{{image_id}}"


def patch(key: str, value: Any) -> list[dict[str, Any]]:
    return [{"op": "replace", "path": f"/{key}", "value": value}]


IMAGE_SERVICE = (
    row("POST", IMAGES, MEMBER, 201, {"name": "new"}, outsider=201),
    row("POST", IMAGES, MEMBER, 201, {"visibility": "community"}, outsider=201, also="community"),
    row("POST", IMAGES, ADMIN, 201, {"visibility": "public"}, also="public"),
    row("POST", IMAGES, ADMIN, 201, {"owner": "{beta}"}, outsider=201, also="for beta"),
    row("PATCH", IMAGE, MEMBER, 200, patch("name", "renamed")),
    row("PATCH", IMAGE, MEMBER, 200, patch("visibility", "community"), also="community"),
    row("PATCH", IMAGE, ADMIN, 200, patch("visibility", "public"), also="public"),
    row("PATCH", IMAGE, ADMIN, 200, patch("owner", "{beta}"), also="for beta"),
    row("DELETE", IMAGE, MEMBER, 204),
    row("PUT", f"{IMAGE}/file", MEMBER, 204, b"data", names={"image_id": "{queued_image}"}),
    row("PUT", f"{IMAGE}/stage", MEMBER, 204, b"data", names={"image_id": "{queued_image}"}),
    row(
        *("POST", f"{IMAGE}/import", MEMBER, 409, {"method": {"name": "glance-direct"}}),
        names={"image_id": "{queued_image}"},
    ),
    row("POST", "/image/v2/tasks", ADMIN, 400, {"type": "import", "input": {}}),
    row("POST", f"{IMAGE}/actions/deactivate", MEMBER, 204),
    row("POST", f"{IMAGE}/actions/reactivate", MEMBER, 204),
    row("PUT", f"{IMAGE}/tags/{{tag}}", MEMBER, 204),
    row("DELETE", f"{IMAGE}/tags/{{tag}}", MEMBER, 204),
    row(
        *("POST", f"{IMAGE}/members", MEMBER, 200, {"member": "{other_project}"}),
        names={"image_id": "{shared_image}"},
        outsider=403,
    ),
    row(
        *("PUT", f"{IMAGE}/members/{{member_id}}", MEMBER, 200, {"status": "accepted"}),
        names={"image_id": "{foreign_image}", "member_id": "{alpha}"},
        outsider=403,
    ),
    row(
        *("DELETE", f"{IMAGE}/members/{{member_id}}", MEMBER, 204),
        names={"image_id": "{shared_image}"},
        outsider=403,
    ),
    *(
        row(
            *(method, IMAGE, ADMIN, status, body),
            names={"image_id": image},
            outsider=403,
            also=f"of nobody, {image}",
        )
        for image in ("{public_image}",)
        for method, status, body in (("PATCH", 200, patch("name", "n")), ("DELETE", 204, None))
    ),
)

METADEFS = "/image/v2/metadefs/namespaces"
NAMESPACE = f"{METADEFS}/{{namespace}}"
DEFINED: dict[str, dict[str, Any]] = {
    "objects": {"name": "new"},
    "properties": {"name": "new", "title": "New", "type": "string"},
}
METADEF_DOORS = (
    row("POST", METADEFS, ADMIN, 201, {"namespace": "new"}),
    row("PUT", NAMESPACE, ADMIN, 200, {"namespace": "renamed"}),
    row("DELETE", NAMESPACE, ADMIN, 204),
    *(
        made
        for kind, body in DEFINED.items()
        for made in (
            row("POST", f"{NAMESPACE}/{kind}", ADMIN, 201, body),
            row("DELETE", f"{NAMESPACE}/{kind}", ADMIN, 204),
            row("PUT", f"{NAMESPACE}/{kind}/{{definition}}", ADMIN, 200, body),
            row("DELETE", f"{NAMESPACE}/{kind}/{{definition}}", ADMIN, 204),
        )
    ),
    row("POST", f"{NAMESPACE}/tags", ADMIN, 201, {"tags": [{"name": "new"}]}),
    row("DELETE", f"{NAMESPACE}/tags", ADMIN, 204),
    row("POST", f"{NAMESPACE}/tags/{{definition}}", ADMIN, 201, names={"definition": "new"}),
    row("PUT", f"{NAMESPACE}/tags/{{definition}}", ADMIN, 200, {"name": "new"}),
    row("DELETE", f"{NAMESPACE}/tags/{{definition}}", ADMIN, 204),
    row("POST", f"{NAMESPACE}/resource_types", ADMIN, 201, {"name": "OS::Nova::Server"}),
    row("DELETE", f"{NAMESPACE}/resource_types/{{resource_type}}", ADMIN, 204),
)

V2 = "/network/v2.0"


def on_router(action: str, asked: Any, **more: Any) -> Row:
    return row("PUT", f"{V2}/routers/{{row_id}}/{action}", MEMBER, 200, asked, **more)


OUT = {"network_id": "{public_network}"}
OWN_SUBNET = {"subnet_id": "{own_subnet}"}
ROUTERS = (
    row("POST", f"{V2}/routers", MEMBER, 201, {"router": {"name": "new"}}, outsider=201),
    *(
        row("POST", f"{V2}/routers", role, 201, {"router": asked}, outsider=outsider, also=also)
        for role, also, asked, outsider in (
            (MEMBER, "that leads out", {"external_gateway_info": OUT}, 201),
            (ADMIN, "of another", {"project_id": "{other_project}"}, 403),
            (
                ADMIN,
                "that hides nothing",
                {"external_gateway_info": {**OUT, "enable_snat": False}},
                403,
            ),
            (
                ADMIN,
                "with an address outside",
                {
                    "external_gateway_info": {
                        **OUT,
                        "external_fixed_ips": [{"ip_address": "{outside_address}"}],
                    }
                },
                403,
            ),
        )
    ),
    row("PUT", f"{V2}/routers/{{row_id}}", MEMBER, 200, {"router": {"name": "renamed"}}),
    *(
        row("PUT", f"{V2}/routers/{{row_id}}", role, 200, {"router": asked}, also=also)
        for role, also, asked in (
            (MEMBER, "routes", {"routes": []}),
            (MEMBER, "no gateway", {"external_gateway_info": None}),
            (
                ADMIN,
                "that hides nothing",
                {"external_gateway_info": {**OUT, "enable_snat": False}},
            ),
            (
                ADMIN,
                "with an address outside",
                {
                    "external_gateway_info": {
                        **OUT,
                        "external_fixed_ips": [{"ip_address": "{outside_address}"}],
                    }
                },
            ),
        )
    ),
    row("DELETE", f"{V2}/routers/{{row_id}}", MEMBER, 204, names={"row_id": "{idle_router}"}),
    on_router(
        "add_router_interface", {"subnet_id": "{free_subnet}"}, names={"row_id": "{idle_router}"}
    ),
    on_router("remove_router_interface", OWN_SUBNET),
    on_router("add_extraroutes", {"router": {"routes": []}}),
    on_router("remove_extraroutes", {"router": {"routes": []}}),
)


def many(noun: str) -> str:
    return f"{V2}/{noun}s".replace("_", "-")


def create(noun: str, role: Role, asked: Any, **more: Any) -> Row:
    return row("POST", many(noun), role, 201, {noun: asked}, **more)


def change(noun: str, role: Role, asked: Any, **more: Any) -> Row:
    return row("PUT", f"{many(noun)}/{{row_id}}", role, 200, {noun: asked}, **more)


def delete(noun: str, role: Role, **more: Any) -> Row:
    return row("DELETE", f"{many(noun)}/{{row_id}}", role, 204, **more)


ON_OWN = {"network_id": "{network}"}
ON_SHARED = {"network_id": "{shared_network}"}
MAC = {"mac_address": "fa:16:3e:00:00:77"}
RANGE = {"cidr": "10.99.0.0/24", "ip_version": 4}
UNSAFE = {"port_security_enabled": False}
PAIRS = {"allowed_address_pairs": [{"ip_address": "10.99.0.7"}]}
BINDINGS = f"{V2}/ports/{{row_id}}/bindings"
BINDING = f"{BINDINGS}/{{host}}"
BOUND = {"row_id": "{port_id}"}
QOS = f"{V2}/qos/policies"
TAGGED = ("network", "subnet", "port", "router", "security_group", "floatingip", "subnetpool")
NEW_POOL = {"name": "new", "prefixes": ["10.80.0.0/16"]}
POLICY_TAGS = (f"{QOS}/{{row_id}}/tags", f"{V2}/policies/{{row_id}}/tags")
NETWORK_SERVICE = (
    *ROUTERS,
    *(
        row(method, f"{many(noun)}/{{row_id}}/tags", MEMBER, status, body)
        for noun in TAGGED
        for method, status, body in (
            ("PUT", 200, {"tags": ["a"]}),
            ("POST", 200, {"tags": ["a"]}),
            ("DELETE", 204, None),
        )
    ),
    *(
        row(method, f"{many(noun)}/{{row_id}}/tags/{{tag}}", MEMBER, status)
        for noun in TAGGED
        for method, status in (("PUT", 201), ("DELETE", 404))
    ),
    create("network", MEMBER, {"name": "new"}, outsider=201),
    *(
        create("network", ADMIN, {"name": "new", key: value}, also=key)
        for key, value in (
            *(("shared", True), ("router:external", True), ("is_default", True)),
            *(("provider:network_type", "flat"), ("provider:physical_network", "uplink")),
            *(("provider:segmentation_id", 7), ("project_id", "{other_project}")),
        )
    ),
    change("network", MEMBER, {"name": "renamed"}),
    change("network", MEMBER, {"port_security_enabled": False}, also="port security"),
    *(
        change("network", ADMIN, {key: value}, also=key)
        for key, value in (
            *(("shared", True), ("router:external", True), ("is_default", True)),
            *(("provider:network_type", "flat"), ("provider:physical_network", "uplink")),
            ("provider:segmentation_id", 7),
        )
    ),
    change(
        *("network", ADMIN, {"name": "n"}),
        names={"row_id": "{shared_network}"},
        outsider=200,
        also="of beta",
    ),
    delete("network", MEMBER, names={"row_id": "{empty_network}"}),
    delete(
        "network", ADMIN, names={"row_id": "{empty_beta_network}"}, outsider=204, also="of beta"
    ),
    create(
        *(
            "subnet",
            MEMBER,
            {"network_id": "{empty_network}", "cidr": "10.99.0.0/24", "ip_version": 4},
        ),
        outsider=404,
    ),
    create(
        "subnet",
        ADMIN,
        {**ON_SHARED, "cidr": "10.99.0.0/24", "ip_version": 4},
        outsider=201,
        also="of beta",
    ),
    change("subnet", MEMBER, {"name": "renamed"}),
    change(
        *("subnet", ADMIN, {"name": "n"}),
        names={"row_id": "{shared_subnet}"},
        outsider=200,
        also="of beta",
    ),
    delete("subnet", MEMBER, names={"row_id": "{free_subnet}"}),
    create("port", MEMBER, ON_OWN, outsider=404),
    *(
        create("port", MEMBER, {**ON_OWN, **asked}, outsider=404, also=" ".join(asked))
        for asked in (
            *(MAC, UNSAFE, {"fixed_ips": [{"ip_address": "{free_address}"}]}),
            *({"device_id": "mine"}, {"binding:vnic_type": "direct"}, PAIRS),
        )
    ),
    *(
        create("port", ADMIN, {**ON_OWN, **asked}, outsider=404, also=" ".join(asked))
        for asked in (
            *({"binding:host_id": "host1"}, {"binding:profile": {"a": "b"}}),
            *({"device_owner": "compute:nova"}, {"device_owner": "network:dhcp"}),
            {"project_id": "{other_project}"},
        )
    ),
    create("port", MEMBER, ON_SHARED, outsider=201, also="on the shared network of beta"),
    *(
        create("port", ADMIN, {**ON_SHARED, **asked}, outsider=201, also=f"there, {key}")
        for key, asked in (
            ("MAC address", MAC),
            ("port security", UNSAFE),
            ("address pairs", PAIRS),
            ("address", {"fixed_ips": [{"ip_address": "{shared_address}"}]}),
        )
    ),
    create("port", ADMIN, {"network_id": "{public_network}"}, outsider=201, also="outside"),
    change("port", MEMBER, {"name": "renamed"}),
    change("port", MEMBER, {"fixed_ips": [{"ip_address": "{free_address}"}]}, also="address"),
    change("port", MEMBER, {"device_id": "mine"}, also="device_id"),
    change("port", MEMBER, PAIRS, also="address pairs"),
    create("port", ADMIN, {**ON_OWN, "trusted": True}, outsider=404, also="trusted"),
    change("port", ADMIN, {"trusted": True}, also="trusted"),
    *(
        create("router", ADMIN, {key: False}, outsider=403, also=f"that is not {key}")
        for key in ("ha", "distributed")
    ),
    *(
        change("router", ADMIN, {key: False}, also=f"that is not {key}")
        for key in ("ha", "distributed")
    ),
    change("port", MANAGER, MAC, also="MAC address"),
    *(
        change(
            "port", ADMIN, asked, names={"row_id": "{port_on_shared}"}, also=f"of a shared, {key}"
        )
        for key, asked in (
            ("port security", {**UNSAFE, "security_groups": []}),
            ("address pairs", PAIRS),
            ("address", {"fixed_ips": [{"ip_address": "{shared_address}"}]}),
        )
    ),
    *(
        change("port", ADMIN, asked, also=" ".join(asked))
        for asked in (
            *({"binding:host_id": "host1"}, {"binding:profile": {"a": "b"}}),
            *({"device_owner": "compute:nova"}, {"device_owner": "network:dhcp"}),
        )
    ),
    delete("port", MEMBER),
    delete("port", ADMIN, names={"row_id": "{port_id}"}, also="of a server"),
    create("security_group", MEMBER, {"name": "new"}, outsider=201),
    change("security_group", MEMBER, {"name": "renamed"}),
    delete("security_group", MEMBER),
    create(
        *("security_group_rule", MEMBER),
        {"security_group_id": "{security_group}", "direction": "ingress", "protocol": "udp"},
        outsider=404,
    ),
    change("security_group_rule", MEMBER, {"description": "d"}),
    delete("security_group_rule", MEMBER),
    create("floatingip", MEMBER, {"floating_network_id": "{public_network}"}, outsider=201),
    create(
        *("floatingip", MANAGER),
        {"floating_network_id": "{public_network}", "floating_ip_address": "{outside_address}"},
        outsider=403,
        also="of choice",
    ),
    change("floatingip", MEMBER, {"port_id": None}),
    delete("floatingip", MEMBER),
    row("PUT", f"{V2}/quotas/{{owner}}", ADMIN, 200, {"quota": {"network": 5}}),
    row(
        *("POST", f"{V2}/rbac-policies", MEMBER, 201),
        {
            "rbac_policy": {
                "object_type": "network",
                "object_id": "{network}",
                "action": "access_as_shared",
                "target_tenant": "{beta}",
            }
        },
        outsider=400,
    ),
    row(
        *("POST", f"{V2}/rbac-policies", ADMIN, 201),
        {
            "rbac_policy": {
                "object_type": "network",
                "object_id": "{network}",
                "action": "access_as_shared",
                "target_tenant": "*",
            }
        },
        outsider=403,
        also="for all",
    ),
    row(
        *("PUT", f"{V2}/rbac-policies/{{row_id}}", ADMIN, 200),
        {"rbac_policy": {"target_tenant": "*"}},
        also="for all",
    ),
    row(
        *("PUT", f"{V2}/rbac-policies/{{row_id}}", MEMBER, 200),
        {"rbac_policy": {"target_tenant": "{other_project}"}},
    ),
    row("DELETE", f"{V2}/rbac-policies/{{row_id}}", MEMBER, 204),
    create("address_group", MEMBER, {"name": "new"}, outsider=201),
    change("address_group", MEMBER, {"name": "renamed"}),
    *(
        row("PUT", f"{V2}/address-groups/{{row_id}}/{verb}", MEMBER, 200, {"addresses": [one]})
        for verb, one in (("add_addresses", "10.9.0.0/16"), ("remove_addresses", "10.8.0.0/16"))
    ),
    delete("address_group", MEMBER),
    create("address_scope", MEMBER, {"name": "new", "ip_version": 4}, outsider=201),
    create("address_scope", ADMIN, {"ip_version": 4, "shared": True}, also="for all"),
    change("address_scope", MEMBER, {"name": "renamed"}),
    change("address_scope", ADMIN, {"shared": True}, also="for all"),
    delete("address_scope", MEMBER),
    create("subnetpool", MEMBER, NEW_POOL, outsider=201),
    create("subnetpool", ADMIN, {**NEW_POOL, "shared": True}, also="for all"),
    create("subnetpool", ADMIN, {**NEW_POOL, "is_default": True}, also="default"),
    change("subnetpool", MEMBER, {"name": "renamed"}),
    change("subnetpool", ADMIN, {"is_default": True}, also="default"),
    *(
        row("PUT", f"{V2}/subnetpools/{{row_id}}/{verb}", MEMBER, 200, {"prefixes": [prefix]})
        for verb, prefix in (("add_prefixes", "10.81.0.0/16"), ("remove_prefixes", "10.64.0.0/17"))
    ),
    delete("subnetpool", MEMBER),
    row("POST", QOS, MANAGER, 201, {"policy": {"name": "new"}}, outsider=403),
    row("POST", QOS, ADMIN, 201, {"policy": {"shared": True}}, outsider=403, also="for all"),
    row("PUT", f"{QOS}/{{row_id}}", MANAGER, 200, {"policy": {"name": "renamed"}}),
    row("PUT", f"{QOS}/{{row_id}}", ADMIN, 200, {"policy": {"shared": True}}, also="for all"),
    row("DELETE", f"{QOS}/{{row_id}}", MANAGER, 204),
    *(
        row(method, f"{tags}{below}", MANAGER, status, body)
        for tags in POLICY_TAGS
        for method, below, status, body in (
            ("PUT", "", 200, {"tags": ["a"]}),
            ("POST", "", 200, {"tags": ["a"]}),
            ("DELETE", "", 204, None),
            ("PUT", "/{tag}", 201, None),
            ("DELETE", "/{tag}", 404, None),
        )
    ),
    *(
        row(
            *(method, f"{QOS}/{{policy_id}}/{kind}s{below}", MANAGER, status),
            {kind: {key: 8, **more}} if method != "DELETE" else None,
            names={"row_id": f"{{{kind}}}"},
            outsider=404,
        )
        for kind, key, new, made in (
            ("bandwidth_limit_rule", "max_kbps", {"direction": "ingress"}, 201),
            ("minimum_bandwidth_rule", "min_kbps", {"direction": "ingress"}, 201),
            ("minimum_packet_rate_rule", "min_kpps", {"direction": "ingress"}, 201),
            ("dscp_marking_rule", "dscp_mark", {}, 409),  # it has one
        )
        for method, below, status, more in (
            ("POST", "", made, new),
            ("PUT", "/{row_id}", 200, {}),
            ("DELETE", "/{row_id}", 204, {}),
        )
    ),
    row("POST", BINDINGS, ADMIN, 201, {"binding": {"host": "host2"}}, names=BOUND),
    row("PUT", BINDING, ADMIN, 200, {"binding": {"profile": {"a": "b"}}}, names=BOUND),
    row("PUT", f"{BINDING}/activate", ADMIN, 200, names=BOUND),
    row("DELETE", BINDING, ADMIN, 204, names=BOUND),
    row("DELETE", f"{V2}/quotas/{{owner}}", ADMIN, 204),
)

VOLUMES = "/volume/v3/volumes"
VOLUME = f"{VOLUMES}/{{volume_id}}"
SNAPSHOT = "/volume/v3/snapshots/{snapshot_id}"
LIMITS = "/volume/v3/os-quota-sets/{owner}"
TYPES = "/volume/v3/types"
TYPE = f"{TYPES}/{{type_id}}"

GROUP_TYPES = "/volume/v3/group_types"
GROUP_TYPE = f"{GROUP_TYPES}/{{group_type_id}}"
GROUPS_OF_VOLUMES = "/volume/v3/groups"
GROUP_OF_VOLUMES = f"{GROUPS_OF_VOLUMES}/{{volume_group_id}}"
GROUP_SNAPSHOTS = "/volume/v3/group_snapshots"
GROUP_SNAPSHOT = f"{GROUP_SNAPSHOTS}/{{group_snapshot_id}}"
BACKUPS = "/volume/v3/backups"
BACKUP = f"{BACKUPS}/{{backup_id}}"
SPECS = "/volume/v3/qos-specs"
SPECS_ENTRY = f"{SPECS}/{{specs_id}}"
ENCRYPTED = {"encryption": {"provider": "luks", "control_location": "front-end"}}
OF_PROVIDER = {"key": "provider"}

NEWEST_VOLUMES = {"OpenStack-API-Version": "volume latest"}


def volume_act(name: str, role: Role, status: int, asked: Any = None, **names: str) -> Row:
    """An action of a volume."""
    return newest("POST", f"{VOLUME}/action", role, status, {name: asked}, action=name, names=names)


def newest(method: str, path: str, role: Role, status: int, body: Any = None, **more: Any) -> Row:
    """A request at the newest microversion of the volume API."""
    return row(method, path, role, status, body, headers=NEWEST_VOLUMES, **more)


RESERVED = "/volume/v3/attachments/{attachment_id}"


VOLUME_SERVICE = (
    row("POST", VOLUMES, MEMBER, 202, {"volume": {"size": 1}}, outsider=202),
    row(
        *("POST", VOLUMES, MEMBER, 202, {"volume": {"size": 1, "imageRef": "{image_id}"}}),
        outsider=400,
        also="of an image",
    ),
    row(
        *("POST", VOLUMES, MEMBER, 202, {"volume": {"source_volid": "{volume_id}"}}),
        outsider=404,
        also="of a volume",
    ),
    row("PUT", VOLUME, MEMBER, 200, {"volume": {"name": "renamed"}}),
    row("DELETE", VOLUME, MEMBER, 202),
    row(
        *("POST", f"{VOLUME}/action", MEMBER, 202, {"os-extend": {"new_size": 9}}),
        action="os-extend",
    ),
    row(
        *("POST", f"{VOLUME}/action", MEMBER, 200, {"os-set_bootable": {"bootable": True}}),
        action="os-set_bootable",
    ),
    row(
        *("POST", f"{VOLUME}/action", ADMIN, 202, {"os-reset_status": {"status": "error"}}),
        action="os-reset_status",
    ),
    row(
        *("POST", "/volume/v3/snapshots", MEMBER, 202),
        {"snapshot": {"volume_id": "{volume_id}"}},
        outsider=404,
    ),
    volume_act("os-force_delete", ADMIN, 202, {}),
    volume_act("os-update_readonly_flag", MEMBER, 202, {"readonly": True}),
    volume_act("os-set_image_metadata", MEMBER, 200, {"metadata": {"a": "b"}}),
    volume_act("os-unset_image_metadata", MEMBER, 200, {"key": "os_type"}),
    volume_act("os-show_image_metadata", READER, 200),
    volume_act("os-retype", MEMBER, 202, {"new_type": "fast"}),
    volume_act("os-volume_upload_image", MEMBER, 202, {"image_name": "made"}),
    volume_act(
        *("revert", MEMBER, 202, {"snapshot_id": "{snapshot_id}"}), volume_id="{kept_volume}"
    ),
    volume_act("os-reimage", MEMBER, 202, {"image_id": "{public_image}"}),
    volume_act("os-extend_volume_completion", ADMIN, 400, {}),
    volume_act("os-attach", MEMBER, 202, {"mountpoint": "/dev/vdb", "host_name": "h"}),
    volume_act("os-detach", MEMBER, 409, {}, volume_id="{attached_volume}"),
    volume_act("os-force_detach", ADMIN, 409, {}, volume_id="{attached_volume}"),
    volume_act("os-reserve", MEMBER, 202),
    volume_act("os-unreserve", MEMBER, 202),
    volume_act("os-begin_detaching", MEMBER, 409, volume_id="{attached_volume}"),
    volume_act("os-roll_detaching", MEMBER, 202),
    volume_act("os-unmanage", ADMIN, 202),
    *(
        newest(
            *("POST", f"/volume/v3/{noun}", ADMIN, 202),
            {"volume": {"host": "local@database", "ref": {"source-name": "{unmanaged}"}}},
        )
        for noun in ("manageable_volumes", "os-volume-manage")
    ),
    newest(
        *("POST", "/volume/v3/attachments", MEMBER, 200),
        {"attachment": {"volume_uuid": "{volume_id}"}},
        outsider=404,
    ),
    newest("PUT", RESERVED, MEMBER, 200, {"attachment": {"connector": {"host": "h"}}}),
    newest("DELETE", RESERVED, MEMBER, 200),
    newest("POST", f"{RESERVED}/action", MEMBER, 204, {"os-complete": None}),
    *(
        entry
        for noun in ("volume-transfers", "os-volume-transfer")
        for entry in (
            newest(
                *("POST", f"/volume/v3/{noun}", MEMBER, 202),
                {"transfer": {"volume_id": "{volume_id}"}},
                outsider=404,
            ),
            newest("DELETE", f"/volume/v3/{noun}/{{transfer_id}}", MEMBER, 202),
            newest(
                *("POST", f"/volume/v3/{noun}/{{transfer_id}}/accept", MEMBER, 202),
                {"accept": {"auth_key": TRANSFER_KEY}},
                outsider=202,
            ),
        )
    ),
    newest(
        *("PUT", "/volume/v3/default-types/{owner}", ADMIN, 200),
        {"default_type": {"volume_type": "fast"}},
        outsider=403,
    ),
    newest("DELETE", "/volume/v3/default-types/{owner}", ADMIN, 204, outsider=403),
    newest(
        *("PUT", "/volume/v3/os-services/{action}", ADMIN, 200),
        {"host": "local@database", "binary": "cinder-volume"},
        names={"action": "enable"},
        outsider=403,
    ),
    *(
        row(*(method, f"{thing}/metadata", MEMBER, 200, {"metadata": {"a": "b"}}))
        for thing in (VOLUME, SNAPSHOT)
        for method in ("POST", "PUT")
    ),
    *(
        row(*(method, f"{thing}/metadata/{{key}}", MEMBER, 200, body))
        for thing in (VOLUME, SNAPSHOT)
        for method, body in (("PUT", {"meta": {"{key}": "x"}}), ("DELETE", None))
    ),
    *(
        row("POST", f"{SNAPSHOT}/action", ADMIN, 202, {name: body}, action=name)
        for name, body in (("os-reset_status", {"status": "error"}), ("os-force_delete", {}))
    ),
    row(
        *("POST", f"{SNAPSHOT}/action", MEMBER, 400),
        {"os-update_snapshot_status": {"status": "error"}},
        action="os-update_snapshot_status",
    ),
    row("POST", TYPES, ADMIN, 200, {"volume_type": {"name": "new"}}),
    row("PUT", TYPE, ADMIN, 200, {"volume_type": {"name": "renamed"}}),
    row("DELETE", TYPE, ADMIN, 202),
    row("POST", f"{TYPE}/extra_specs", ADMIN, 200, {"extra_specs": {"c": "d"}}),
    row("PUT", f"{TYPE}/extra_specs/{{key}}", ADMIN, 200, {"{key}": "d"}),
    row("DELETE", f"{TYPE}/extra_specs/{{key}}", ADMIN, 202),
    *(
        row("POST", f"{TYPE}/action", ADMIN, 202, {name: {"project": project}}, action=name)
        for name, project in (
            ("addProjectAccess", "{other_project}"),
            ("removeProjectAccess", BETA),
        )
    ),
    newest("DELETE", "/volume/v3/messages/{message_id}", MEMBER, 204),
    newest("POST", GROUP_TYPES, ADMIN, 202, {"group_type": {"name": "new"}}),
    newest("PUT", GROUP_TYPE, ADMIN, 200, {"group_type": {"name": "renamed"}}),
    newest("DELETE", GROUP_TYPE, ADMIN, 202, names={"group_type_id": "{free_group_type}"}),
    newest("POST", f"{GROUP_TYPE}/group_specs", ADMIN, 202, {"group_specs": {"c": "d"}}),
    newest("PUT", f"{GROUP_TYPE}/group_specs/{{key}}", ADMIN, 200, {"{key}": "d"}),
    newest("DELETE", f"{GROUP_TYPE}/group_specs/{{key}}", ADMIN, 202),
    newest(
        *("POST", GROUPS_OF_VOLUMES, MEMBER, 202),
        {"group": {"group_type": "loose", "volume_types": ["fast"]}},
        outsider=202,
    ),
    newest(
        *("POST", f"{GROUPS_OF_VOLUMES}/action", MEMBER, 202),
        {"create-from-src": {"source_group_id": "{volume_group_id}"}},
        action="create-from-src",
        outsider=404,
    ),
    newest("PUT", GROUP_OF_VOLUMES, MEMBER, 202, {"group": {"name": "renamed"}}),
    newest(
        *("POST", f"{GROUP_OF_VOLUMES}/action", MEMBER, 400, {"delete": {}}),
        action="delete",
    ),
    newest(
        *("POST", f"{GROUP_OF_VOLUMES}/action", ADMIN, 202),
        {"reset_status": {"status": "error"}},
        action="reset_status",
    ),
    newest(
        *("POST", GROUP_SNAPSHOTS, MEMBER, 202),
        {"group_snapshot": {"group_id": "{volume_group_id}"}},
        outsider=404,
    ),
    newest("DELETE", GROUP_SNAPSHOT, MEMBER, 202),
    newest(
        *("POST", f"{GROUP_SNAPSHOT}/action", ADMIN, 202),
        {"reset_status": {"status": "error"}},
        action="reset_status",
    ),
    newest(
        *("POST", BACKUPS, MEMBER, 202, {"backup": {"volume_id": "{volume_id}"}}),
        outsider=404,
    ),
    newest(
        *("POST", f"{BACKUPS}/import_record", ADMIN, 201),
        EXAMPLES["post /volume/v3/backups/import_record"],
    ),
    newest("PUT", BACKUP, MEMBER, 200, {"backup": {"name": "renamed"}}),
    newest("DELETE", BACKUP, MEMBER, 202),
    newest("POST", f"{BACKUP}/restore", MEMBER, 202, {"restore": {}}),
    *(
        newest("POST", f"{BACKUP}/action", ADMIN, 202, {name: body}, action=name)
        for name, body in (("os-reset_status", {"status": "error"}), ("os-force_delete", {}))
    ),
    row("POST", SPECS, ADMIN, 200, {"qos_specs": {"name": "new", "total_iops_sec": "9"}}),
    row("PUT", SPECS_ENTRY, ADMIN, 200, {"qos_specs": {"total_iops_sec": "9"}}),
    row("PUT", f"{SPECS_ENTRY}/delete_keys", ADMIN, 202, {"keys": ["a"]}),
    row("DELETE", SPECS_ENTRY, ADMIN, 202),
    row("POST", f"{TYPE}/encryption", ADMIN, 200, ENCRYPTED, names={"type_id": "{plain_type}"}),
    row("PUT", f"{TYPE}/encryption/{{key}}", ADMIN, 200, ENCRYPTED, names=OF_PROVIDER),
    row("DELETE", f"{TYPE}/encryption/{{key}}", ADMIN, 202, names=OF_PROVIDER),
    row("PUT", SNAPSHOT, MEMBER, 200, {"snapshot": {"name": "renamed"}}),
    row("DELETE", SNAPSHOT, MEMBER, 202),
    row(
        *("PUT", "/volume/v3/os-quota-class-sets/{quota_class}", ADMIN, 200),
        {"quota_class_set": {"volumes": 5}},
    ),
    row("PUT", LIMITS, ADMIN, 200, {"quota_set": {"volumes": 5}}),
    row("DELETE", LIMITS, ADMIN, 200),
)

PLACEMENT = "/placement"
PROVIDER = f"{PLACEMENT}/resource_providers/{{provider_id}}"
STOCKS = f"{PROVIDER}/inventories"
ALLOCATIONS = f"{PLACEMENT}/allocations"
COUNTED = {"resource_provider_generation": 1}
HELD = {
    "allocations": {"{provider_id}": {"resources": {"VCPU": 1}}},
    "project_id": "{alpha}",
    "user_id": "{user_id}",
    "consumer_generation": None,
    "consumer_type": "INSTANCE",
}


def place(method: str, path: str, status: int, body: Any = None, **names: str) -> Row:
    """A request to the Placement API, which is for operators."""
    headers = {"OpenStack-API-Version": "placement 1.39"}
    return row(method, path, ADMIN, status, body, headers=headers, names=names)


PLACEMENT_SERVICE = (
    place("POST", f"{PLACEMENT}/resource_providers", 200, {"name": "new"}),
    place("PUT", PROVIDER, 200, {"name": "renamed"}),
    place("DELETE", PROVIDER, 204),
    place("POST", STOCKS, 201, {"resource_class": "DISK_GB", "total": 8}),
    place("PUT", STOCKS, 200, {**COUNTED, "inventories": {}}),
    place("DELETE", STOCKS, 204),
    place("PUT", f"{STOCKS}/{{resource_class}}", 200, {**COUNTED, "total": 9}),
    place("DELETE", f"{STOCKS}/{{resource_class}}", 204),
    place("PUT", f"{PROVIDER}/aggregates", 200, {**COUNTED, "aggregates": []}),
    place("PUT", f"{PROVIDER}/traits", 200, {**COUNTED, "traits": ["HW_CPU_X86_AVX"]}),
    place("DELETE", f"{PROVIDER}/traits", 204),
    place("POST", f"{PLACEMENT}/resource_classes", 201, {"name": "CUSTOM_NEW"}),
    place("PUT", f"{PLACEMENT}/resource_classes/{{name}}", 201, name="CUSTOM_NEW"),
    place("DELETE", f"{PLACEMENT}/resource_classes/{{name}}", 204, name="CUSTOM_OLD"),
    place("PUT", f"{PLACEMENT}/traits/{{name}}", 201, name="CUSTOM_NEW"),
    place("DELETE", f"{PLACEMENT}/traits/{{name}}", 204, name="CUSTOM_OLD"),
    place("POST", ALLOCATIONS, 204, {"{other_consumer}": HELD}),
    place("PUT", f"{ALLOCATIONS}/{{consumer_id}}", 204, HELD, consumer_id="{other_consumer}"),
    place("DELETE", f"{ALLOCATIONS}/{{consumer_id}}", 204),
    place(
        *("POST", f"{PLACEMENT}/reshaper", 204),
        {"inventories": {"{provider_id}": {**COUNTED, "inventories": {}}}, "allocations": {}},
    ),
)

ROWS: Mapping[str, tuple[Row, ...]] = {
    "servers": SERVERS,
    "servers by their old name": OLD_SERVERS,
    "the cloud": CLOUD,
    "identity": IDENTITY,
    "images": IMAGE_SERVICE,
    "definitions of metadata": METADEF_DOORS,
    "networks": NETWORK_SERVICE,
    "volumes": VOLUME_SERVICE,
    "placement": PLACEMENT_SERVICE,
}
