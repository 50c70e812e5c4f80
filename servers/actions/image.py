"""Makes images of servers: copies of their disks, or lists of snapshots of their volumes."""

from __future__ import annotations

import dataclasses
import functools
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from compute_site.caller import Caller
from compute_site.neighbours import image_service, volume_service
from compute_site.neighbours.calls import runs_outside
from compute_site.neighbours.image.protocol import ImageData
from compute_site.neighbours.volume.protocol import NewSnapshot
from quotas.fit import check_limit
from quotas.limits import effective_limits
from servers.actions.standing_still import (
    MakeSnapshots,
    Still,
    has_agent,
    must_stand_still,
    standing_still,
    who_can_hold,
)
from servers.drivers.choose import FindDriver, finding_driver
from servers.errors import BackupNeedsImage, NoGuestAgent, VolumesNotQuiesced, WrongState
from servers.holdings.ask_first import take_precaution
from servers.holdings.new_images import Disks, NewImage, find_lost, making_image
from servers.holdings.release import after_commit, forget_images
from servers.kept_image import kept_image
from servers.lifecycle.actions import SAVE_BACKUP, SAVE_IMAGE, HostAction
from servers.lifecycle.begin import begin
from servers.lifecycle.guard import SETTLED, check_state, lock_row
from servers.lifecycle.history import log_action
from servers.lifecycle.jobs import ForgetImages, PerformAction, TakeBackSnapshots
from servers.models import BlockDevice, Instance, VmState
from servers.policies import action as rules
from servers.read.root_disk import VOLUME, is_volume_backed, root_of

ITEMS = "metadata_items"
OWNER_NAMES = ("owner_user_name", "owner_project_name")
NOT_INHERITED = frozenset(
    (
        *("cache_in_nova", "bittorrent"),
        *("cinder_encryption_key_id", "cinder_encryption_key_deletion_policy"),
        *("img_signature", "img_signature_hash_method", "img_signature_key_type"),
        "img_signature_certificate_uuid",
    )
)
"""Properties that are true of the old image only."""
NOT_INHERITED_PREFIX = "os_glance"
MAPPED = (
    *("source_type", "destination_type", "guest_format", "device_type", "disk_bus", "boot_index"),
    *("device_name", "delete_on_termination", "snapshot_id", "volume_id", "volume_size"),
    *("image_id", "no_device", "tag", "volume_type", "encrypted", "encryption_format"),
)
"""What an image tells of a disk, by the names of the columns."""
OF_SNAPSHOT = (
    *("disk_bus", "device_type", "boot_index", "delete_on_termination", "volume_size"),
    "device_name",
)
"""What a volume that is made of the snapshot has in common with the original."""
MARKS_OF_DISKS = ("block_device_mapping", "bdm_v2", "root_device_name")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImageOrder:
    """``limited``: the quota of metadata counts."""

    name: str
    metadata: Mapping[str, str]
    limited: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BackupOrder(ImageOrder):
    """``rotation``: so many backups of its kind are kept."""

    kind: str
    rotation: int


def create_image(caller: Caller, instance: Instance, order: ImageOrder) -> str:
    """Make an image of the server; its id. Of one that was booted from a volume it is a list of
    snapshots of the server's volumes. Nova: no lock stops it.

    Raises:
        OverLimit: too many items of metadata.
        PolicyRefused: it was booted from a volume, and the caller may not make images of such.
        WrongState: the server is not in a state that allows this.
        VolumeNotSnapshottable: a volume is not in use, as its service has it.
        NoGuestAgent, VolumesNotQuiesced: the image requires what cannot be done.
    """
    _check_metadata(caller, order)
    find = finding_driver()
    driver = who_can_hold(instance, find)
    if driver is None or not _is_ready_to_save_volumes(caller, instance):
        return _create_image(caller, instance, order, Still(), find)
    with standing_still(instance, driver) as still:
        return _create_image(caller, instance, order, still, find)


