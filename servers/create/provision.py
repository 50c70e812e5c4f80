"""Writes new servers: reserves the quota, inserts the rows and defers the job, in one transaction
(docs/contract/create-flow.md G, H).

Locks are taken in this order: the project's usage, volumes, the server group. The number of
statements does not depend on the number of servers.
"""

from __future__ import annotations

import functools
import json
import string
import uuid
from collections.abc import Sequence

from compute_site.caller import Caller
from compute_site.db.whole import part
from compute_site.secrets.random_text import random_text
from quotas.enforce import reserve
from quotas.fit import Wanted, check_limit
from quotas.limits import effective_limits
from servers.create.columns import build_record, device_records, instance_record, spec_record
from servers.create.errors import ServerGroupNotFound
from servers.create.fit import FLAVOR_FIELD
from servers.create.names import display_names, hostnames
from servers.create.plan import Created, ServerPlan
from servers.create.rows import Rows, insert_rows_later
from servers.create.sources import choose_zone, settle_disks
from servers.holdings.ask_first import Attachments, Reserve, reserving
from servers.lifecycle.jobs import ScheduleAndBuild
from servers.machine.disk import Disk
from servers.machine.disk_config import choose_disk_config
from servers.machine.password import choose_password
from servers.machine.plan import check_device_profile
from servers.models import (
    BuildRequest,
    Instance,
    InstanceMapping,
    RequestSpec,
    ServerGroup,
    ServerGroupMember,
)
from servers.usage import count_server_usage

RESERVATION_CHARACTERS = string.ascii_lowercase + string.digits


def provision(caller: Caller, plan: ServerPlan) -> Created:
    """Write as many servers as the quota allows, and the job that schedules and builds them.

    If anything fails, no row, no usage, no attachment and no job is left.
    """
    uuids = [str(uuid.uuid4()) for _ in range(plan.max_count)]
    created = Created(
        uuid=uuids[0],
        reservation_id="r-" + random_text(RESERVATION_CHARACTERS, 8),
        admin_password=choose_password(plan.order.admin_password),
        auto_disk_config=choose_disk_config(plan.order.auto_disk_config, plan.machine.image),
    )
    reserve_volumes = reserving(caller, _volumes(plan.disks), uuids)
    with part():
        # the job does not depend on the number of servers, and deferring it before the quota is
        # reserved keeps the usage locked for a shorter time
        ScheduleAndBuild(reservation_id=created.reservation_id).defer()
        count = take_quota(caller, plan)
        _write(caller, plan, created, uuids[:count], reserve_volumes)
    return created


def _write(
    caller: Caller,
    plan: ServerPlan,
    created: Created,
    uuids: Sequence[str],
    reserve_volumes: Reserve,
) -> None:
    """Apply the rules on devices, reserve volumes and group places, and insert the rows: every
    existing volume for every server, after all other rules on disks (docs/contract/create-flow.md
    G8).
    """
    order, count = plan.order, len(uuids)
    check_device_profile(plan.machine.flavor, field=FLAVOR_FIELD)
    zone = choose_zone(plan.target.zone, plan.disks, plan.sources)
    disks = settle_disks(order, plan.machine.flavor, plan.disks, plan.sources)
    attachments = reserve_volumes(uuids)
    if plan.group is not None:
        _take_places(caller, plan.group, count)
    instances = Rows(
        Instance,
        instance_record(caller, plan, reservation_id=created.reservation_id, zone=zone),
        {
            "uuid": uuids,
            "launch_index": range(count),
            "display_name": display_names(order.name, count),
            "hostname": hostnames(order.name, order.hostname, uuids),
        },
    )
    build_requests = Rows(
        BuildRequest,
        build_record(caller, plan, admin_password=created.admin_password),
        _devices(disks, attachments, uuids),
    )
    owner = {"project_id": caller.project_id, "user_id": caller.user_id}
    children = [
        Rows(RequestSpec, spec_record(plan, disks, zone=zone, count=count)),
        build_requests,
        Rows(InstanceMapping, owner),
    ]
    if plan.group is not None:
        children.append(Rows(ServerGroupMember, {"group_id": plan.group.pk}))
    insert_rows_later(instances, children, link="instance_id")


def take_quota(caller: Caller, plan: ServerPlan) -> int:
    """Reserve quota for as many servers as fit, from ``min_count`` to ``max_count``
    (docs/contract/create-flow.md G2).
    """
    wanted = Wanted.servers(
        vcpus=plan.machine.flavor.vcpus,
        memory_mb=plan.machine.flavor.memory_mb,
        minimum=plan.order.min_count,
        maximum=plan.max_count,
    )
    usage = functools.partial(count_server_usage, caller.project_id, caller.user_id)
    return reserve(caller.project_id, caller.user_id, wanted, user_usage=usage)


def _volumes(disks: Sequence[Disk]) -> list[str]:
    """The volumes that exist."""
    return [disk.volume_id for disk in disks if disk.volume_id and disk.image_id is None]


def _take_places(caller: Caller, group: ServerGroup, count: int) -> None:
    """Refuse when the user would have too many servers in the group (docs/contract/create-flow.md
    G10).

    The group stays locked until the members are written, so that two requests cannot both take
    the last place.
    """
    limits = effective_limits(caller.project_id, caller.user_id, ["server_group_members"])
    if not ServerGroup.objects.select_for_update(no_key=True).filter(pk=group.pk).exists():
        raise ServerGroupNotFound(
            f"The server group {group.uuid} is being deleted.", field="os:scheduler_hints.group"
        )
    members = ServerGroupMember.objects.filter(
        group=group, instance__user=caller.user_id, instance__deleted_at__isnull=True
    ).count()
    check_limit(limits, "server_group_members", members + count, field="os:scheduler_hints.group")


def _devices(
    disks: Sequence[Disk], attachments: Attachments, uuids: Sequence[str]
) -> dict[str, list[str]]:
    """The devices of every server, which differ only in the attachments of volumes."""
    if not attachments:
        return {"block_devices": [json.dumps(device_records(disks))] * len(uuids)}
    devices = [device_records(disks, attachments, uuid) for uuid in uuids]
    return {"block_devices": [json.dumps(records) for records in devices]}
