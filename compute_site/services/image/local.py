"""The image service on our own rows."""

from __future__ import annotations

from collections.abc import Collection

from compute_site.compiled import CompiledQuery
from compute_site.identity.caller import Caller
from compute_site.services.ids import canonical_ids
from compute_site.services.image.models import Image
from compute_site.services.image.protocol import ImageData

COLUMNS = [field.attname for field in Image._meta.concrete_fields]  # noqa: SLF001 - documented
FIND = CompiledQuery(
    lambda caller, *ids: Image.objects.visible_to(caller).filter(pk__in=ids).values_list(*COLUMNS)
)


def find_images(caller: Caller, ids: Collection[str]) -> dict[str, ImageData]:
    wanted = canonical_ids(ids)
    if not wanted:
        return {}
    rows = FIND.rows(caller, *wanted)
    found = (Image.from_db("default", COLUMNS, row) for row in rows)
    return {str(image.pk): describe(image) for image in found}


def describe(image: Image) -> ImageData:
    return ImageData(
        id=str(image.pk),
        name=image.name,
        status=image.status,
        visibility=image.visibility,
        owner=image.owner_id,
        min_ram=image.min_ram,
        min_disk=image.min_disk,
        size=image.size,
        disk_format=image.disk_format,
        container_format=image.container_format,
        checksum=image.checksum,
        tags=tuple(image.tags),
        properties=image.properties,
    )