def _create_image(
    caller: Caller, instance: Instance, order: ImageOrder, still: Still, find: FindDriver
) -> str:
    snapshots = _snapshots_elsewhere(caller, instance, order, still, find)
    make = making_image(instance, functools.partial(_describe_image, caller, order, find))
    with transaction.atomic():
        server = lock_row(instance)
        disks = list(BlockDevice.objects.filter(instance=server))
        volume_backed = is_volume_backed(server, root_of(disks))
        if volume_backed:
            caller.permit(rules.CREATE_IMAGE_VOLUME_BACKED, project_id=server.project_id)
        _check_ready(server, "make an image of it")
        if volume_backed:
            _check_quiesce(server, still, find)
            snapshot = functools.partial(volume_service().create_snapshots, caller)
            save = still.noting(snapshots or snapshot)
            image_id = make(server, disks, _save_volumes(disks, order, save))
        else:
            image_id = make(server, disks)
        if not volume_backed and _is_seen_saving(server, find):
            _let_fill(caller, server, SAVE_IMAGE, image_id)
        else:
            log_action(caller, server, SAVE_IMAGE.name, SAVE_IMAGE.event)
    return image_id


def _snapshots_elsewhere(
    caller: Caller, instance: Instance, order: ImageOrder, still: Still, find: FindDriver
) -> MakeSnapshots | None:
    """Make the snapshots of a volume service elsewhere, before our transaction; a job deletes them
    if that fails. ``None``: there are none to make there.
    """
    create = volume_service().create_snapshots
    if not runs_outside(create):
        return None
    if not _is_ready_to_save_volumes(caller, instance):
        return None
    _check_quiesce(instance, still, find)
    disks = list(BlockDevice.objects.filter(instance=instance))
    mark = str(uuid.uuid4())
    wanted = [dataclasses.replace(new, mark=mark) for new in _wanted(disks, order)]
    volumes = tuple(new.volume_id for new in wanted)
    precaution = take_precaution(TakeBackSnapshots(volumes=volumes, mark=mark))
    found = dict(zip(volumes, create(caller, wanted), strict=True))

    def tell(asked: Sequence[NewSnapshot]) -> Sequence[str]:
        if {new.volume_id for new in asked} != found.keys():
            raise WrongState(f"The volumes of the server {instance.uuid} have changed; try again.")
        precaution.keep()
        return [found[new.volume_id] for new in asked]

    return tell


def _is_ready_to_save_volumes(caller: Caller, instance: Instance) -> bool:
    """Was it booted from a volume? Then raises what speaks against an image of it."""
    disks = list(BlockDevice.objects.filter(instance=instance))
    if not is_volume_backed(instance, root_of(disks)):
        return False
    caller.permit(rules.CREATE_IMAGE_VOLUME_BACKED, project_id=instance.project_id)
    _check_ready(instance, "make an image of it")
    return True


def _wanted(disks: Sequence[BlockDevice], order: ImageOrder) -> list[NewSnapshot]:
    name = f"snapshot for {order.name}"
    return [NewSnapshot(volume_id=str(disk.volume_id), name=name) for disk in _volumes(disks)]


def _volumes(disks: Sequence[BlockDevice]) -> list[BlockDevice]:
    return [disk for disk in disks if disk.destination_type == VOLUME and not disk.no_device]


