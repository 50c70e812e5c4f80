"""What the image API changes. Of the data of an image only size and checksum are kept."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from compute_site.caller import Caller
from compute_site.faults import BadRequest, Conflict, Forbidden
from compute_site.identity.models import Project
from compute_site.neighbours.image.api.shapes import CHANGEABLE, OWN_KEYS
from compute_site.neighbours.image.models import Image
from compute_site.neighbours.keys import read_keys

COLUMNS = (
    *("name", "visibility", "min_ram", "min_disk", "disk_format", "container_format", "tags"),
)
PROPERTIES = "properties"


class NotYourImage(Forbidden):
    """The image belongs to another project, or the caller may not show it to everyone."""

    code = "not_your_image"


class ImageIsThere(Conflict):
    """The image has its data, or its id, already."""

    code = "image_is_there"


@transaction.atomic
def create_image(caller: Caller, values: Mapping[str, Any]) -> Image:
    _check_keys(caller, values, {*values, *values[PROPERTIES]})
    owner = values["owner"]
    if owner is not None and not Project.objects.filter(pk=owner).exists():
        raise BadRequest(f"There is no project {owner}.", field="owner")
    image_id = values["id"] or uuid.uuid4()
    if Image.objects.filter(pk=image_id).exists():
        raise ImageIsThere(f"There is an image {image_id} already.")
    return Image.objects.create(
        id=image_id,
        owner_id=owner or caller.project_id,
        status="queued",
        properties=_check_properties(values[PROPERTIES]),
        **{key: values[key] for key in COLUMNS},
    )


@transaction.atomic
def change_image(caller: Caller, image: Image, operations: Sequence[Mapping[str, Any]]) -> Image:
    """Apply a JSON patch: add, replace and remove of one key each; the image as it is now."""
    _check_owner(caller, image)
    image = Image.objects.select_for_update().get(pk=image.pk)
    own = {key: getattr(image, key) for key in COLUMNS} | {"owner": image.owner_id}
    properties = dict(image.properties)
    for operation in operations:
        key, kind = _read_operation(operation)
        target = own if key in CHANGEABLE else properties
        if key in OWN_KEYS or key == "id":
            raise NotYourImage(f"Only the service sets {key}.")
        if kind == "remove":
            if target.pop(key, None) is None or target is own:
                raise Conflict(f"The image has no {key} that could be removed.")
        else:
            target[key] = operation.get("value")
    values, problems = read_keys({k: v for k, v in own.items() if v is not None}, CHANGEABLE)
    if problems:
        raise BadRequest("; ".join(problems))
    _check_keys(caller, values, {key for key in own if own[key] != getattr(image, key, None)})
    for key in COLUMNS:
        setattr(image, key, values[key])
    image.properties = _check_properties(properties)
    image.save()
    return image


def take_data(caller: Caller, image: Image, chunks: Iterable[bytes]) -> None:
    """Read the data to its end, keep its size and checksum; the image becomes active."""
    _check_owner(caller, image)
    if image.status != "queued":
        raise ImageIsThere(f"Image {image.pk} is {image.status}; it takes data only when queued.")
    if image.disk_format is None or image.container_format is None:
        raise BadRequest("The image needs a disk_format and a container_format first.")
    digest, size = hashlib.md5(usedforsecurity=False), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    queued = Image.objects.filter(pk=image.pk, status="queued")
    filled = {"size": size, "checksum": digest.hexdigest(), "status": "active"}
    if not queued.update(**filled, updated_at=timezone.now()):
        raise ImageIsThere(f"Image {image.pk} got data from elsewhere meanwhile, or was deleted.")


def set_status(caller: Caller, image: Image, status: str) -> None:
    """``active`` or ``deactivated``; for admins."""
    if not caller.is_admin:
        raise NotYourImage("Only an admin deactivates images.")
    image.status = status
    image.save(update_fields=["status", "updated_at"])


def delete_image(caller: Caller, image: Image) -> None:
    _check_owner(caller, image)
    image.delete()


def _check_owner(caller: Caller, image: Image) -> None:
    if "member" not in caller.roles:
        raise Forbidden("Changes need the role member.")
    if image.owner_id != caller.project_id and not caller.is_admin:
        raise NotYourImage(f"Image {image.pk} belongs to another project.")


def _check_keys(caller: Caller, values: Mapping[str, Any], given: Collection[str]) -> None:
    if "member" not in caller.roles:
        raise Forbidden("Changes need the role member.")
    barred = sorted(OWN_KEYS.intersection(given))
    if barred:
        raise NotYourImage(f"Only the service sets {', '.join(barred)}.")
    if caller.is_admin:
        return
    if "visibility" in given and values["visibility"] == "public":
        raise NotYourImage("Only an admin shows images to everyone.")
    if values["owner"] not in (None, caller.project_id):
        raise NotYourImage("Only an admin makes images for other projects.")


def _check_properties(properties: Mapping[str, Any]) -> dict[str, str]:
    for key, value in properties.items():
        if not isinstance(value, str):
            raise BadRequest(f"The property {key} is a text, not {value!r}.", field=key)
    return dict(properties)


def _read_operation(operation: Mapping[str, Any]) -> tuple[str, str]:
    """The key and the kind of one operation of the patch."""
    if not isinstance(operation, Mapping):
        raise BadRequest("Each operation of a patch is an object.")
    kind, path = operation.get("op"), operation.get("path")
    if kind not in ("add", "replace", "remove") or not isinstance(path, str):
        raise BadRequest("An operation has an op (add, replace or remove) and a path.")
    if not path.startswith("/") or "/" in path[1:] or len(path) < 2:
        raise BadRequest(f"The path {path} names no key of an image, such as /name.")
    return path[1:].replace("~1", "/").replace("~0", "~"), str(kind)
