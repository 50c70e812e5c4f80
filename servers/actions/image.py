"""Makes images of servers."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from compute_site.caller import Caller
from compute_site.neighbours import image_service
from quotas.fit import check_limit
from quotas.limits import effective_limits
from servers.lifecycle.guard import SETTLED, check_state
from servers.lifecycle.history import log_action
from servers.models import Instance
from servers.policies import action as rules

ITEMS = "metadata_items"


def create_image(
    caller: Caller, instance: Instance, *, name: str, metadata: Mapping[str, str]
) -> str:
    """Make an image of the server; its id.

    Raises:
        WrongState: the server is not in a state that allows this.
        PolicyRefused: it was booted from a volume, and the caller may not make images of such.
    """
    if not instance.image_ref:
        caller.permit(rules.CREATE_IMAGE_VOLUME_BACKED, project_id=instance.project_id)
    check_state(instance, SETTLED, "make an image of it", idle=True)
    image_id = _save(caller, instance, name, {"image_type": "snapshot", **metadata})
    log_action(caller, instance, "createImage", "compute_snapshot_instance")
    return image_id


def create_backup(
    caller: Caller,
    instance: Instance,
    *,
    name: str,
    kind: str,
    rotation: int,
    metadata: Mapping[str, str],
) -> str:
    """Make a backup image and keep the ``rotation`` newest ones of its kind; its id.

    Raises:
        WrongState: the server is not in a state that allows this.
        PolicyRefused: the image service does not let the caller; no image is made or deleted.
    """
    check_state(instance, SETTLED, "make a backup of it", idle=True)
    marks = {"instance_uuid": str(instance.uuid), "image_type": "backup", "backup_type": kind}
    with transaction.atomic():
        image_id = _save(caller, instance, name, {**metadata, **marks})
        kept = image_service().find_images_with(caller, marks)
        image_service().delete_images(caller, [str(image.id) for image in kept[rotation:]])
    log_action(caller, instance, "createBackup", "compute_backup_instance")
    return image_id


def check_metadata(caller: Caller, metadata: Mapping[str, str], *, field: str) -> None:
    """Raises ``OverLimit`` where the metadata of an image has too many items."""
    limits = effective_limits(caller.project_id, caller.user_id, [ITEMS])
    check_limit(limits, ITEMS, len(metadata), field=field)


def _save(caller: Caller, instance: Instance, name: str, metadata: Mapping[str, str]) -> str:
    images = image_service()
    origin = images.find_images(caller, [instance.image_ref]).get(instance.image_ref)
    inherited = origin.properties if origin else {}
    marks = {"instance_uuid": str(instance.uuid), "base_image_ref": instance.image_ref}
    return images.create_image(
        caller, name=name, properties={**inherited, **marks, **metadata}, like=origin
    )