def create_backup(caller: Caller, instance: Instance, order: BackupOrder) -> str:
    """Make a backup image and keep the ``rotation`` newest ones of its kind; its id.

    Raises:
        OverLimit: too many items of metadata.
        WrongState: the server is not in a state that allows this.
        BackupNeedsImage: it was booted from a volume.
    """
    _check_metadata(caller, order)
    find = finding_driver()
    marks = {
        "instance_uuid": str(instance.uuid),
        "image_type": "backup",
        "backup_type": order.kind,
    }

    def describe(server: Instance, disks: Disks) -> NewImage:
        _check_ready(server, "make a backup of it")
        if is_volume_backed(server, root_of(disks)):
            raise BackupNeedsImage(
                f"The server {server.uuid} was booted from a volume; make snapshots of its volumes."
            )
        return image_of_disk(caller, server, order.name, {**order.metadata, **marks}, find)

    make = making_image(instance, describe)
    find_ended = functools.partial(_find_ended, caller, marks, order.rotation)
    elsewhere = runs_outside(image_service().delete_images)
    before = find_ended(check=True) if elsewhere else ()
    with transaction.atomic():
        server = lock_row(instance)
        image_id = make(server, list(BlockDevice.objects.filter(instance=server)))
        filled = _is_seen_saving(server, find)
        ended = before if elsewhere else find_ended(check=filled)
        if filled:
            _let_fill(caller, server, SAVE_BACKUP, image_id, replaces=ended)
        else:
            log_action(caller, server, SAVE_BACKUP.name, SAVE_BACKUP.event)
            _delete_ended(caller, ended, elsewhere=elsewhere)
    return image_id


def _find_ended(
    caller: Caller, marks: Mapping[str, str], rotation: int, *, check: bool
) -> Sequence[str]:
    """The backups of the kind that are too many, the newest being the one that was just made. Of
    the others, those of requests that came to nothing count for none.
    """
    found = image_service().find_images_with(caller, marks)
    lost = find_lost([str(image.id) for image in found[1:] if image.status != "active"])
    kept = [image for image in found if image.id not in lost]
    ended = [str(image.id) for image in kept[rotation:]]
    if check:
        image_service().check_deletable(caller, ended)
    return ended


def _delete_ended(caller: Caller, ended: Sequence[str], *, elsewhere: bool) -> None:
    if not elsewhere:
        image_service().delete_images(caller, ended)
    elif ended:
        job = ForgetImages(project_id=caller.project_id, images=tuple(ended))
        after_commit(forget_images, job)


def is_filled_by_host(instance: Instance, find: FindDriver) -> bool:
    """Does an image of the server's disk await what its host sends? Else there is nothing on it."""
    driver = find(instance)
    return driver is not None and not driver.saves_disks()


def _is_seen_saving(instance: Instance, find: FindDriver) -> bool:
    """Is the server busy while its image is made? Simulated hosts may take their time, too."""
    driver = find(instance)
    return driver is not None and (not driver.saves_disks() or driver.is_slow())


def _let_fill(
    caller: Caller,
    server: Instance,
    action: HostAction,
    image_id: str,
    *,
    replaces: Sequence[str] = (),
) -> None:
    """Let the server's host fill the image; ``replaces`` are deleted afterwards."""
    job = PerformAction(
        server_id=str(server.uuid),
        task=action.task,
        image=image_id,
        image_project=caller.project_id,
        replaces=tuple(replaces),
    )
    begin(caller, server, action, job)


def _describe_image(
    caller: Caller, order: ImageOrder, find: FindDriver, instance: Instance, disks: Disks
) -> NewImage:
    """The image of a server; of one that was booted from a volume without what is known of the
    snapshots.
    """
    volume_backed = is_volume_backed(instance, root_of(disks))
    if volume_backed:
        caller.permit(rules.CREATE_IMAGE_VOLUME_BACKED, project_id=instance.project_id)
    _check_ready(instance, "make an image of it")
    if volume_backed:
        return _image_of_volumes(caller, instance, disks, order)
    return image_of_disk(caller, instance, order.name, order.metadata, find)


def image_of_disk(
    caller: Caller, instance: Instance, name: str, properties: Mapping[str, str], find: FindDriver
) -> NewImage:
    """The image of the disk of the server. It awaits data where the host sends them."""
    images = image_service()
    origin = images.find_images(caller, [instance.image_ref]).get(instance.image_ref)
    size = origin.size if origin is not None else None
    marks = {
        "instance_uuid": str(instance.uuid),
        "user_id": caller.user_id,
        "image_type": "snapshot",
    }
    return NewImage(
        caller=caller,
        name=name,
        properties={**_inherited(instance), **marks, **properties},
        like=dataclasses.replace(kept_image(instance), size=size),
        awaits_data=is_filled_by_host(instance, find),
    )


