"""Builds a server anew from an image, on the host where it lies."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from compute_site.caller import Caller
from compute_site.neighbours import image_service, volume_service
from compute_site.neighbours.image.protocol import ImageData
from flavors.models import Flavor
from servers.actions.ask_host import ask_host
from servers.attachments.volumes import find_loose_volume
from servers.errors import NumaLayoutFixed, RebuildNeedsVersion, RebuildNeedsVolumes
from servers.hardware import (
    NumaTopology,
    check_hardware,
    check_packed_ring,
    check_sound,
    plan_numa,
    read_image_properties,
)
from servers.kept_image import PREFIX, image_entries, kept_image
from servers.lifecycle.actions import REBUILD
from servers.lifecycle.begin import Change, begin
from servers.lifecycle.guard import check_launched, check_state, check_unlocked
from servers.lifecycle.history import ERROR, finish_event
from servers.lifecycle.system_metadata import SystemMetadata, change_system_metadata
from servers.machine.bound import check_unbound
from servers.machine.copies import copy_image, image_columns
from servers.machine.disk import Disk
from servers.machine.disk_config import check_disk_config, choose_disk_config
from servers.machine.errors import CertificatesNeedImage, ImageNotFound
from servers.machine.fit import (
    check_image_active,
    check_image_bootable,
    check_memory,
    check_root_disk,
)
from servers.machine.limits import check_contents
from servers.machine.password import choose_password
from servers.machine.plan import hardware_of
from servers.machine.references import choose_certificates, find_kernel, find_key_pair
from servers.models import BlockDevice, Instance, RequestSpec, ServerFault, VmState
from servers.placement.rebuild import check_rebuild
from servers.placement.report import NoValidHost
from servers.policies import action as rules
from servers.read.root_disk import is_volume_backed, root_of

FIELD = "rebuild.imageRef"
CERTIFICATES = "trusted_certs"
REFUSED = Change(
    name=REBUILD.name,
    event="rebuild_server",
    doing=REBUILD.doing,
    step=dataclasses.replace(REBUILD.step, to_vm=VmState.ERROR, to_task=None),
)
"""A rebuild for whose image the host of the server will not do."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RebuildOrder:
    """``columns`` are those of the server's row; what is ``None`` stays, but ``new_key``."""

    image_ref: str
    columns: Mapping[str, Any]
    password: str | None = None
    metadata: Mapping[str, str] | None = None
    files: Sequence[tuple[str, str]] = ()
    """Path and contents (base64)."""
    sets_key: bool = False
    new_key: str | None = None
    """The name of the key pair from now on, where ``sets_key``."""
    reimages_volumes: bool = False
    """May a server that was booted from a volume get another image? (2.93)"""

    @property
    def auto_disk_config(self) -> bool | None:
        """``None``: as the image says."""
        asked: bool | None = self.columns.get("auto_disk_config")
        return asked


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What the server is made of now."""

    disks: Sequence[BlockDevice]
    root: BlockDevice | None
    volume_backed: bool
    image_ref: str | None
    """The image of the root disk; ``None``: nobody knows of one."""

    @property
    def root_disk(self) -> Disk | None:
        """The root disk as the rules on images know disks."""
        if self.root is None:
            return None
        kind, size = self.root.destination_type, self.root.volume_size
        return Disk(destination_type=kind, volume_size=size)


def rebuild_server(caller: Caller, instance: Instance, order: RebuildOrder) -> str:
    """Begin to rebuild; the admin password from then on.

    Raises:
        ServerLocked, WrongState: 409.
        ImageNotFound, KeyPairNotFound: the body names what does not exist.
        BadRequest: the image does not fit the server.
        OverLimit: more metadata or files than the quota allows.
    """
    if CERTIFICATES in order.columns:
        caller.permit(rules.REBUILD_TRUSTED_CERTS, project_id=instance.project_id)
    check_unbound(instance, "rebuild")
    check_unlocked(caller, instance)
    check_state(instance, REBUILD.step.from_vm, REBUILD.doing, idle=True)
    check_launched(instance, REBUILD.doing)
    key = _key_columns(caller, order)
    image = _find_image(caller, order)
    present = _read_present(caller, instance)
    _check_volume_backed(order, present)
    check_contents(
        caller,
        order.metadata or {},
        order.files,
        metadata_field="rebuild.metadata",
        files_field="rebuild.personality",
    )
    numa = _check_fit(caller, instance, image, present)
    _check_volumes(caller, present)
    asked = {**_asked_columns(order), **key}
    columns = {**asked, **_image_columns(caller, order, image, present)}
    refusal = None
    if present.image_ref != image.id:
        _check_same_layout(instance, numa)
        refusal = _ask_placement(instance, image)
    password = choose_password(order.password)
    if refusal is not None:
        _fail(caller, instance, asked, refusal)
        return password
    after = VmState.STOPPED if instance.vm_state == VmState.STOPPED else VmState.ACTIVE
    with transaction.atomic():
        ask_host(
            caller,
            instance,
            REBUILD,
            password=password,
            after=after,
            columns=columns,
            **_overwritten(present, order, image),
        )
        change_system_metadata(instance, lambda kept: _with_image(kept, image, instance))
        RequestSpec.objects.filter(instance=instance).update(image=copy_image(image))
        _change_root(caller, present, image, reimages=order.reimages_volumes)
    return password


def _find_image(caller: Caller, order: RebuildOrder) -> ImageData:
    image = image_service().find_images(caller, [order.image_ref]).get(order.image_ref)
    if image is None:
        raise ImageNotFound(f"There is no image {order.image_ref}.", field=FIELD)
    check_disk_config(order.auto_disk_config, image, field="rebuild.OS-DCF:diskConfig")
    return image


def _read_present(caller: Caller, instance: Instance) -> Present:
    disks = list(BlockDevice.objects.filter(instance=instance))
    root = root_of(disks)
    volume_backed = is_volume_backed(instance, root)
    image_ref: str | None = instance.image_ref
    if volume_backed:
        volume_id = str(root.volume_id) if root is not None else ""
        volume = volume_service().find_volumes(caller, [volume_id]).get(volume_id)
        image_ref = volume.image_metadata.get("image_id") if volume is not None else None
    return Present(disks=disks, root=root, volume_backed=volume_backed, image_ref=image_ref)


def _check_volume_backed(order: RebuildOrder, present: Present) -> None:
    if not present.volume_backed:
        return
    if order.columns.get(CERTIFICATES):
        raise CertificatesNeedImage(
            "Trusted certificates check an image; this server was booted from a volume.",
            field="rebuild.trusted_image_certificates",
        )
    if present.image_ref != order.image_ref and not order.reimages_volumes:
        raise RebuildNeedsVersion(
            "The server was booted from a volume that was made of another image; it takes a later "
            "microversion to write this one over it.",
            field=FIELD,
        )


def _check_fit(
    caller: Caller, instance: Instance, image: ImageData, present: Present
) -> NumaTopology | None:
    """Check that the image goes with flavor and root disk; return the NUMA layout of both."""
    flavor = Flavor(**instance.flavor)
    check_image_bootable(image, field=FIELD)
    properties, hardware = read_image_properties(image.properties), hardware_of(flavor)
    check_image_active(image, field=FIELD)
    check_memory(flavor, image, field=FIELD)
    check_packed_ring(hardware, properties)
    check_root_disk(caller, flavor, image, present.root_disk, field=FIELD, volume_field=FIELD)
    check_hardware(hardware, properties)
    numa = plan_numa(hardware, properties)
    check_sound(hardware, properties)
    return numa


def _check_same_layout(instance: Instance, numa: NumaTopology | None) -> None:
    """Raise where the image asks for another NUMA layout than the server has on its host, which
    cannot change it.
    """
    hardware = hardware_of(Flavor(**instance.flavor))
    kept = read_image_properties(kept_image(instance).properties)
    if plan_numa(hardware, kept) != numa:
        raise NumaLayoutFixed(
            "The image asks for another NUMA layout than the server has; resize the server, or "
            "make another one.",
            field=FIELD,
        )


def _check_volumes(caller: Caller, present: Present) -> None:
    loose = find_loose_volume(caller, present.disks)
    if loose is not None:
        raise RebuildNeedsVolumes(f"The volume {loose} of the server is not in use.")


def _ask_placement(instance: Instance, image: ImageData) -> NoValidHost | None:
    """Why the host will not do for the image, if it will not. Of a server without a request spec
    nobody knows what was asked for.
    """
    specs = RequestSpec.objects.select_related("instance", "instance_group")
    spec = specs.filter(instance=instance).first()
    if spec is None:
        return None
    spec.image = copy_image(image)
    try:
        check_rebuild(spec, instance)
    except NoValidHost as fault:
        return fault
    return None


def _fail(
    caller: Caller, instance: Instance, columns: Mapping[str, Any], fault: NoValidHost
) -> None:
    """Nova: the request is accepted, and the server in ``error``, with the image that it had."""
    with transaction.atomic():
        begin(caller, instance, REFUSED, None, **columns)
        ServerFault.objects.create(
            instance=instance, message=fault.detail[:255], host=instance.host
        )
        finish_event(instance.pk, REFUSED.event, result=ERROR, details=fault.detail)


def _asked_columns(order: RebuildOrder) -> dict[str, Any]:
    """The columns of the server's row that follow from the body."""
    columns = dict(order.columns)
    if CERTIFICATES in columns:
        columns[CERTIFICATES] = choose_certificates(columns[CERTIFICATES])
    if order.metadata is not None:
        columns["metadata"] = dict(order.metadata)
    return columns


