"""The contents of the rows that a new server consists of (docs/contract/create-flow.md C12, G6, G7,
G9).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from compute_site.caller import Caller
from compute_site.secrets.sealing import seal
from servers.create.disks import root_disk
from servers.create.metadata import read_hints
from servers.create.plan import ServerPlan
from servers.kept_image import image_entries
from servers.machine.copies import copy_flavor, copy_image, image_columns
from servers.machine.disk import Disk
from servers.machine.disk_config import choose_disk_config
from servers.machine.references import choose_certificates
from servers.models import PowerState, TaskState, VmState

Record = dict[str, Any]


def instance_record(
    caller: Caller, plan: ServerPlan, *, reservation_id: str, zone: str | None
) -> Record:
    """The columns of the server's row that all servers of a request share."""
    order, flavor, image = plan.order, plan.machine.flavor, plan.machine.image
    now = timezone.now()
    return {
        "project_id": caller.project_id,
        "user_id": caller.user_id,
        "reservation_id": reservation_id,
        "display_description": order.description,
        "vm_state": VmState.BUILDING,
        "task_state": TaskState.SCHEDULING,
        "power_state": PowerState.NO_STATE,
        "image_ref": order.image_ref,
        "kernel_id": plan.kernel.kernel_id,
        "ramdisk_id": plan.kernel.ramdisk_id,
        "flavor_record_id": flavor.pk,
        "flavor": copy_flavor(flavor),
        "memory_mb": flavor.memory_mb,
        "vcpus": flavor.vcpus,
        "root_gb": flavor.root_gb,
        "ephemeral_gb": flavor.ephemeral_gb,
        "config_drive": "True" if order.config_drive else "",
        "user_data": order.user_data,
        "key_name": order.key_name,
        "key_data": plan.key_pair.public_key if plan.key_pair else None,
        "metadata": order.metadata,
        "system_metadata": system_metadata(caller, plan),
        "access_ip_v4": order.access_ip_v4,
        "access_ip_v6": order.access_ip_v6,
        "availability_zone": zone,
        "root_device_name": plan.root_name,
        **image_columns(image),
        "auto_disk_config": choose_disk_config(order.auto_disk_config, image),
        "trusted_certs": choose_certificates(order.trusted_certificates),
        "numa_topology": _numa(plan),
        "pci_requests": pci_requests(plan),
        "created_at": now,
        "updated_at": now,
    }


def spec_record(plan: ServerPlan, disks: Sequence[Disk], *, zone: str | None, count: int) -> Record:
    """The columns of the request spec of each server."""
    target, root = plan.target, root_disk(disks)
    destination = {"host": target.host, "node": target.node}
    return {
        "flavor": copy_flavor(plan.machine.flavor),
        "image": copy_image(plan.machine.image),
        "numa_topology": _numa(plan),
        "pci_requests": pci_requests(plan),
        "availability_zone": zone,
        "scheduler_hints": read_hints(plan.order),
        "force_hosts": [target.forced_host] if target.forced_host else [],
        "force_nodes": [target.forced_node] if target.forced_node else [],
        "requested_destination": destination if any(destination.values()) else None,
        "instance_group_id": plan.group.pk if plan.group else None,
        "security_groups": list(plan.security_groups),
        "num_instances": count,
        "is_bfv": root is not None and root.is_volume,
        "network_metadata": plan.nics.metadata,
        "requested_resources": list(plan.nics.resources),
    }


def build_record(caller: Caller, plan: ServerPlan, *, admin_password: str) -> Record:
    """The columns of the build request; the devices come from ``device_records``."""
    order = plan.order
    return {
        "project_id": caller.project_id,
        "requested_networks": plan.nics.requests,
        "security_groups": list(plan.security_groups),
        "injected_files": [{"path": f.path, "contents": f.contents} for f in order.files],
        "tags": list(order.tags),
        "admin_password": seal(admin_password),
        "user_token": seal(caller.token),
        "request_id": caller.request_id,
    }


def device_records(
    disks: Sequence[Disk], attachments: Mapping[tuple[str, str], str] | None = None, uuid: str = ""
) -> list[Record]:
    """The devices of one server, with its attachments of volumes."""
    return [
        {
            **{name: getattr(disk, name) for name in DISK_FIELDS},
            "attachment_id": (attachments or {}).get((disk.volume_id or "", uuid)),
        }
        for disk in disks
    ]


DISK_FIELDS = [field.name for field in dataclasses.fields(Disk)]


def system_metadata(caller: Caller, plan: ServerPlan) -> Record:
    """The system metadata with data of image and owner; all values are texts."""
    return {
        **image_entries(plan.machine.image, plan.machine.flavor, plan.order.image_ref),
        "owner_user_name": caller.user_name,
        "owner_project_name": caller.project_name,
    }


def pci_requests(plan: ServerPlan) -> list[Record]:
    """The devices that the flavor asks for, then those of SR-IOV ports."""
    flavor_requests = [request.as_json() for request in plan.machine.demand.pci_requests]
    return [*flavor_requests, *plan.nics.pci_requests]


def _numa(plan: ServerPlan) -> Record | None:
    layout = plan.machine.demand.numa
    return layout.as_json() if layout else None
