"""Definitions of metadata and types of groups of volumes in a cloud file."""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.cloudfile.load import load_cloud
from compute_site.neighbours.image.models import (
    MetadefNamespace,
    MetadefObject,
    MetadefProperty,
    MetadefTag,
    ResourceTypeAssociation,
)
from compute_site.neighbours.volume.group_models import GroupType
from tests.world.cast import ALPHA
from tests.world.client import ApiClient
from tests.world.cloud_file_faults import check_refused

pytestmark = pytest.mark.django_db
NAMESPACES = "//image/v2/metadefs/namespaces"
FILE: dict[str, Any] = {
    "metadef_namespaces": [
        {
            "namespace": "Guests",
            "display_name": "What guests need",
            "description": "d" * 500,
            "visibility": "public",
            "protected": True,
            "owner": "alpha",
            "resource_type_associations": [{"name": "OS::Glance::Image", "prefix": "hw_"}],
            "objects": [
                {
                    "name": "Disk",
                    "required": ["bus"],
                    "properties": {"bus": {"title": "Bus", "type": "string", "enum": ["ide"]}},
                }
            ],
            "properties": {"cores": {"title": "Cores", "type": "integer", "minimum": 1}},
            "tags": [{"name": "small"}, {"name": "large"}],
        }
    ],
    "group_types": [
        {"name": "together", "description": "x", "group_specs": {"consistent": "<is> True"}},
        {"name": "hidden", "is_public": False},
    ],
}


def rows() -> dict[str, Any]:
    """All of it, with ids and times."""
    kinds: tuple[Any, ...] = (
        *(MetadefNamespace, MetadefObject, MetadefProperty, MetadefTag),
        *(ResourceTypeAssociation, GroupType),
    )
    return {kind.__name__: list(kind.objects.order_by("pk").values()) for kind in kinds}


def test_a_second_load_changes_nothing(as_admin: ApiClient) -> None:
    load_cloud(FILE)
    found = rows()
    shown = as_admin.get(f"{NAMESPACES}/Guests").expect(200).json
    (asked,) = FILE["metadef_namespaces"]
    assert shown["owner"] == ALPHA
    assert shown["properties"] == asked["properties"]
    assert [one["name"] for one in shown["objects"]] == ["Disk"]
    assert {one["name"] for one in shown["tags"]} == {"small", "large"}
    assert [(one["name"], one["prefix"]) for one in shown["resource_type_associations"]] == [
        ("OS::Glance::Image", "hw_")
    ]
    kinds = {one["name"]: one for one in found["GroupType"]}
    assert kinds["together"]["group_specs"] == {"consistent": "<is> True"}
    assert (kinds["together"]["is_public"], kinds["hidden"]["is_public"]) == (True, False)
    load_cloud(FILE)
    assert rows() == found


def test_what_the_api_shows_makes_the_same_namespace_again(as_admin: ApiClient) -> None:
    load_cloud(FILE)
    shown = as_admin.get(f"{NAMESPACES}/Guests").expect(200).json
    MetadefNamespace.objects.all().delete()
    load_cloud({"metadef_namespaces": [shown]})
    again = as_admin.get(f"{NAMESPACES}/Guests").expect(200).json
    times = ("created_at", "updated_at")

    def timeless(value: Any) -> Any:
        if isinstance(value, list):
            return [timeless(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {key: timeless(one) for key, one in value.items() if key not in times}

    assert timeless(again) == timeless(shown)


def test_what_is_named_is_all_and_the_rest_stays(as_admin: ApiClient) -> None:
    load_cloud(FILE)
    load_cloud(
        {
            "metadef_namespaces": [{"namespace": "Guests", "tags": [{"name": "large"}]}],
            "group_types": [{"name": "together", "group_specs": {"other": "1"}}],
        }
    )
    namespace = MetadefNamespace.objects.get()
    assert [tag.name for tag in namespace.tags.all()] == ["large"]
    assert namespace.grouped.count() == namespace.properties.count() == 1
    assert (namespace.owner, namespace.visibility, namespace.protected) == (ALPHA, "private", False)
    assert GroupType.objects.get(name="together").group_specs == {"other": "1"}
    assert GroupType.objects.filter(name="hidden").exists()


@pytest.mark.parametrize(
    ("section", "entry", "told"),
    [
        ("metadef_namespaces", {}, "key namespace: is required"),
        ("metadef_namespaces", {"namespace": "a/b"}, "key namespace"),
        ("metadef_namespaces", {"namespace": "n", "colour": 1}, "key colour"),
        ("metadef_namespaces", {"namespace": "n", "visibility": "shared"}, "key visibility"),
        ("metadef_namespaces", {"namespace": "n", "owner": "nobody"}, "key owner: there is no"),
        ("metadef_namespaces", {"namespace": "n", "description": "d" * 501}, "key description"),
        ("metadef_namespaces", {"namespace": "n", "tags": ["t"]}, "key tags"),
        (
            "metadef_namespaces",
            {"namespace": "n", "tags": [{"name": "t"}, {"name": "t"}]},
            "key tags: The namespace n has t already",
        ),
        (
            "metadef_namespaces",
            {"namespace": "n", "resource_type_associations": [{"name": "a"}, {"name": "a"}]},
            "key resource_type_associations",
        ),
        ("metadef_namespaces", {"namespace": "n", "properties": {"p": {}}}, "key properties"),
        ("metadef_namespaces", {"namespace": "n", "objects": [{"name": ""}]}, "key objects"),
        ("group_types", {"name": " "}, "key name"),
        ("group_types", {"name": "g", "is_public": "yes"}, "key is_public"),
        ("group_types", {"name": "g", "group_specs": {"a b": "1"}}, "key group_specs"),
        ("group_types", {"name": "g", "group_specs": {"a": 1}}, "key group_specs"),
    ],
)
def test_what_is_wrong_is_told_with_its_key(section: str, entry: Any, told: str) -> None:
    check_refused(section, entry, told, rows)
