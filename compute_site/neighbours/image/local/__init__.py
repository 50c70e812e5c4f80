"""The image service that stores images in this database."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, BinaryIO

from django.db import transaction

from compute_site.caller import Caller
from compute_site.db.compiled import MOST_VALUES, CompiledQuery
from compute_site.db.paging import cut_page
from compute_site.db.statements import Statement
from compute_site.faults import NotFound
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.image import policies
from compute_site.neighbours.image.data import store
from compute_site.neighbours.image.local import changes, uploads
from compute_site.neighbours.image.local.limits import QUOTAS
from compute_site.neighbours.image.local.properties import check_properties
from compute_site.neighbours.image.models import Image
from compute_site.neighbours.image.protocol import (
    Change,
    ImageData,
    ImageRecord,
    ImageSearch,
    ImageSource,
    NoSuchMarker,
    Properties,
)
from compute_site.values.words import is_canonical

COLUMNS = [field.attname for field in Image._meta.concrete_fields]  # noqa: SLF001 - documented
FIND = CompiledQuery(
    lambda caller, *ids: Image.objects.visible_to(caller).filter(pk__in=ids).values_list(*COLUMNS)
)


def find_images(caller: Caller, ids: Collection[str]) -> dict[str, ImageData]:
    wanted = canonical_ids(ids)
    if not wanted:
        return {}
    caller.permit(policies.SHOW)
    rows = FIND.rows(caller, *wanted)
    found = (Image.from_db("default", COLUMNS, row) for row in rows)
    return {str(image.pk): describe(image) for image in found}


def lookups(caller: Caller, ids: Collection[str]) -> Sequence[Statement]:
    wanted = canonical_ids(ids)
    return [FIND.statement(caller, *wanted)] if 0 < len(wanted) <= MOST_VALUES else []


def find_source(image_id: str) -> ImageSource | None:
    with_data = Image.objects.filter(stored=True, status="active")
    image = with_data.filter(pk__in=canonical_ids([image_id])).first()
    if image is None:
        return None
    return ImageSource(
        id=str(image.pk),
        size=image.size or 0,
        sha512=image.os_hash_value or "",
        disk_format=image.disk_format or "",
        container_format=image.container_format or "",
        virtual_size=image.virtual_size,
        rescue_bus=str(image.properties.get("hw_rescue_bus") or ""),
        rescue_device=str(image.properties.get("hw_rescue_device") or ""),
    )


def find_file(image_id: str) -> BinaryIO | None:
    try:
        return store.open_data(image_id) if is_canonical(image_id) else None
    except FileNotFoundError:
        return None


def list_images(caller: Caller, search: ImageSearch) -> Sequence[ImageRecord]:
    visible = Image.objects.visible_to(caller)
    caller.permit(policies.LIST if search.image_id is None else policies.SHOW)
    if search.image_id is None:
        visible = visible.listed_for(caller).filter(os_hidden=False)
    else:
        visible = visible.filter(pk__in=canonical_ids([search.image_id]))
    asked = {
        "name": search.name,
        "status": search.status,
        "min_ram__gte": search.min_ram,
        "min_disk__gte": search.min_disk,
        "updated_at__gte": search.changed_since,
        "properties__contains": search.properties or None,
    }
    rows = visible.filter(**{key: value for key, value in asked.items() if value is not None})
    marker, after = search.paging.marker, None
    if marker is not None:
        after = visible.filter(pk=marker).first() if is_canonical(marker) else None
        if after is None:
            raise NoSuchMarker(f"There is no image {marker[:80]} to begin behind.")
    page = cut_page(rows, [("created_at", True), ("pk", True)], search.paging, after)
    return [record(image) for image in page]


@transaction.atomic
def create_image(
    caller: Caller,
    *,
    name: str,
    properties: Mapping[str, Any],
    like: ImageData | None = None,
    awaits_data: bool = False,
    visibility: str = "private",
    protected: bool = False,
    image_id: str | None = None,
) -> str:
    for rule in (policies.ADD, policies.UPLOAD):
        caller.permit(rule)
    changes.check_visibility(caller, visibility, caller.project_id)
    QUOTAS.check(caller.project_id, image_count_total=1)
    model = like or ImageData(id=None)
    image = Image.objects.create(
        name=name,
        status="queued" if awaits_data else "active",
        owner_id=caller.project_id,
        visibility=visibility,
        protected=protected,
        min_ram=model.min_ram,
        min_disk=model.min_disk,
        size=None if awaits_data else model.size,
        disk_format=model.disk_format,
        container_format=model.container_format,
        properties=check_properties(properties),
        **({} if image_id is None else {"pk": image_id}),
    )
    return str(image.pk)


def fill_image(image_id: str, pieces: Iterable[bytes], disk_format: str, sha512: str) -> None:
    with transaction.atomic(durable=True):
        waiting = Image.objects.filter(pk__in=canonical_ids([image_id]), stored=False).first()
    if waiting is None:
        raise NotFound(f"No image {image_id[:60]} awaits data.")
    uploads.fill(waiting, pieces, disk_format=disk_format, sha512=sha512)


@transaction.atomic(durable=True)
def complete_image(image_id: str, properties: Mapping[str, Any]) -> None:
    waiting = Image.objects.filter(pk__in=canonical_ids([image_id]), status="queued")
    for image in waiting.select_for_update(no_key=True):
        image.status, image.size = "active", 0
        image.properties = check_properties({**image.properties, **properties})
        image.save(update_fields=["status", "size", "properties"])


def find_images_with(caller: Caller, properties: Mapping[str, str]) -> Sequence[ImageData]:
    caller.permit(policies.LIST)
    own = Image.objects.filter(owner=caller.project_id, properties__contains=dict(properties))
    return [describe(image) for image in own.order_by("-created_at", "-pk")]


@transaction.atomic
def change_properties(caller: Caller, image_id: str, change: Change) -> Properties:
    visible = Image.objects.visible_to(caller).filter(pk__in=canonical_ids([image_id]))
    image = visible.select_for_update(of=("self",), no_key=True).first()
    changed = change({} if image is None else image.properties)
    if image is not None:
        changes.set_properties(caller, image, changed)
    return changed


def delete_images(caller: Caller, ids: Collection[str]) -> None:
    wanted = Image.objects.visible_to(caller).filter(pk__in=canonical_ids(ids))
    changes.delete_images(caller, list(wanted))


def check_deletable(caller: Caller, ids: Collection[str]) -> None:
    wanted = Image.objects.visible_to(caller).filter(pk__in=canonical_ids(ids))
    changes.check_deletable(caller, list(wanted))


@transaction.atomic(durable=True)
def forget_images(project_id: str, ids: Collection[str]) -> None:
    own = Image.objects.filter(owner=project_id, pk__in=canonical_ids(ids))
    gone = [str(pk) for pk in own.values_list("pk", flat=True)]
    own.delete()
    transaction.on_commit(functools.partial(store.remove, gone))


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


def record(image: Image) -> ImageRecord:
    described = describe(image)
    return ImageRecord(
        **{field.name: getattr(described, field.name) for field in dataclasses.fields(described)},
        created_at=image.created_at,
        updated_at=image.updated_at,
    )
