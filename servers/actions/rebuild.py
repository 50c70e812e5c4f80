"""Builds a server anew from an image, on the host where it lies."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from compute_site.caller import Caller
from compute_site.neighbours import image_service
from compute_site.neighbours.image.protocol import ImageData
from flavors.models import Flavor
from quotas.fit import check_injected_files, check_limit
from quotas.limits import effective_limits
from servers.actions.begin import begin, check_launched
from servers.create.errors import ImageNotFound, KeyPairNotFound
from servers.create.fit import check_flavor_disk, check_image
from servers.create.metadata import LIMITED
from servers.create.password import choose_password
from servers.create.records import IMAGE_PREFIX, image_texts
from servers.errors import RebuildNeedsVersion
from servers.lifecycle.actions import REBUILD
from servers.lifecycle.guard import check_state, check_unlocked
from servers.lifecycle.system_metadata import SystemMetadata, change_system_metadata
from servers.models import Instance, KeyPair, RequestSpec, VmState
from servers.policies import action as rules


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
    asks_for_certificates: bool = False
    reimages_volumes: bool = False
    """May a server that was booted from a volume get another image? (2.93)"""


def rebuild_server(caller: Caller, instance: Instance, order: RebuildOrder) -> str:
    """Begin to rebuild; the admin password from then on.

    Raises:
        ServerLocked, WrongState: 409.
        ImageNotFound, KeyPairNotFound: the body names what does not exist.
        BadRequest: the image does not fit the flavor.
        OverLimit: more metadata or files than the quota allows.
    """
    if order.asks_for_certificates:
        caller.permit(rules.REBUILD_TRUSTED_CERTS, project_id=instance.project_id)
    check_unlocked(caller, instance)
    check_state(instance, REBUILD.begin.from_vm, REBUILD.doing, idle=True)
    check_launched(instance, REBUILD.doing)
    image = _find_image(caller, instance, order)
    _check_limits(caller, order)
    columns = {**order.columns, **_key_columns(caller, order)}
    if order.metadata is not None:
        columns["metadata"] = dict(order.metadata)
    flavor = Flavor(**instance.flavor)
    check_image(flavor, image)
    if instance.image_ref:
        check_flavor_disk(flavor, image)
        columns["image_ref"] = order.image_ref
    password = choose_password(order.password)
    after = VmState.STOPPED if instance.vm_state == VmState.STOPPED else VmState.ACTIVE
    spec = {"image": {"id": image.id, "properties": dict(image.properties)}}
    with transaction.atomic():
        begin(caller, instance, REBUILD, password=password, after=after, columns=columns)
        change_system_metadata(instance, lambda kept: _with_image(kept, image, flavor))
        RequestSpec.objects.filter(instance=instance).update(**spec)
    return password


def _find_image(caller: Caller, instance: Instance, order: RebuildOrder) -> ImageData:
    found = image_service().find_images(caller, [order.image_ref])
    if order.image_ref not in found:
        raise ImageNotFound(f"There is no image {order.image_ref}.", field="rebuild.imageRef")
    if not instance.image_ref and not order.reimages_volumes:
        raise RebuildNeedsVersion(
            "A server that was booted from a volume can be rebuilt only by later microversions."
        )
    return found[order.image_ref]


def _check_limits(caller: Caller, order: RebuildOrder) -> None:
    if not order.metadata and not order.files:
        return
    limits = effective_limits(caller.project_id, caller.user_id, LIMITED)
    check_limit(limits, "metadata_items", len(order.metadata or ()), field="rebuild.metadata")
    check_injected_files(limits, list(order.files), field="rebuild.personality")


def _key_columns(caller: Caller, order: RebuildOrder) -> dict[str, str | None]:
    if not order.sets_key:
        return {}
    if order.new_key is None:
        return {"key_name": None, "key_data": None}
    key = KeyPair.objects.filter(user=caller.user_id, name=order.new_key).first()
    if key is None:
        raise KeyPairNotFound(f"You have no key pair {order.new_key}.", field="rebuild.key_name")
    return {"key_name": key.name, "key_data": key.public_key}


def _with_image(kept: SystemMetadata, image: ImageData, flavor: Flavor) -> SystemMetadata:
    """What is kept of the old image gives way to what is kept of the new one."""
    left = {key: value for key, value in kept.items() if not key.startswith(IMAGE_PREFIX)}
    texts = {"base_image_ref": str(image.id), **image_texts(image, flavor)}
    return left | {f"{IMAGE_PREFIX}{key}": value for key, value in texts.items()}
