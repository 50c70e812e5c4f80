"""The changes of the image API, but for those of data (``uploads``)."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from compute_site.caller import Caller
from compute_site.faults import BadRequest, Conflict, Forbidden, NotFound
from compute_site.identity.ids import LONGEST_PROJECT_ID
from compute_site.neighbours.image import policies
from compute_site.neighbours.image.data import store
from compute_site.neighbours.image.local.limits import QUOTAS
from compute_site.neighbours.image.local.properties import check_properties, check_tags, read_tag
from compute_site.neighbours.image.local.steps import ADD, REMOVE, Step
from compute_site.neighbours.image.models import Image
from compute_site.neighbours.image.shapes import CHANGEABLE, OWN_KEYS
from compute_site.neighbours.ownership import permit_on
from compute_site.values.keys import read_keys

COLUMNS = (
    *("name", "visibility", "min_ram", "min_disk", "disk_format", "container_format"),
    *("protected", "os_hidden"),
)
FORMATS = ("disk_format", "container_format")
RESERVED = "os_glance"
"""The prefix of properties that only the service sets."""
PROPERTIES = "properties"
STATUS_RULES = {"active": policies.REACTIVATE, "deactivated": policies.DEACTIVATE}
VISIBILITY_RULES = {"public": policies.PUBLICIZE, "community": policies.COMMUNITIZE}
"""What it takes to show an image to other projects."""


class KeyOfService(Forbidden):
    """The request sets a key that only the image service may set."""

    code = "key_of_service"


class NotRemovable(Forbidden):
    """The key belongs to every image."""

    code = "not_removable"


class ImageProtected(Forbidden):
    """The image is protected against its deletion."""

    code = "image_protected"


class FormatFixed(Forbidden):
    """The image has data, or is about to have them, in the formats that it names."""

    code = "format_fixed"


class WrongImageStatus(Forbidden):
    """The image has no data yet that could be locked. Glance: 403."""

    code = "wrong_image_status"


class NoSuchProperty(Conflict):
    """The patch changes a property that the image does not have."""

    code = "no_such_property"


class ImageIsThere(Conflict):
    """The image has data already, or another image has the id."""

    code = "image_is_there"


@transaction.atomic
def create_image(caller: Caller, values: Mapping[str, Any]) -> Image:
    tags = check_tags(values["tags"])
    owner = values["owner"] or caller.project_id
    permit_on(caller, policies.ADD, owner)
    _check_keys(values[PROPERTIES])
    check_visibility(caller, values["visibility"], owner)
    image_id = values["id"] or uuid.uuid4()
    if Image.objects.filter(pk=image_id).exists():
        raise ImageIsThere(f"There is an image {image_id} already.")
    _check_owner(owner)
    QUOTAS.check(owner, image_count_total=1)
    return Image.objects.create(
        id=image_id,
        owner_id=owner,
        status="queued",
        properties=check_properties(values[PROPERTIES]),
        tags=tags,
        **{key: values[key] for key in COLUMNS},
    )


@transaction.atomic
def change_image(caller: Caller, image: Image, steps: Sequence[Step]) -> Image:
    """Apply the steps of a patch, all or none; return the changed image.

    Raises:
        KeyOfService, NotRemovable: 403.
        FormatFixed: 403.
        NoSuchProperty: 409.
        BadRequest: a value is wrong.
    """
    permit_on(caller, policies.MODIFY, image.owner_id)
    image = Image.objects.select_for_update().get(pk=image.pk)
    own = {key: getattr(image, key) for key in (*COLUMNS, "tags")} | {"owner": image.owner_id}
    properties = dict(image.properties)
    for step in steps:
        _check_keys([step.key], also=("id",))
        if step.key in FORMATS and image.status != "queued":
            raise FormatFixed(f"Only a queued image gets another {step.key}.")
        if step.key in CHANGEABLE:
            _change_own(own, step)
        else:
            _change_property(properties, step)
    values, problems = read_keys(own, CHANGEABLE)
    if problems:
        raise BadRequest("; ".join(problems))
    if values["visibility"] != image.visibility:
        check_visibility(caller, values["visibility"], image.owner_id)
    if values["owner"] != image.owner_id:
        permit_on(caller, policies.MODIFY, values["owner"])
        _check_owner(values["owner"])
        image.owner_id = values["owner"]
        if image.owner_id is not None:
            QUOTAS.check(image.owner_id, image_count_total=1)
    for key in COLUMNS:
        setattr(image, key, values[key])
    image.tags = check_tags(values["tags"])
    image.properties = check_properties(properties)
    image.save()
    return image


def _change_own(own: dict[str, Any], step: Step) -> None:
    if step.kind == REMOVE:
        raise NotRemovable(f"An image always has the key {step.key}.")
    own[step.key] = step.value


def _change_property(properties: dict[str, Any], step: Step) -> None:
    if step.kind != ADD and step.key not in properties:
        raise NoSuchProperty(f"The image has no property {step.key[:255]}.")
    if step.kind == REMOVE:
        del properties[step.key]
    else:
        properties[step.key] = step.value


@transaction.atomic
def add_tag(caller: Caller, image: Image, tag: str) -> None:
    """Raises: TooMuchOnImage: it has as many as it may have."""
    permit_on(caller, policies.MODIFY, image.owner_id)
    image = Image.objects.select_for_update().get(pk=image.pk)
    image.tags = check_tags([*image.tags, read_tag(tag)])
    image.save(update_fields=["tags", "updated_at"])


@transaction.atomic
def remove_tag(caller: Caller, image: Image, tag: str) -> None:
    """Raises: NotFound: the image does not have the tag."""
    permit_on(caller, policies.MODIFY, image.owner_id)
    image = Image.objects.select_for_update().get(pk=image.pk)
    if tag not in image.tags:
        raise NotFound(f"The image has no tag {tag[:255]}.")
    image.tags.remove(tag)
    image.save(update_fields=["tags", "updated_at"])


def set_status(caller: Caller, image: Image, status: str) -> None:
    """Change the status between ``active`` and ``deactivated``.

    Raises:
        WrongImageStatus: the image has neither of them.
    """
    permit_on(caller, STATUS_RULES[status], image.owner_id)
    changed = Image.objects.filter(pk=image.pk, status__in=STATUS_RULES)
    if not changed.update(status=status, updated_at=timezone.now()):
        raise WrongImageStatus(f"Image {image.pk} is {image.status}; it cannot become {status}.")


def set_properties(caller: Caller, image: Image, properties: Mapping[str, Any]) -> None:
    """Give the image exactly these properties."""
    permit_on(caller, policies.MODIFY, image.owner_id)
    kept = check_properties(properties)
    Image.objects.filter(pk=image.pk).update(properties=kept, updated_at=timezone.now())


def delete_images(caller: Caller, images: Collection[Image]) -> None:
    """Delete the images; their data go after the commit."""
    check_deletable(caller, images)
    ids = [image.pk for image in images]
    Image.objects.filter(pk__in=ids).delete()
    transaction.on_commit(functools.partial(store.remove, list(map(str, ids))))


def check_deletable(caller: Caller, images: Collection[Image]) -> None:
    """Raises: PolicyRefused, ImageProtected."""
    for image in images:
        permit_on(caller, policies.DELETE, image.owner_id)
        if image.protected:
            raise ImageProtected(f"Image {image.pk} is protected; change that first.")


def _check_owner(owner: str | None) -> None:
    """Raises: BadRequest: no project could have the id."""
    if owner is not None and len(owner) > LONGEST_PROJECT_ID:
        raise BadRequest(
            f"The owner is the id of a project, of at most {LONGEST_PROJECT_ID} characters.",
            field="owner",
        )


def _check_keys(given: Collection[str], also: Collection[str] = ()) -> None:
    barred = sorted(OWN_KEYS.union(also).intersection(given))
    barred += sorted(key for key in given if key.startswith(RESERVED))
    if barred:
        raise KeyOfService(f"Only the service sets {', '.join(barred)}.")


def check_visibility(caller: Caller, visibility: str, owner: str | None) -> None:
    rule = VISIBILITY_RULES.get(visibility)
    if rule is not None:
        permit_on(caller, rule, owner)
