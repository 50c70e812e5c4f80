"""The bodies of requests about definitions of metadata."""

from __future__ import annotations

from compute_site.neighbours.image import metadef_shapes as shapes
from compute_site.neighbours.serializers import BodySerializer


class NamespaceCreate(BodySerializer):
    shape = shapes.NEW_NAMESPACE


class NamespaceUpdate(BodySerializer):
    """What is in the namespace may stand there as it is: clients send what they were shown."""

    shape = shapes.NEW_NAMESPACE


class Property(BodySerializer):
    shape = shapes.PROPERTY


class Object(BodySerializer):
    shape = shapes.OBJECT


class Tag(BodySerializer):
    shape = shapes.TAG


class Tags(BodySerializer):
    shape = shapes.TAGS


class Association(BodySerializer):
    shape = shapes.ASSOCIATION
