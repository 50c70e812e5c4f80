"""The bodies of requests to the image API."""

from __future__ import annotations

from compute_site.neighbours.image import shapes
from compute_site.neighbours.image.local.changes import PROPERTIES
from compute_site.neighbours.serializers import BodySerializer


class ImageCreate(BodySerializer):
    """What is no key of the service is a property of the image."""

    shape = shapes.NEW_IMAGE
    rest = PROPERTIES


class ImportBody(BodySerializer):
    shape = shapes.IMPORT


class TaskCreate(BodySerializer):
    shape = shapes.TASK


class MemberCreate(BodySerializer):
    shape = shapes.NEW_MEMBER


class MemberUpdate(BodySerializer):
    shape = shapes.CHANGED_MEMBER
