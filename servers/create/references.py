"""The things that a request names: flavor, key pair, security groups, kernel and RAM disk,
server group, certificates.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from compute_site.caller import Caller
from compute_site.db.compiled import CompiledQuery
from compute_site.neighbours import image_service, network_service
from compute_site.neighbours.ids import is_canonical
from compute_site.neighbours.image.protocol import ImageData
from flavors.models import Flavor
from servers.create.errors import (
    FlavorNotFound,
    ImageNotFound,
    KeyPairNotFound,
    SecurityGroupAmbiguous,
    SecurityGroupNotFound,
    ServerGroupNotFound,
)
from servers.create.order import ServerOrder
from servers.models import KeyPair, ServerGroup

DEFAULT_GROUP = "default"
NO_KERNEL = "nokernel"
FLAVOR_COLUMNS = [field.attname for field in Flavor._meta.concrete_fields]  # noqa: SLF001 - documented
FIND_FLAVOR = CompiledQuery(
    lambda caller, flavorid: (
        Flavor.objects.visible_to(caller)
        .filter(flavorid=flavorid)
        .order_by()
        .values_list(*FLAVOR_COLUMNS)
    )
)


@dataclasses.dataclass(frozen=True, slots=True)
class Kernel:
    """Ids of images; empty where the machine brings its own."""

    kernel_id: str = ""
    ramdisk_id: str = ""


def find_flavor(caller: Caller, order: ServerOrder) -> Flavor:
    """The flavor by its public id, among those that the project may use
    (docs/contract/create-flow.md A16).
    """
    rows = FIND_FLAVOR.rows(caller, order.flavor_ref)
    if not rows:
        raise FlavorNotFound(
            f"There is no flavor {order.flavor_ref} for this project.", field="server.flavorRef"
        )
    return Flavor.from_db("default", FLAVOR_COLUMNS, rows[0])


def check_flavor_enabled(flavor: Flavor) -> None:
    """Refuse a disabled flavor as if it did not exist (docs/contract/create-flow.md C1)."""
    if flavor.disabled:
        raise FlavorNotFound(f"The flavor {flavor.flavorid} is disabled.", field="server.flavorRef")


def find_security_groups(caller: Caller, order: ServerOrder) -> tuple[str, ...]:
    """The ids of the asked groups (docs/contract/create-flow.md C3); ``default`` stays a name and
    is not looked up.
    """
    asked = order.security_groups or (DEFAULT_GROUP,)
    wanted = [name for name in asked if name != DEFAULT_GROUP]
    if not wanted:
        return asked
    found = network_service().find_security_groups(caller, wanted)
    ids = {group.id for group in found}
    by_name: dict[str, list[str]] = {}
    for group in found:
        by_name.setdefault(group.name, []).append(group.id)
    return tuple(
        name if name == DEFAULT_GROUP or name in ids else _one_group(name, by_name.get(name, []))
        for name in asked
    )


def find_kernel(
    caller: Caller, image: ImageData | None, *, field: str = "server.imageRef"
) -> Kernel:
    """The kernel and RAM disk that the image names, as images that exist
    (docs/contract/create-flow.md C5).
    """
    properties: Mapping[str, Any] = image.properties if image else {}
    kernel, ramdisk = properties.get("kernel_id"), properties.get("ramdisk_id")
    if kernel == NO_KERNEL:
        return Kernel()
    wanted = [str(text) for text in (kernel, ramdisk) if text is not None]
    if not wanted:
        return Kernel()
    found = image_service().find_images(caller, wanted)
    for text in wanted:
        if text not in found:
            raise ImageNotFound(
                f"The image needs {text} as its kernel or RAM disk, and there is no such image.",
                field=field,
            )
    return Kernel(str(kernel or ""), str(ramdisk or ""))


def find_key_pair(caller: Caller, order: ServerOrder) -> KeyPair | None:
    """The key pair of the *user* by its name (docs/contract/create-flow.md C7)."""
    if order.key_name is None:
        return None
    key = KeyPair.objects.filter(user=caller.user_id, name=order.key_name).first()
    if key is None:
        raise KeyPairNotFound(f"You have no key pair {order.key_name}.", field="server.key_name")
    return key


def find_server_group(caller: Caller, order: ServerOrder) -> ServerGroup | None:
    """The server group that the hint names by its UUID, in the project
    (docs/contract/create-flow.md F1).
    """
    asked = order.hints.get("group")
    if not asked:
        return None
    group = None
    if is_canonical(asked):
        group = ServerGroup.objects.visible_to(caller).filter(uuid=asked).first()
    if group is None:
        raise ServerGroupNotFound(
            f"There is no server group {asked} in this project.",
            field="os:scheduler_hints.group",
        )
    return group


def choose_certificates(asked: Sequence[str] | None) -> list[str] | None:
    """The asked certificates, or those of the site where it checks images
    (docs/contract/create-flow.md G6).
    """
    return list(asked or site_certificates()) or None


def site_certificates() -> tuple[str, ...]:
    """The certificates that every image is checked with, if the site does so at all."""
    options = settings.OPTIONS
    if options.verify_glance_signatures and options.enable_certificate_validation:
        return tuple(options.default_trusted_certificate_ids)
    return ()


def _one_group(name: str, ids: list[str]) -> str:
    if not ids:
        raise SecurityGroupNotFound(
            f"There is no security group {name} in this project.", field="server.security_groups"
        )
    if len(ids) > 1:
        raise SecurityGroupAmbiguous(
            f"Several security groups are named {name}; give the id of one: {', '.join(ids)}.",
            field="server.security_groups",
        )
    return ids[0]
