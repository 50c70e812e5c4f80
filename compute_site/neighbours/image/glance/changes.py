"""Makes, changes and deletes images of a Glance elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from compute_site.caller import Caller
from compute_site.faults import BadRequest, Forbidden, NotFound
from compute_site.neighbours.calls import outside_transactions
from compute_site.neighbours.elsewhere.faults import NotThere, TooLargeThere
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.image.glance.data import send_data
from compute_site.neighbours.image.glance.images import (
    GLANCE,
    OWN_KEYS,
    Shown,
    find_shown,
    properties_of,
)
from compute_site.neighbours.image.protocol import (
    Change,
    ImageData,
    ImageQuotaReached,
    Properties,
)

PATCH_TYPE = "application/openstack-images-v2.1-json-patch"


class ReservedProperty(BadRequest):
    """A property that is called as a key of the image service itself."""

    code = "reserved_property"


class ImageProtected(Forbidden):
    """A protected image, or one of another project, is not deleted."""

    code = "image_protected"


@outside_transactions
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
    _check_keys(properties)
    model = like or ImageData(id=None)
    body: dict[str, Any] = {
        "name": name,
        "visibility": visibility,
        "protected": protected,
        "min_ram": model.min_ram,
        "min_disk": model.min_disk,
        "disk_format": model.disk_format or "raw",
        "container_format": model.container_format or "bare",
        **{key: str(value) for key, value in properties.items() if value is not None},
    }
    if image_id is not None:
        body["id"] = image_id
    if not caller.token:
        body["owner"] = caller.project_id
    try:
        answer = GLANCE.call("POST", "/images", caller=caller, json=body)
    except TooLargeThere as error:
        raise ImageQuotaReached(error.detail) from error
    made = GLANCE.read(answer, lambda image: str(image["id"]))
    if not awaits_data:
        send_data(made, ())
    return made


@outside_transactions
def fill_image(image_id: str, pieces: Iterable[bytes], disk_format: str, sha512: str) -> None:
    shown = _find(image_id)
    if shown is None or shown.get("status") not in ("queued", "active"):
        raise NotFound(f"No image {image_id[:60]} awaits data.")
    if shown.get("status") == "active":
        if shown.get("os_hash_value") == sha512:
            return  # an attempt before has come to its end
        raise NotFound(f"The image {image_id[:60]} has other data already.")
    if shown.get("disk_format") != disk_format:
        _patch(None, image_id, [_op("replace", "disk_format", disk_format)])
    send_data(image_id, pieces, sha512)


@outside_transactions
def complete_image(image_id: str, properties: Mapping[str, Any]) -> None:
    shown = _find(image_id)
    if shown is None or shown.get("status") != "queued":
        return
    kept = properties_of(shown)
    operations = [_setting(kept, key, value) for key, value in properties.items()]
    if operations:
        _patch(None, image_id, operations)
    send_data(image_id, ())


@outside_transactions
def change_properties(caller: Caller, image_id: str, change: Change) -> Properties:
    shown = find_shown(caller, image_id)
    kept = {} if shown is None else properties_of(shown)
    changed = change(kept)
    if shown is None:
        return changed
    _check_keys(dict.fromkeys(changed.keys() - kept.keys()))
    operations = [
        *(_op("remove", key) for key in kept if key not in changed),
        *(_setting(kept, key, value) for key, value in changed.items() if kept.get(key) != value),
    ]
    if operations:
        _patch(caller, image_id, operations)
    return changed


@outside_transactions
def delete_images(caller: Caller, ids: Collection[str]) -> None:
    for image_id in canonical_ids(ids):
        _delete(caller, str(image_id))


@outside_transactions
def check_deletable(caller: Caller, ids: Collection[str]) -> None:
    for image_id in canonical_ids(ids):
        shown = find_shown(caller, str(image_id))
        if shown is None:
            continue
        own = shown.get("owner") == caller.project_id or caller.is_admin
        if shown.get("protected") or not own:
            raise ImageProtected(f"The image {image_id} is protected, or another project's.")


@outside_transactions
def forget_images(project_id: str, ids: Collection[str]) -> None:
    for image_id in canonical_ids(ids):
        shown = find_shown(None, str(image_id))
        if shown is None or shown.get("owner") != project_id:
            continue
        if shown.get("protected"):
            _patch(None, str(image_id), [_op("replace", "protected", False)])
        _delete(None, str(image_id))


def _find(image_id: str) -> Shown | None:
    known = canonical_ids([image_id])
    return find_shown(None, str(known[0])) if known else None


def _delete(caller: Caller | None, image_id: str) -> None:
    try:
        GLANCE.call("DELETE", f"/images/{image_id}", caller=caller)
    except NotThere:
        return


def _patch(caller: Caller | None, image_id: str, operations: list[dict[str, Any]]) -> None:
    try:
        GLANCE.call(
            "PATCH",
            f"/images/{image_id}",
            caller=caller,
            json=operations,
            headers={"Content-Type": PATCH_TYPE},
        )
    except TooLargeThere as error:
        raise ImageQuotaReached(error.detail) from error


def _setting(kept: Properties, key: str, value: Any) -> dict[str, Any]:
    return _op("replace" if key in kept else "add", key, str(value))


def _op(kind: str, key: str, value: Any = None) -> dict[str, Any]:
    path = "/" + key.replace("~", "~0").replace("/", "~1")
    return {"op": kind, "path": path} | ({} if value is None else {"value": value})


def _check_keys(properties: Mapping[str, Any]) -> None:
    for key in properties:
        if key in OWN_KEYS:
            raise ReservedProperty(f"{key} is no property of images, but a key of its own.")