def _save_volumes(disks: Disks, order: ImageOrder, make: MakeSnapshots) -> dict[str, str]:
    """Make snapshots of the volumes; what the image says of them."""
    present = [disk for disk in disks if not disk.no_device]
    volumes = _volumes(disks)
    mapping = [_describe(disk, MAPPED) for disk in present if disk not in volumes]
    snapshots = make(_wanted(disks, order))
    mapping += [
        _describe(disk, OF_SNAPSHOT)
        | {"source_type": "snapshot", "destination_type": VOLUME, "snapshot_id": snapshot_id}
        for disk, snapshot_id in zip(volumes, snapshots, strict=True)
    ]
    # as texts: an image service keeps nothing else
    return {"block_device_mapping": json.dumps(mapping), "bdm_v2": "True"} if mapping else {}


def _image_of_volumes(
    caller: Caller, instance: Instance, disks: Disks, order: ImageOrder
) -> NewImage:
    """An image without data, which is to name snapshots of the volumes."""
    properties: dict[str, Any] = {**_inherited(instance), **order.metadata}
    for key in MARKS_OF_DISKS:
        properties.pop(key, None)
    if instance.root_device_name:
        properties["root_device_name"] = instance.root_device_name
    root = root_of([disk for disk in disks if not disk.no_device])
    kept = kept_image(instance)
    like = ImageData(
        id=None,
        min_ram=kept.min_ram,
        min_disk=min(kept.min_disk, (root and root.volume_size) or kept.min_disk),
        size=0,
        disk_format="raw",
        container_format="bare",
    )
    return NewImage(caller=caller, name=order.name, properties=properties, like=like)


def _describe(disk: BlockDevice, columns: Sequence[str]) -> dict[str, Any]:
    """Of what is not among the columns nothing is known."""
    nothing = dict.fromkeys((*MAPPED, "encryption_secret_uuid", "encryption_options"))
    return nothing | {name: getattr(disk, name) for name in columns}


def _inherited(instance: Instance) -> dict[str, Any]:
    """The properties that the new image takes from the old one and from the server."""
    names = {key: instance.system_metadata.get(key) for key in OWNER_NAMES}
    return {
        key: value
        for key, value in {**kept_image(instance).properties, **names}.items()
        if value is not None
        and key not in NOT_INHERITED
        and not key.startswith(NOT_INHERITED_PREFIX)
    }


def _check_metadata(caller: Caller, order: ImageOrder) -> None:
    if order.limited:
        limits = effective_limits(caller.project_id, caller.user_id, [ITEMS])
        check_limit(limits, ITEMS, len(order.metadata), field="metadata")


def _check_quiesce(server: Instance, still: Still, find: FindDriver) -> None:
    """Simulated hosts have nothing that writes.

    Raises:
        NoGuestAgent: as Nova, 400.
        VolumesNotQuiesced: as Nova where the agent does not answer, 409.
    """
    if server.vm_state != VmState.ACTIVE or still.holds or not must_stand_still(server):
        return
    if not is_filled_by_host(server, find):
        return
    if not has_agent(server):
        raise NoGuestAgent(
            f"The image of the server {server.uuid} has os_require_quiesce, and not "
            "hw_qemu_guest_agent."
        )
    raise VolumesNotQuiesced(
        f"The image of the server {server.uuid} has os_require_quiesce, and it has just begun to "
        "run; try again."
    )


def _check_ready(server: Instance, doing: str) -> None:
    check_state(server, SETTLED, doing, idle=True)
    if server.launched_at is None:
        raise WrongState(f"The server {server.uuid} never ran; one cannot {doing}.")
