"""Looks up what a request names: flavor, key pair, security groups, kernel and RAM disk, server
group, certificates.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from compute_site.caller import Caller
from compute_site.db.compiled import CompiledQuery
from compute_site.db.statements import Statement
from compute_site.neighbours import image_service
from compute_site.neighbours.image.protocol import ImageData
from flavors.models import Flavor
from servers.machine.errors import FlavorNotFound, ImageNotFound, KeyPairNotFound
from servers.models import KeyPair

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
    """The image ids of kernel and RAM disk; empty where the image has none."""

    kernel_id: str = ""
    ramdisk_id: str = ""


def find_flavor(caller: Caller, flavor_ref: str, *, field: str) -> Flavor:
    """The flavor by its public id, among those that the project may use
    (docs/contract/create-flow.md A16).
    """
    rows = FIND_FLAVOR.rows(caller, flavor_ref)
    if not rows:
        raise FlavorNotFound(f"There is no flavor {flavor_ref} for this project.", field=field)
    return Flavor.from_db("default", FLAVOR_COLUMNS, rows[0])


def flavor_lookup(caller: Caller, flavor_ref: str) -> Statement:
    """The statement of ``find_flavor``, to be read ahead."""
    return FIND_FLAVOR.statement(caller, flavor_ref)


def check_flavor_enabled(flavor: Flavor, *, field: str) -> None:
    """Refuse a disabled flavor as if it did not exist (docs/contract/create-flow.md C1)."""
    if flavor.disabled:
        raise FlavorNotFound(f"The flavor {flavor.flavorid} is disabled.", field=field)


def find_kernel(caller: Caller, image: ImageData | None, *, field: str) -> Kernel:
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


def find_key_pair(caller: Caller, name: str | None, *, field: str) -> KeyPair | None:
    """The key pair of the *user* by its name (docs/contract/create-flow.md C7)."""
    if name is None:
        return None
    key = KeyPair.objects.filter(user=caller.user_id, name=name).first()
    if key is None:
        raise KeyPairNotFound(f"You have no key pair {name}.", field=field)
    return key


def choose_certificates(asked: Sequence[str] | None) -> list[str] | None:
    """The asked certificates, or the site's default ones if it verifies images
    (docs/contract/create-flow.md G6).
    """
    return list(asked or site_certificates()) or None


def site_certificates() -> tuple[str, ...]:
    """The site's default certificates; empty if it does not verify images."""
    options = settings.OPTIONS
    if options.verify_glance_signatures and options.enable_certificate_validation:
        return tuple(options.default_trusted_certificate_ids)
    return ()
