"""Plain factories of rows; each gives what a test does not care about."""

from __future__ import annotations

import itertools
import uuid
from typing import Any

from compute_site.identity.models import Project, Role, User
from compute_site.neighbours.image.models import Image, MetadefNamespace, ResourceType
from compute_site.neighbours.network.local.interfaces import join_subnet
from compute_site.neighbours.network.local.routers import set_gateway
from compute_site.neighbours.network.models import Network, Port, Router, SecurityGroup, Subnet
from compute_site.neighbours.volume.local.transfers import hash_of
from compute_site.neighbours.volume.models import Transfer, UnmanagedVolume, Volume
from compute_site.policy.grants import give_role
from flavors.models import Flavor
from servers.models import (
    BuildRequest,
    Instance,
    RequestSpec,
    ServerGroup,
)
from servers.models.states import TaskState, VmState
from tests.world.cast import ALPHA, BETA, Cast

_numbers = itertools.count(1)


def number() -> int:
    """One that no other row has."""
    return next(_numbers)


def make_project(name: str = "", **fields: Any) -> Project:
    return Project.objects.create(name=name or f"project-{number()}", **fields)


def make_user(
    name: str = "",
    *,
    password: str = "secret",
    project: Project | None = None,
    role: Role | None = Role.MEMBER,
    **fields: Any,
) -> User:
    """A user; with a project, its default one, in which the user holds the role."""
    user = User.objects.create_user(
        name or f"user-{number()}", password=password, default_project=project, **fields
    )
    if project is not None and role is not None:
        give_role(user, project, role)
    return user


def make_flavor(**fields: Any) -> Flavor:
    """1 vCPU, 512 MiB, 1 GiB."""
    unique = number()
    defaults = {
        "flavorid": f"flavor-{unique}",
        "name": f"m1.{unique}",
        "vcpus": 1,
        "memory_mb": 512,
        "root_gb": 1,
    }
    return Flavor.objects.create(**defaults | fields)


def make_image(**fields: Any) -> Image:
    """Active, public, fits everything."""
    defaults = {
        "name": f"image-{number()}",
        "visibility": "public",
        "size": 1 << 20,
        "disk_format": "qcow2",
        "container_format": "bare",
    }
    return Image.objects.create(**defaults | fields)


def make_namespace(name: str = "kept", **fields: Any) -> MetadefNamespace:
    """A namespace of alpha that everyone sees, with one thing of each kind, named ``size``."""
    defaults = {"namespace": name, "owner": ALPHA, "visibility": "public"}
    namespace = MetadefNamespace.objects.create(**defaults | fields)
    definition = {"title": "Size", "type": "integer", "minimum": 1}
    namespace.properties.create(name="size", definition=definition)
    namespace.grouped.create(name="size", properties={"a": definition}, required=["a"])
    namespace.tags.create(name="size")
    kind, _ = ResourceType.objects.get_or_create(name="OS::Nova::Flavor")
    namespace.resource_types.create(resource_type=kind, prefix="hw:")
    return namespace


def make_network(*, subnet: bool = True, **fields: Any) -> Network:
    """A network of alpha, with one IPv4 subnet unless told otherwise."""
    unique = number()
    network = Network.objects.create(**{"name": f"network-{unique}", "project_id": ALPHA} | fields)
    if subnet:
        prefix = f"10.{unique // 256 % 256}.{unique % 256}"
        Subnet.objects.create(
            network=network,
            project_id=network.project_id,
            cidr=f"{prefix}.0/24",
            gateway_ip=f"{prefix}.1",
            allocation_pools=[{"start": f"{prefix}.2", "end": f"{prefix}.254"}],
        )
    return network


def make_port(network: Network, **fields: Any) -> Port:
    unique = number()
    defaults = {
        "network": network,
        "project_id": network.project_id,
        "mac_address": "fa:16:3e:" + unique.to_bytes(3).hex(":"),
    }
    return Port.objects.create(**defaults | fields)


