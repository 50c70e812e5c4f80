"""``/images``: query strings and answers, as clients knew them before the image service."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from compute_site.api.microversions.answers import (
    INTEGER,
    INTEGER_OR_NULL,
    LINKS,
    OBJECT,
    TEXT,
    TIME_OR_NULL,
    UUID,
    AnswerSerializer,
    Frame,
    Shown,
)
from compute_site.api.microversions.fields import ABSENT, NonNegative
from compute_site.api.microversions.queries import Time
from compute_site.api.microversions.serializers import QuerySerializer
from compute_site.api.microversions.texts import Text
from compute_site.api.microversions.times import whole_time
from compute_site.api.microversions.version import Microversion
from compute_site.db.paging import Paging
from compute_site.neighbours.image.protocol import ImageData, ImageSearch
from compute_site.values.words import LOOSE_TRUE

STATUS_WORDS = {
    "active": "ACTIVE",
    "queued": "SAVING",
    "saving": "SAVING",
    "deleted": "DELETED",
    "pending_delete": "DELETED",
    "killed": "ERROR",
}
PROGRESS = {"queued": 25, "saving": 50, "active": 100}
SERVER = "instance_uuid"
LISTS = ("block_device_mapping", "mappings")


class ImageListQuery(QuerySerializer):
    """Which images, and which page of them."""

    unknown = {"2.1": "drop"}
    name = Text(repeat="last")
    status = Text(repeat="last")
    server = Text(repeat="last")
    kind = Text(repeat="last", key="type")
    min_ram = NonNegative(repeat="last", key="minRam")
    min_disk = NonNegative(repeat="last", key="minDisk")
    changes_since = Time(repeat="last", key="changes-since")
    limit = NonNegative(repeat="last")
    marker = Text(repeat="last")

    def build(self, values: dict[str, Any], version: Microversion) -> ImageSearch:
        properties = {}
        if "server" in values:  # Nova: the address of the server will do
            properties[SERVER] = values["server"].rpartition("/")[2]
        if "kind" in values:
            properties["image_type"] = values["kind"]
        return ImageSearch(
            name=values.get("name"),
            status=values["status"].lower() if "status" in values else None,
            min_ram=values.get("min_ram"),
            min_disk=values.get("min_disk"),
            changed_since=values.get("changes_since"),
            properties=properties,
            paging=Paging.of(values),
        )


def _links(image: ImageData, frame: Frame) -> list[dict[str, str]]:
    """Nova: the third link leads to the image service, without its version."""
    links = frame.links.both("images", str(image.id))
    alternate = f"{frame.extra['image_root']}/images/{image.id}"
    kind = "application/vnd.openstack.image"
    return [*links, {"rel": "alternate", "type": kind, "href": alternate}]


def _server(image: ImageData, frame: Frame) -> Any:
    server_id = image.properties.get(SERVER)
    if server_id is None:
        return ABSENT
    return {"id": server_id, "links": frame.links.both("servers", server_id)}


def _metadata(image: ImageData) -> dict[str, Any]:
    """The properties. Nova: lists of disks are lists, though the image service has texts."""
    properties = dict(image.properties)
    for key in LISTS:
        with contextlib.suppress(KeyError, TypeError, ValueError):
            properties[key] = json.loads(properties[key])
    return properties


def _disk_config(image: ImageData, _frame: Frame) -> Any:
    word = image.properties.get("auto_disk_config")
    if word is None:
        return ABSENT
    return "AUTO" if str(word).lower() in LOOSE_TRUE else "MANUAL"


class ImageSummary(AnswerSerializer):
    """An image in a list without details."""

    id = Shown(UUID)
    name = Shown(TEXT)
    links = Shown(LINKS, _links)


class ImageAnswer(ImageSummary):
    """An image with all that compute tells of it."""

    min_ram = Shown(INTEGER, key="minRam")
    min_disk = Shown(INTEGER, key="minDisk")
    metadata = Shown(OBJECT, lambda image, _: _metadata(image))
    created = Shown(TIME_OR_NULL, lambda image, _: whole_time(image.created_at))
    updated = Shown(TIME_OR_NULL, lambda image, _: whole_time(image.updated_at))
    status = Shown(TEXT, lambda image, _: STATUS_WORDS.get(image.status, "UNKNOWN"))
    progress = Shown(INTEGER, lambda image, _: PROGRESS.get(image.status, 0))
    size = Shown(INTEGER_OR_NULL, key="OS-EXT-IMG-SIZE:size")
    server = Shown(OBJECT, _server, optional=True)
    disk_config = Shown(TEXT, _disk_config, key="OS-DCF:diskConfig", optional=True)