def _image_columns(
    caller: Caller, order: RebuildOrder, image: ImageData, present: Present
) -> dict[str, Any]:
    """The columns of the server's row that follow from the image."""
    kernel = find_kernel(caller, image, field=FIELD)
    columns: dict[str, Any] = {
        **image_columns(image),
        "auto_disk_config": choose_disk_config(order.auto_disk_config, image),
        "kernel_id": kernel.kernel_id,
        "ramdisk_id": kernel.ramdisk_id,
        "progress": 0,
    }
    if not present.volume_backed:  # Nova: else no image is named before, and none after
        columns["image_ref"] = order.image_ref
    return columns


def _key_columns(caller: Caller, order: RebuildOrder) -> dict[str, str | None]:
    if not order.sets_key:
        return {}
    key = find_key_pair(caller, order.new_key, field="rebuild.key_name")
    if key is None:
        return {"key_name": None, "key_data": None}
    return {"key_name": key.name, "key_data": key.public_key}


def _with_image(kept: SystemMetadata, image: ImageData, instance: Instance) -> SystemMetadata:
    """The system metadata with the entries of the new image in place of those of the old one."""
    left = {key: value for key, value in kept.items() if not key.startswith(PREFIX)}
    return left | image_entries(image, Flavor(**instance.flavor), str(image.id))


def _overwritten(present: Present, order: RebuildOrder, image: ImageData) -> dict[str, str]:
    """What the host waits for before it rebuilds."""
    if present.root is None or not present.volume_backed or not order.reimages_volumes:
        return {}
    return {"volume": str(present.root.volume_id), "image": str(image.id)}


def _change_root(caller: Caller, present: Present, image: ImageData, *, reimages: bool) -> None:
    """Note the new image of the root disk, or write it over the volume."""
    root = present.root
    if root is None:
        return
    if not present.volume_backed:
        BlockDevice.objects.filter(pk=root.pk).update(image_id=image.id)
    elif reimages:
        volume_service().reimage(caller, str(root.volume_id), str(image.id))