def make_router(*subnets: Subnet, outside: Network | None = None, **fields: Any) -> Router:
    """A router of alpha in these subnets, that leads out by the external network."""
    router = Router.objects.create(**{"name": f"router-{number()}", "project_id": ALPHA} | fields)
    set_gateway(router, None, outside)
    for subnet in subnets:
        join_subnet(router, subnet)
    return router


def make_security_group(**fields: Any) -> SecurityGroup:
    return SecurityGroup.objects.create(
        **{"name": f"group-{number()}", "project_id": ALPHA} | fields
    )


TRANSFER_KEY = "0123456789abcdef"


def make_unmanaged(size: int = 1) -> UnmanagedVolume:
    """What the store has kept of a volume."""
    return UnmanagedVolume.objects.create(pk=uuid.uuid4(), size=size)


def offer_volume(**fields: Any) -> Transfer:
    """A volume of beta that is on offer for who has ``TRANSFER_KEY``."""
    volume = make_volume(**{"project_id": BETA, "status": "awaiting-transfer"} | fields)
    transfer = Transfer(volume=volume, name="offer")
    transfer.key_hash = hash_of(transfer, TRANSFER_KEY)
    transfer.save()
    return transfer


def make_volume(**fields: Any) -> Volume:
    """Available, bootable, 1 GiB, of alpha."""
    defaults = {
        "name": f"volume-{number()}",
        "project_id": ALPHA,
        "size": 1,
        "bootable": "true",
    }
    return Volume.objects.create(**defaults | fields)


def make_server_group(**fields: Any) -> ServerGroup:
    """An empty group of the member of alpha that keeps its servers apart; not counted."""
    defaults = {
        "name": f"group-{number()}",
        "policy": "anti-affinity",
        "project_id": ALPHA,
        "user_id": Cast.member.user_id,
    }
    return ServerGroup.objects.create(**defaults | fields)


def make_instance(**fields: Any) -> Instance:
    """An active server of the member of alpha; give a ``flavor_record`` to choose its size."""
    flavor = fields.pop("flavor_record", None) or make_flavor()
    unique = number()
    defaults = {
        "project_id": ALPHA,
        "user_id": Cast.member.user_id,
        "reservation_id": f"r-{unique:08d}",
        "display_name": f"server-{unique}",
        "hostname": f"server-{unique}",
        "vm_state": VmState.ACTIVE,
        "host": "host",
        "node": "host",
        "flavor_record": flavor,
        "flavor": flavor_copy(flavor),
        "memory_mb": flavor.memory_mb,
        "vcpus": flavor.vcpus,
        "root_gb": flavor.root_gb,
        "ephemeral_gb": flavor.ephemeral_gb,
    }
    return Instance.objects.create(**defaults | fields)


def make_order(**fields: Any) -> BuildRequest:
    """The open order of a server that nobody has begun to build; ``fields`` are the server's, but
    ``tags`` are the order's.
    """
    tags = fields.pop("tags", [])
    zone, hints = fields.pop("pinned_zone", None), fields.pop("hints", {})
    instance = make_instance(
        **{
            "vm_state": VmState.BUILDING,
            "task_state": TaskState.SCHEDULING,
            "host": None,
            "node": None,
        }
        | fields
    )
    RequestSpec.objects.create(
        instance=instance, flavor=instance.flavor, availability_zone=zone, scheduler_hints=hints
    )
    return BuildRequest.objects.create(instance=instance, project_id=instance.project_id, tags=tags)


def flavor_copy(flavor: Flavor) -> dict[str, Any]:
    """What a server keeps of its flavor."""
    names = (
        "flavorid name vcpus memory_mb root_gb ephemeral_gb swap rxtx_factor disabled is_public"
        " description extra_specs"
    )
    return {name: getattr(flavor, name) for name in names.split()}
