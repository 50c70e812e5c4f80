"""Servers as the create request leaves them: accepted, counted, waiting for a host."""

from __future__ import annotations

import itertools
from typing import Any

from compute_site.secrets.sealing import seal
from flavors.models import Flavor
from quotas.models import Usage
from servers.lifecycle.jobs import ScheduleAndBuild
from servers.models import (
    BuildRequest,
    Instance,
    InstanceMapping,
    RequestSpec,
    ServerGroup,
    ServerGroupMember,
    TaskState,
    VmState,
)
from tests.world.cast import Cast, Persona
from tests.world.factories import flavor_copy, make_flavor

_numbers = itertools.count(1)


def make_reservation(
    count: int = 1,
    *,
    flavor: Flavor | None = None,
    owner: Persona = Cast.member,
    group: ServerGroup | None = None,
    networks: Any = "none",
    block_devices: list[dict[str, Any]] | None = None,
    password: str = "",
    files: list[dict[str, str]] | None = None,
    tags: list[str] | None = None,
    **spec: Any,
) -> list[Instance]:
    """The rows of one create request and its job; further values go to the request specs."""
    flavor = flavor or make_flavor()
    reservation = f"r-{next(_numbers):08d}"
    servers = []
    for index in range(count):
        server = Instance.objects.create(
            project_id=owner.project_id,
            user_id=owner.user_id,
            reservation_id=reservation,
            launch_index=index,
            display_name=f"server-{index}",
            hostname=f"server-{index}",
            vm_state=VmState.BUILDING,
            task_state=TaskState.SCHEDULING,
            flavor_record=flavor,
            flavor=flavor_copy(flavor),
            memory_mb=flavor.memory_mb,
            vcpus=flavor.vcpus,
            root_gb=flavor.root_gb,
            ephemeral_gb=flavor.ephemeral_gb,
        )
        RequestSpec.objects.create(
            instance=server,
            flavor=flavor_copy(flavor),
            num_instances=count,
            instance_group=group,
            **spec,
        )
        BuildRequest.objects.create(
            instance=server,
            project_id=owner.project_id,
            requested_networks=networks,
            security_groups=["default"],
            block_devices=ROOT_DISK if block_devices is None else block_devices,
            injected_files=files or [],
            tags=tags or [],
            admin_password=seal(password) if password else "",
            request_id="req-00000000-0000-4000-8000-000000000001",
        )
        InstanceMapping.objects.create(
            instance=server, project_id=owner.project_id, user_id=owner.user_id
        )
        if group is not None:
            ServerGroupMember.objects.create(group=group, instance=server)
        servers.append(server)
    _use_quota(owner, servers)
    ScheduleAndBuild(reservation_id=reservation).defer()
    return servers


ROOT_DISK = [
    {
        "source_type": "image",
        "destination_type": "local",
        "boot_index": 0,
        "delete_on_termination": True,
        "device_type": "disk",
        "image_id": "155d900f-4e14-4e4c-a73d-069cbf4541e6",
    }
]


def usage_of(owner: Persona = Cast.member) -> dict[str, int]:
    """What the owner's project uses, without the resources of which it uses none."""
    rows = Usage.objects.filter(project=owner.project_id, in_use__gt=0)
    return dict(rows.values_list("resource", "in_use"))


def _use_quota(owner: Persona, servers: list[Instance]) -> None:
    amounts = {
        "instances": len(servers),
        "cores": sum(server.vcpus for server in servers),
        "ram": sum(server.memory_mb for server in servers),
    }
    for resource, amount in amounts.items():
        usage, _ = Usage.objects.get_or_create(project_id=owner.project_id, resource=resource)
        usage.in_use += amount
        usage.save()
