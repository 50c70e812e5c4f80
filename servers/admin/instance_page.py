"""Reads everything of one server for its page in the admin: a constant number of statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.html import format_html, format_html_join

from compute_site.console.lists import read_uuid
from compute_site.console.named import NamedColumn
from compute_site.identity.models import User
from servers.admin.display import (
    NOTHING,
    Links,
    age,
    gibibytes,
    moment,
    mono,
    structured,
    yes_no,
)
from servers.admin.jobs import jobs_part
from servers.admin.parts import Part, facts, known_facts, rows
from servers.admin.placement_part import placement_part
from servers.edit.sharing import list_grants
from servers.models import (
    Allocation,
    BlockDevice,
    BuildRequest,
    HardwareClaim,
    Instance,
    InstanceActionEvent,
    Migration,
    PowerState,
    RequestSpec,
)
from servers.read.history import EVENTS, ActionTaken, time_actions

MOST_DIGITS = 18
"""Of a key; more do not fit into the column."""
MOST = 50
"""Rows of one kind that the page shows."""


def is_key(text: str) -> bool:
    """Can a row have this key?"""
    return text.isdecimal() and len(text) <= MOST_DIGITS


def find_instance(key: str) -> Instance | None:
    """The server with what is one-to-one with it."""
    server_id = read_uuid(key)
    if server_id is None and not is_key(key):
        return None
    wanted = {"uuid": server_id} if server_id else {"pk": key}
    one_to_one = ("mapping__cell", "request_spec__instance_group", "build_request", "kept_request")
    instances = Instance.objects.select_related(
        "project", "user", "flavor_record", "group_membership__group", *one_to_one
    )
    return instances.filter(**wanted).first()


def read_parts(links: Links, instance: Instance) -> list[Part]:
    """The parts that the user may see, in the order of the page."""
    readers = (
        ("servers.instance", _server),
        ("servers.instance", _size),
        ("servers.instance", _place),
        ("servers.serverfault", _faults),
        ("servers.schedulingreport", placement_part),
        ("servers.instanceaction", _actions),
        ("procrastinate.procrastinatejob", jobs_part),
        ("servers.instance", _networks),
        ("servers.blockdevice", _disks),
        ("servers.allocation", _allocations),
        ("servers.allocation", _hardware),
        ("servers.migration", _moves),
        ("servers.instance", _inside),
        ("guardian.userobjectpermission", _shares),
        ("servers.buildrequest", _build_request),
        ("servers.requestspec", _request_spec),
    )
    return [read(links, instance) for model, read in readers if links.may_view(model)]


def _server(links: Links, instance: Instance) -> Part:
    lock = f"by {instance.locked_by}: {instance.locked_reason or 'no reason given'}"
    return facts(
        "Server",
        {
            "id": mono(instance.uuid),
            "name": instance.display_name,
            "description": instance.display_description or NOTHING,
            "project": links.to(instance.project),
            "user": links.to(instance.user),
            "reservation": _reservation(links, instance),
            "vm state": instance.vm_state,
            "task state": instance.task_state or NOTHING,
            "power state": PowerState(instance.power_state).label,
            "progress": f"{instance.progress} %",
            "locked": lock if instance.locked else "no",
            "created": moment(instance.created_at),
            "changed": moment(instance.updated_at),
            "launched": moment(instance.launched_at),
            "ended": moment(instance.terminated_at),
            "deleted": moment(instance.deleted_at),
            "tags": ", ".join(tag.tag for tag in instance.tags.all()) or NOTHING,
        },
    )


def _reservation(links: Links, instance: Instance) -> str:
    query = f"q={instance.reservation_id}&deleted=all"
    text = f"{instance.reservation_id}, number {instance.launch_index}"
    return links.listed("servers.instance", query, text)


def _place(links: Links, instance: Instance) -> Part:
    mapping = getattr(instance, "mapping", None)
    member = getattr(instance, "group_membership", None)
    return facts(
        "Place",
        {
            "host": links.to_host(instance.host),
            "node": instance.node or NOTHING,
            "zone": instance.availability_zone or NOTHING,
            "cell": _cell(links, mapping),
            "queued for delete": yes_no(mapping.queued_for_delete) if mapping else NOTHING,
            "server group": links.to(member.group if member else None),
            "name on the host": mono(instance.instance_name),
            "host name of the guest": instance.hostname,
        },
    )


def _cell(links: Links, mapping: Any) -> str:
    if mapping is None:
        return NOTHING
    return links.to(mapping.cell) if mapping.cell else "none yet: it is not scheduled"


def _size(links: Links, instance: Instance) -> Part:
    flavor = instance.flavor
    spec: RequestSpec | None = getattr(instance, "request_spec", None)
    image = (spec.image if spec else {}).get("name") or instance.image_ref
    name = links.named("flavors.flavor", instance.flavor_record_id, flavor.get("name"))
    return facts(
        "Flavor and image",
        {
            "flavor": name if instance.flavor_record_id else f"{flavor.get('name')} (gone)",
            "vCPUs": instance.vcpus,
            "memory": gibibytes(instance.memory_mb),
            "root disk": f"{instance.root_gb} GiB",
            "ephemeral disk": f"{instance.ephemeral_gb} GiB",
            "swap": gibibytes(flavor.get("swap") or 0),
            "extra specs": structured(flavor.get("extra_specs")),
            "image": links.named("image.image", instance.image_ref, image),
            "kernel, ramdisk": ", ".join(filter(None, (instance.kernel_id, instance.ramdisk_id)))
            or NOTHING,
            "key pair": instance.key_name or NOTHING,
            "config drive": instance.config_drive or NOTHING,
            "user data": f"{len(instance.user_data)} characters" if instance.user_data else NOTHING,
        },
    )


def _networks(links: Links, instance: Instance) -> Part:
    nics = instance.network_info
    return rows(
        "NICs",
        ("port", "network", "addresses", "MAC", "security groups", "tag"),
        (
            (
                links.named("network.port", nic.get("port_id")),
                links.named("network.network", nic.get("network_id"), nic.get("label")),
                ", ".join(pair[0] for pair in nic.get("addresses", ())),
                mono(nic.get("mac")),
                ", ".join(nic.get("security_groups") or ()) or NOTHING,
                nic.get("tag") or NOTHING,
            )
            for nic in nics
        ),
        empty="None, or not connected yet.",
    )


def _disks(links: Links, instance: Instance) -> Part:
    devices = list(BlockDevice.objects.filter(instance=instance)[:MOST])
    volumes = NamedColumn("volume_id", "volume.volume").read_names(devices)
    images = NamedColumn("image_id", "image.image").read_names(devices)
    return rows(
        "Block devices",
        ("device", "boot index", "from", "to", "volume", "image", "size", "ends with the server"),
        (
            (
                device.device_name or NOTHING,
                NOTHING if device.boot_index is None else device.boot_index,
                device.source_type or NOTHING,
                device.destination_type or NOTHING,
                links.named("volume.volume", key := device.volume_id, volumes.get(str(key))),
                links.named("image.image", key := device.image_id, images.get(str(key))),
                _disk_size(device),
                yes_no(device.delete_on_termination),
            )
            for device in devices
        ),
        empty="None are written yet: they become rows when the server gets its place.",
    )


def _disk_size(device: BlockDevice) -> str:
    if not device.volume_size:
        return NOTHING
    return f"{device.volume_size} {'MiB' if device.guest_format == 'swap' else 'GiB'}"


def _faults(links: Links, instance: Instance) -> Part:
    return rows(
        "Faults",
        ("time", "code", "message", "host", "details"),
        (
            (
                links.to(fault, fault.created_at.strftime("%Y-%m-%d %H:%M:%S")),
                fault.code,
                fault.message,
                fault.host or NOTHING,
                Part.folded(fault.details),
            )
            for fault in instance.faults.all()[:MOST]
        ),
        empty="None.",
    )


def _actions(links: Links, instance: Instance) -> Part:
    actions = list(instance.actions.order_by("-pk").prefetch_related(EVENTS)[:MOST])
    users = User.objects.only("username").in_bulk({action.user_id for action in actions})
    return rows(
        "Actions",
        ("action", "begun", "by", "request", "result", "steps", "events"),
        (
            (
                links.to(action),
                moment(action.start_time),
                links.named("identity.user", action.user_id, users.get(action.user_id)),
                mono(action.request_id),
                action.message or NOTHING,
                _steps(timed),
                structured([_event(event) for event in action.events.all()]),
            )
            for action, timed in zip(actions, time_actions(instance, actions), strict=True)
        ),
        empty="None are written yet.",
    )


def _steps(action: ActionTaken) -> str:
    """How long the action took, and a line for each of its steps."""
    lines = [("", f"{action.seconds:.3f} s in all", "" if action.end else ", until now")]
    lines += [
        (
            format_html(
                '<meter min="0" max="{}" value="{}"></meter> ',
                f"{action.seconds:.6f}",
                f"{step.seconds:.6f}",
            ),
            f"{step.seconds:.3f} s {step.step.replace('_', ' ')}",
            f", {step.host}" if step.host else "",
        )
        for step in action.steps
    ]
    return format_html_join("", "<div>{}{}{}</div>", lines)


def _event(event: InstanceActionEvent) -> dict[str, Any]:
    end = event.finish_time
    took = f" after {(end - event.start_time).total_seconds():.1f} s" if end else ""
    values = {
        "event": event.event,
        "result": (event.result or "at work") + took,
        "host": event.host,
        "details": event.details,
    }
    return {key: value for key, value in values.items() if value}


def _build_request(_links: Links, instance: Instance) -> Part:
    request: BuildRequest | None = getattr(instance, "build_request", None)
    if request is None:
        return facts("Build request", {}, empty="None: the build has begun, or it is over.")
    files: Iterable[Mapping[str, str]] = request.injected_files
    return known_facts(
        "Build request",
        {
            "age": age(request.created_at),
            "request": mono(request.request_id),
            "networks": structured(request.requested_networks),
            "security groups": structured(request.security_groups),
            "block devices": structured([_filled(disk) for disk in request.block_devices]),
            "files": structured([file["path"] for file in files]),
            "tags": structured(request.tags),
            "admin password": "sealed" if request.admin_password else NOTHING,
        },
    )


def _filled(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if value not in (None, "", [], {})}


def _request_spec(links: Links, instance: Instance) -> Part:
    spec: RequestSpec | None = getattr(instance, "request_spec", None)
    if spec is None:
        return facts("Request spec", {}, empty="None.")
    return known_facts(
        "Request spec",
        {
            "page": links.to(spec, "request spec"),
            "servers asked for": spec.num_instances,
            "zone": spec.availability_zone or NOTHING,
            "server group": links.to(spec.instance_group),
            "forced hosts": structured([*spec.force_hosts, *spec.force_nodes]),
            "wanted host": structured(spec.requested_destination),
            "ignored hosts": structured(spec.ignore_hosts),
            "scheduler hints": structured(spec.scheduler_hints),
            "boots from a volume": yes_no(spec.is_bfv),
            "security groups": structured(spec.security_groups),
            "networks": structured(spec.network_metadata),
            "resources of ports": structured(spec.requested_resources),
            "NUMA": structured(spec.numa_topology),
            "PCI": structured(spec.pci_requests),
            "image": structured(_filled(spec.image)),
        },
    )


def _inside(_links: Links, instance: Instance) -> Part:
    return known_facts(
        "What the guest is told, and what was noted",
        {
            "metadata": structured(instance.metadata),
            "system metadata": structured(instance.system_metadata),
            "access addresses": structured(
                [str(a) for a in (instance.access_ip_v4, instance.access_ip_v6) if a]
            ),
            "root device": instance.root_device_name or NOTHING,
            "trusted certificates": structured(instance.trusted_certs),
            "NUMA": structured(instance.numa_topology),
            "PCI": structured(instance.pci_requests),
        },
    )


def _moves(links: Links, instance: Instance) -> Part:
    moves = Migration.objects.filter(instance=instance).order_by("-pk")[:MOST]
    return rows(
        "Moves",
        ("kind", "status", "from", "to", "flavor", "age"),
        (
            (
                links.to(move, move.migration_type),
                move.status,
                move.source_compute or NOTHING,
                move.dest_compute or NOTHING,
                move.flavor_names,
                age(move.created_at),
            )
            for move in moves
        ),
        empty="It has never moved.",
    )


def _shares(links: Links, instance: Instance) -> Part:
    return rows(
        "Shared with single users",
        ("user", "rules"),
        (
            (links.named("identity.user", grant.user_id, grant.user_name), structured(grant.rules))
            for grant in list_grants(instance)[:MOST]
        ),
        empty="With nobody.",
    )


def _hardware(_links: Links, instance: Instance) -> Part:
    held = (
        HardwareClaim.objects.filter(consumer__instance=instance)
        .select_related("node", "consumer")
        .order_by("consumer")
    )
    return rows(
        "CPUs, pages and devices",
        ("node", "cells", "devices", ""),
        (
            (
                claim.node.hypervisor_hostname,
                structured(claim.placement["cells"]),
                structured(claim.placement["devices"]),
                "until its move has ended" if claim.consumer.migration_id else "",
            )
            for claim in held
        ),
        empty="It has none of its own.",
    )


def _allocations(_links: Links, instance: Instance) -> Part:
    held = (
        Allocation.objects.filter(consumer__instance=instance)
        .select_related("provider", "consumer")
        .order_by("consumer", "pk")[:MOST]
    )
    return rows(
        "Allocations",
        ("provider", "resource", "amount", ""),
        (
            (
                allocation.provider.name,
                allocation.resource_class,
                allocation.amount,
                "until its move has ended" if allocation.consumer.migration_id else "",
            )
            for allocation in held
        ),
        empty="Nothing is held of any host.",
    )
