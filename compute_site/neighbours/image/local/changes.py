"""The changes of the image API, but for the data of images (``neighbours.image.data``)."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from compute_site.caller import Caller
from compute_site.faults import BadRequest, Conflict, Forbidden
from compute_site.identity.models import Project
from compute_site.keys import read_keys, shown
from compute_site.neighbours.image import policies
from compute_site.neighbours.image.api.shapes import CHANGEABLE, OWN_KEYS
from compute_site.neighbours.image.data import store
from compute_site.neighbours.image.local.limits import QUOTAS
from compute_site.neighbours.image.local.properties import check_properties, check_tags
from compute_site.neighbours.image.models import Image
from compute_site.neighbours.ownership import permit_on

COLUMNS = (
    *("name", "visibility", "min_ram", "min_disk", "disk_format", "container_format", "tags"),
)
PROPERTIES = "properties"
STATUS_RULES = {"active": policies.REACTIVATE, "deactivated": policies.DEACTIVATE}
VISIBILITY_RULES = {"public": policies.PUBLICIZE, "community": policies.COMMUNITIZE}
"""What it takes to show an image to other projects."""


class KeyOfService(Forbidden):
    """The request sets a key that only the image service may set."""

    code = "key_of_service"


class ImageIsThere(Conflict):
    """The image has data already, or another image has the id."""

    code = "image_is_there"


@transaction.atomic
def create_image(caller: Caller, values: Mapping[str, Any]) -> Image:
    check_tags(values["tags"])
    owner = values["owner"] or caller.project_id
    permit_on(caller, policies.ADD, owner)
    _check_keys(values[PROPERTIES])
    _check_visibility(caller, values["visibility"], owner)
    image_id = values["id"] or uuid.uuid4()
    if Image.objects.filter(pk=image_id).exists():
        raise ImageIsThere(f"There is an image {image_id} already.")
    if owner != caller.project_id:
        _find_owner(owner)
    QUOTAS.check(owner, image_count_total=1)
    return Image.objects.create(
        id=image_id,
        owner_id=owner,
        status="queued",
        properties=check_properties(values[PROPERTIES]),
        **{key: values[key] for key in COLUMNS},
    )


@transaction.atomic
def change_image(caller: Caller, image: Image, operations: Sequence[Mapping[str, Any]]) -> Image:
    """Apply a JSON patch (add, replace and remove of one key each); return the changed image."""
    permit_on(caller, policies.MODIFY, image.owner_id)
    image = Image.objects.select_for_update().get(pk=image.pk)
    own = {key: getattr(image, key) for key in COLUMNS} | {"owner": image.owner_id}
    properties = dict(image.properties)
    for operation in operations:
        key, kind = _read_operation(operation)
        target = own if key in CHANGEABLE else properties
        _check_keys([key], also=("id",))
        if kind == "remove":
            if target.pop(key, None) is None or target is own:
                raise Conflict(f"The image has no {key} that could be removed.")
        else:
            target[key] = operation.get("value")
    values, problems = read_keys({k: v for k, v in own.items() if v is not None}, CHANGEABLE)
    if problems:
        raise BadRequest("; ".join(problems))
    check_tags(values["tags"])
    if values["visibility"] != image.visibility:
        _check_visibility(caller, values["visibility"], image.owner_id)
    if values["owner"] != image.owner_id:
        permit_on(caller, policies.MODIFY, values["owner"])
        image.owner_id = _find_owner(values["owner"])
        if image.owner_id is not None:
            QUOTAS.check(image.owner_id, image_count_total=1)
    for key in COLUMNS:
        setattr(image, key, values[key])
    image.properties = check_properties(properties)
    image.save()
    return image


def set_status(caller: Caller, image: Image, status: str) -> None:
    """Change the status between ``active`` and ``deactivated``.

    Raises:
        BadRequest: the image has neither of them.
    """
    permit_on(caller, STATUS_RULES[status], image.owner_id)
    changed = Image.objects.filter(pk=image.pk, status__in=STATUS_RULES)
    if not changed.update(status=status, updated_at=timezone.now()):
        raise BadRequest(f"Image {image.pk} is {image.status}; it cannot become {status}.")


def set_properties(caller: Caller, image: Image, properties: Mapping[str, Any]) -> None:
    """Give the image exactly these properties."""
    permit_on(caller, policies.MODIFY, image.owner_id)
    kept = check_properties(properties)
    Image.objects.filter(pk=image.pk).update(properties=kept, updated_at=timezone.now())


def delete_images(caller: Caller, images: Collection[Image]) -> None:
    """Delete the images; their data go after the commit."""
    for image in images:
        permit_on(caller, policies.DELETE, image.owner_id)
    ids = [image.pk for image in images]
    Image.objects.filter(pk__in=ids).delete()
    transaction.on_commit(functools.partial(store.remove, list(map(str, ids))))


def _find_owner(project_id: str | None) -> str | None:
    if project_id is not None and not Project.objects.filter(pk=project_id).exists():
        raise BadRequest(f"There is no project {project_id}.", field="owner")
    return project_id


def _check_keys(given: Collection[str], also: Collection[str] = ()) -> None:
    barred = sorted(OWN_KEYS.union(also).intersection(given))
    if barred:
        raise KeyOfService(f"Only the service sets {', '.join(barred)}.")


def _check_visibility(caller: Caller, visibility: str, owner: str | None) -> None:
    rule = VISIBILITY_RULES.get(visibility)
    if rule is not None:
        permit_on(caller, rule, owner)


def _read_operation(operation: Mapping[str, Any]) -> tuple[str, str]:
    """The key and the operation (``op``) of one entry of the patch."""
    if not isinstance(operation, Mapping):
        raise BadRequest("Each operation of a patch is an object.")
    kind, path = operation.get("op"), operation.get("path")
    if kind not in ("add", "replace", "remove") or not isinstance(path, str):
        raise BadRequest("An operation has an op (add, replace or remove) and a path.")
    if not path.startswith("/") or "/" in path[1:] or len(path) < 2:
        raise BadRequest(f"The path {shown(path)} names no key of an image, such as /name.")
    return path[1:].replace("~1", "/").replace("~0", "~"), str(kind)
