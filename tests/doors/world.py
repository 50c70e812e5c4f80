"""A small cloud with one thing of each kind, mostly of project alpha, for requests of all roles."""

from __future__ import annotations

import hmac
import json
import time
from base64 import b64encode
from typing import Any

from django.utils import timezone
from guardian.shortcuts import assign_perm

from compute_site.identity.assignments import Place, assign, find_role
from compute_site.identity.ids import stable_id
from compute_site.identity.kept import blob_of, make_ec2, make_stored, set_config
from compute_site.identity.models import (
    AccessRule,
    AccessToken,
    Domain,
    Endpoint,
    EndpointGroup,
    EndpointOfProject,
    ImpliedRole,
    Limit,
    NamedRole,
    Project,
    Region,
    RegisteredLimit,
    RequestToken,
    Role,
    Service,
    StoredPolicy,
    Trust,
    User,
    UserGroup,
)
from compute_site.identity.oauth import make_consumer, secret_of
from compute_site.neighbours.image.models import ImageMember
from compute_site.neighbours.network.models import (
    QOS_KINDS,
    AddressGroup,
    AddressScope,
    FloatingIp,
    NetworkAccess,
    Port,
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
from flavors.models import FlavorAccess
from servers.models import (
    Aggregate,
    Allocation,
    Consumer,
    Instance,
    Inventory,
    ResourceClass,
    ResourceProvider,
    Tag,
    Trait,
)
from servers.policies.server import SHOW
from tests.doors.table import Row
from tests.world.cast import ALPHA, BETA, Cast, Persona
from tests.world.client import ApiClient
from tests.world.factories import (
    make_flavor,
    make_image,
    make_namespace,
    make_network,
    make_port,
    make_project,
    make_router,
    make_security_group,
    make_server_group,
    make_unmanaged,
    make_user,
    make_volume,
    offer_volume,
)
from tests.world.hosts import make_host
from tests.world.jobs import run_jobs
from tests.world.keys import ED25519

UNKNOWN = "155d900f-4e14-4e4c-a73d-069cbf4541e6"


def signed_by(keys: Any) -> dict[str, str]:
    """The access key, and what its secret has signed."""
    moment = timezone.now().isoformat()
    secret = keys["secret"].encode()
    return {
        "own_access": keys["access"],
        "moment": moment,
        "signature": b64encode(hmac.digest(secret, f"a{moment}".encode(), "sha1")).decode(),
        "signature_of_nothing": b64encode(hmac.digest(secret, bytes(3), "sha1")).decode(),
    }


class World:
    """``names`` are what a request may name; each persona has a key pair and a credential."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        host = make_host("host1")
        make_host("host2")
        self.names = {
            **self._networks(),
            **self._providers(),
            "alpha": ALPHA,
            "beta": BETA,
            "owner": ALPHA,
            "other_project": make_project().pk,
            "empty_project": make_project().pk,
            "project_id": ALPHA,
            "user_id": cast.second_member.user_id,
            "idle_user": make_user().pk,
            "role_id": self._role_id(Role.READER),
            "held_role": self._role_id(Role.MEMBER),
            "second": cast.second_member.name,
            "public_flavor": make_flavor().flavorid,
            "other_flavor": make_flavor(memory_mb=1024).flavorid,
            "flavor_id": self._flavor_id(),
            "public_image": str(make_image().pk),
            "namespace": make_namespace().namespace,
            "definition": "size",
            "resource_type": "OS::Nova::Flavor",
            "image_id": self._image_id(properties={"a": "b"}, tags=["web"]),
            "shared_image": self._shared_image(ALPHA, BETA),
            "foreign_image": self._shared_image(BETA, ALPHA),
            "member_id": BETA,
            "queued_image": self._image_id(status="queued", disk_format="raw"),
            "key": "a",
            "tag": "web",
            "name": "key",
            "quota_class": "default",
            "share_id": UNKNOWN,
            "host_name": "host1",
            "service_id": str(host.service.uuid),
            "empty_aggregate": str(Aggregate.objects.create(name="empty").pk),
            "group_id": str(make_server_group().uuid),
            "migration_id": "7",
            "now": timezone.now(),
        }
        rack = Aggregate.objects.create(name="rack")
        rack.hosts.add(host.service)
        self.names["aggregate_id"] = str(rack.pk)
        self._identity()
        self._volumes()
        self.server = self._server()
        self.names["server_id"] = str(self.server.uuid)
        port = Port.objects.of_servers([str(self.server.uuid)]).get()
        self.names["port_id"] = str(port.pk)
        PortBinding.objects.create(port=port, device_id=port.device_id, host="prepared")
        self.names["host"] = "prepared"
        self.names["fixed_address"] = port.fixed_ips.get().address
        self.people = {persona.name: self._belongings(persona) for persona in cast.personas}

    def _providers(self) -> dict[str, str]:
        """One that nobody holds anything of, and one of which a consumer does."""
        provider, held = (ResourceProvider(name=name) for name in ("free", "held"))
        for row in (provider, held):
            row.generation = 1
            row.save()
            Inventory.objects.create(provider=row, resource_class="VCPU", total=8)
        consumer = Consumer.objects.create(project_id=ALPHA, user_id="u", consumer_type="OTHER")
        Allocation.objects.create(consumer=consumer, provider=held, resource_class="VCPU", amount=1)
        Inventory.objects.filter(provider=held).update(used=1)
        ResourceClass.objects.create(name="CUSTOM_OLD")
        Trait.objects.create(name="CUSTOM_OLD")
        return {
            "provider_id": str(provider.uuid),
            "resource_class": "VCPU",
            "consumer_id": str(consumer.uuid),
            "other_consumer": "b17d0a0e-9ad8-4bd0-9b43-3e7e51a0a9d1",
        }

    def _role_id(self, role: Role) -> str:
        roles = ApiClient(self.cast.admin).get("//identity/v3/roles").expect(200).json["roles"]
        return next(str(entry["id"]) for entry in roles if entry["name"] == role.value)

    def _image_id(self, **fields: Any) -> str:
        return str(make_image(owner_id=ALPHA, visibility="private", **fields).pk)

    def _shared_image(self, owner: str, member: str) -> str:
        image = make_image(owner_id=owner, visibility="shared")
        ImageMember.objects.create(image=image, member_id=member)
        return str(image.pk)

    def _flavor_id(self) -> str:
        """One that is open to alpha alone."""
        flavor = make_flavor(is_public=False, extra_specs={"hw:mem_page_size": "large"})
        FlavorAccess.objects.create(flavor=flavor, project_id=ALPHA)
        return flavor.flavorid

    def _identity(self) -> None:
        """A domain with a group and roles, one to be deleted, and a service of one's own."""
        domain = Domain.objects.create(name="own")
        group, empty = (UserGroup.objects.create(name=name) for name in ("users", "empty"))
        group.members.add(self.names["user_id"])
        free, own = (NamedRole.objects.create(name=name) for name in ("free", "own"))
        ImpliedRole.objects.create(prior=own, implied=free)
        service, idle = (Service.objects.create(type=name) for name in ("dns", "idle"))
        region = Region.objects.create(id="elsewhere")
        endpoint = Endpoint.objects.create(service=service, interface="public", url="http://dns")
        limit = {"service": service, "default_limit": 1}
        registered, held = (
            RegisteredLimit.objects.create(resource_name=name, **limit) for name in ("a", "b")
        )
        Project.objects.filter(pk=ALPHA).update(tags=["web"])
        self.names |= {
            "domain_id": domain.pk,
            "closed_domain": Domain.objects.create(name="closed", enabled=False).pk,
            "user_group": group.pk,
            "empty_group": empty.pk,
            "free_role": free.pk,
            "own_role": own.pk,
            "dns_service": service.pk,
            "idle_service": idle.pk,
            "region_id": region.pk,
            "endpoint_id": endpoint.pk,
            "registered_limit_id": registered.pk,
            "limit_id": Limit.objects.create(
                registered=held, project_id=ALPHA, resource_limit=1
            ).pk,
        }
        self._assignments(self.names["user_id"], group)
        self._stored(domain, endpoint)

    def _stored(self, domain: Domain, endpoint: Endpoint) -> None:
        """A credential and keys of a user who is none of the cast, and what admins keep."""
        user = self.names["idle_user"]
        order = {"user_id": user, "type": "cert", "blob": "x"}
        keys = make_ec2(user, ALPHA, by=user)
        own_keys = make_ec2(self.cast.member.user_id, ALPHA, by=user)
        group = EndpointGroup.objects.create(name="inner", interface="admin")
        group.projects.add(ALPHA)
        EndpointOfProject.objects.create(project_id=ALPHA, endpoint=endpoint)
        set_config(domain, {"identity": {"driver": "sql"}}, by=user)
        self._oauth(user)
        self.names |= {
            "stored_user": user,
            "stored_credential": make_stored(order, by=user).pk,
            "access": json.loads(blob_of(keys))["access"],
            **signed_by(json.loads(blob_of(own_keys))),
            "stored_policy": StoredPolicy.objects.create(type="t", blob="b").pk,
            "endpoint_group_id": group.pk,
            "trust_id": Trust.objects.create(
                trustor_id=user, trustee_id=user, holder_id=user, project_id=ALPHA, roles=[]
            ).pk,
            "access_rule_id": AccessRule.objects.create(
                user_id=user, service="compute", method="GET", path="/v2.1/servers"
            ).pk,
        }

    def _oauth(self, user: str) -> None:
        """A consumer that waits for somebody, and has come back from another; it may read for the
        user.
        """
        consumer = make_consumer({}, by=user)
        of_alpha = {"consumer": consumer, "project_id": ALPHA, "sealed_secret": seal("x")}
        said_yes = {"user_id": self.cast.member.user_id, "verifier": "abcdefgh"}
        roles = [stable_id("role", "reader")]
        yes = RequestToken.objects.create(**of_alpha, **said_yes, roles=roles)
        access = AccessToken.objects.create(**of_alpha, user_id=user, roles=roles)
        self.names |= {
            "oauth_consumer_id": consumer.pk,
            "one_secret": f"{secret_of(consumer)}%26",
            "both_secrets": f"{secret_of(consumer)}%26x",
            "stamp": str(int(time.time())),
            "request_token_id": RequestToken.objects.create(**of_alpha).pk,
            "authorized": yes.pk,
            "access_token_id": access.pk,
        }

    def _assignments(self, user_id: str, group: UserGroup) -> None:
        """The member's role everywhere that a role can be taken away from."""
        role = find_role(self.names["held_role"])
        alpha, domain = self.cast.alpha, Domain.objects.get(pk=self.names["domain_id"])
        user = User.objects.get(pk=user_id)
        places = [
            *(Place(), Place(domain=domain), Place(domain=domain, inherited=True)),
            *(Place(project=alpha), Place(project=alpha, inherited=True)),
        ]
        for place in places:
            assign(user, place, role, by=user_id)
            assign(group, place, role, by=user_id)

    def _networks(self) -> dict[str, Any]:
        network, empty = make_network(name="own"), make_network(subnet=False)
        shared = make_network(project_id=BETA, shared=True)
        public = make_network(project_id=BETA, external=True)
        group = make_security_group(name="open")
        rule = SecurityGroupRule.objects.create(group=group, direction="ingress")
        client = ApiClient(self.cast.member)
        ip = {"floating_network_id": str(public.pk)}
        client.post("//network/v2.0/floatingips", {"floatingip": ip}).expect(201)
        floating = FloatingIp.objects.get()
        on_shared = {"network_id": str(shared.pk)}
        made = client.post("//network/v2.0/ports", {"port": on_shared}).expect(201).json["port"]
        free = make_network()
        opened = NetworkAccess.objects.create(
            network=make_network(subnet=False), project_id=ALPHA, target_project=BETA
        )
        policy = QosPolicy.objects.create(name="kept", project_id=ALPHA)
        rules = [QosRule(policy=policy, kind=kind, amount=1) for kind in QOS_KINDS]
        QosRule.objects.bulk_create(rules)
        ranges = AddressGroup.objects.create(
            name="ranges", project_id=ALPHA, addresses=["10.8.0.0/16"]
        )
        scope = AddressScope.objects.create(name="scope", project_id=ALPHA)
        pool = SubnetPool.objects.create(
            name="pool",
            project_id=ALPHA,
            prefixes=["10.64.0.0/16"],
            min_prefixlen=8,
            default_prefixlen=24,
            max_prefixlen=32,
        )
        self.rows = {
            "address-groups": str(ranges.pk),
            "address-scopes": str(scope.pk),
            "subnetpools": str(pool.pk),
            "networks": str(network.pk),
            "subnets": str(network.subnets.get().pk),
            "ports": str(make_port(network).pk),
            "rbac-policies": str(opened.pk),
            "policies": str(policy.pk),
            "security-groups": str(group.pk),
            "security-group-rules": str(rule.pk),
            "floatingips": str(floating.pk),
            "routers": str(make_router(network.subnets.get(), outside=public).pk),
        }
        return {
            "policy_id": str(policy.pk),
            **{f"{rule.kind}_rule": str(rule.pk) for rule in rules},
            "network": str(network.pk),
            "own_subnet": str(network.subnets.get().pk),
            "empty_network": str(empty.pk),
            "idle_router": str(make_router().pk),
            "free_subnet": str(free.subnets.get().pk),
            "free_address": address_in(network.subnets.get(), 77),
            "shared_network": str(shared.pk),
            "shared_subnet": str(shared.subnets.get().pk),
            "shared_address": address_in(shared.subnets.get(), 77),
            "port_on_shared": str(made["id"]),
            "empty_beta_network": str(make_network(project_id=BETA, shared=True, subnet=False).pk),
            "public_network": str(public.pk),
            "outside_address": address_in(public.subnets.get(), 77),
            "security_group": str(group.pk),
            "security_group_id": str(group.pk),
            "rule_id": str(rule.pk),
            "group_name": group.name,
            "floating_address": floating.address,
            "floating_ip_id": str(floating.pk),
        }

    def _volumes(self) -> None:
        kept = make_volume()
        items = {"a": "b"}
        snapshot = Snapshot.objects.create(volume=kept, size=1, project_id=ALPHA, metadata=items)
        VolumeType.objects.create(name="fast")
        kind = VolumeType.objects.create(name="own", is_public=False, extra_specs=items)
        kind.access.create(project_id=BETA)
        specs = QosSpecs.objects.create(name="slow", specs=items)
        kind.encryption = TypeEncryption.objects.create(
            volume_type=kind, provider="luks", control_location="front-end"
        )
        loose = GroupType.objects.create(name="loose", group_specs=items)
        group_of_volumes = VolumeGroup.objects.create(project_id=ALPHA, group_type=loose)
        group_of_volumes.volume_types.add(VolumeType.objects.get(name="fast"))
        make_volume(group=group_of_volumes, volume_type=VolumeType.objects.get(name="fast"))
        taken = GroupSnapshot.objects.create(project_id=ALPHA, group=group_of_volumes)
        backup = Backup.objects.create(project_id=ALPHA, volume_id=kept.pk, size=1)
        messages.tell(kept, messages.Action.PLACE, messages.Detail.NO_BACKEND)
        plain = VolumeType.objects.create(name="plain", is_public=False)
        reserved = Attachment.objects.create(
            volume=make_volume(status="reserved"), made_by_compute=False
        )
        self.names |= {
            "kept_volume": str(kept.pk),
            "attachment_id": str(reserved.pk),
            "transfer_id": str(offer_volume(project_id=ALPHA).pk),
            "unmanaged": str(make_unmanaged()),
            "type_id": str(kind.pk),
            "message_id": str(Message.objects.get().pk),
            "plain_type": str(plain.pk),
            "specs_id": str(specs.pk),
            "backup_id": str(backup.pk),
            "group_type_id": str(loose.pk),
            "free_group_type": str(GroupType.objects.create(name="free").pk),
            "volume_group_id": str(group_of_volumes.pk),
            "group_snapshot_id": str(taken.pk),
            "snapshot_id": str(snapshot.pk),
            "volume_id": str(make_volume(metadata=items, image_metadata={"os_type": "linux"}).pk),
            "attached_volume": str(make_volume().pk),
        }

    def _server(self) -> Instance:
        client = ApiClient(self.cast.member)
        order = {
            "name": "web",
            "imageRef": self.names["public_image"],
            "flavorRef": self.names["public_flavor"],
            "networks": [{"uuid": self.names["network"]}],
            "metadata": {"a": "b"},
        }
        made = client.post("/servers", {"server": order}).expect(202).json["server"]
        run_jobs()
        disk = {"volumeAttachment": {"volumeId": self.names["attached_volume"]}}
        client.post(f"/servers/{made['id']}/os-volume_attachments", disk).expect(200)
        run_jobs()
        server = Instance.objects.get(uuid=made["id"])
        Tag.objects.create(instance=server, tag="web")
        assign_perm(SHOW, self.cast.second_member.user, server)
        return server

    def _belongings(self, persona: Persona) -> dict[str, str]:
        client = ApiClient(persona)
        client.post("/os-keypairs", {"keypair": {"name": "key", "public_key": ED25519}}).expect(200)
        path = f"//identity/v3/users/{persona.user_id}/application_credentials"
        made = client.post(path, {"application_credential": {"name": "old"}}).expect(201).json
        robot = made["application_credential"]
        other = self.cast.second_member
        if persona.name == other.name:
            other = self.cast.member
        return {
            "own_user": persona.user_id,
            "own_token": persona.token,
            "other_token": other.token,
            "credential_id": robot["id"],
            "oauth_client": b64encode(f"{robot['id']}:{robot['secret']}".encode()).decode(),
        }

    def fill(self, value: Any, persona: Persona | None) -> Any:
        """The value with what stands for its names."""
        own = self.people.get(persona.name if persona else self.cast.member.name, {})
        return filled(value, self.names | own)

    def path(self, entry: Row, persona: Persona | None) -> str:
        own = self.people.get(persona.name if persona else self.cast.member.name, {})
        names = {"row_id": self.rows.get(entry.path.partition("/{")[0].rpartition("/")[2], UNKNOWN)}
        chosen = {key: filled(word, self.names | own) for key, word in entry.names.items()}
        return "/" + entry.path.format_map(names | self.names | own | chosen)


def address_in(subnet: Subnet, last: int) -> str:
    return subnet.cidr.replace(".0/24", f".{last}")


def filled(value: Any, names: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {filled(key, names): filled(content, names) for key, content in value.items()}
    if isinstance(value, list):
        return [filled(content, names) for content in value]
    if not isinstance(value, str):
        return value
    return names["now"] if value == "{now}" else value.format_map(names)
