"""Definitions of metadata: namespaces and what is in them, by the rules of Glance."""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.neighbours.image.models import MetadefNamespace, ResourceType
from tests.world.cast import ALPHA, BETA
from tests.world.client import ApiClient
from tests.world.factories import make_namespace

pytestmark = pytest.mark.django_db
V2 = "//image/v2/metadefs"
NAMESPACES = f"{V2}/namespaces"
KEPT = f"{NAMESPACES}/kept"
PLAIN = {"title": "T", "type": "string"}
WHOLE: dict[str, Any] = {
    "namespace": "new",
    "display_name": "New",
    "description": "what is new",
    "visibility": "public",
    "resource_type_associations": [{"name": "OS::New", "prefix": "new:"}],
    "properties": {"p": {**PLAIN, "default": 3, "enum": ["3", "4"]}},
    "objects": [{"name": "o", "properties": {"x": PLAIN}, "required": ["x"]}],
    "tags": [{"name": "t"}],
}


def names(client: ApiClient, query: str = "") -> list[str]:
    found = client.get(f"{NAMESPACES}?{query}").expect(200).json["namespaces"]
    return [one["namespace"] for one in found]


def test_a_namespace_is_made_with_all_that_is_in_it(as_admin: ApiClient) -> None:
    answer = as_admin.post(NAMESPACES, WHOLE).expect(201)
    assert answer.headers["Location"].endswith("/image/v2/metadefs/namespaces/new")
    shown = as_admin.get(f"{NAMESPACES}/new").expect(200).json
    assert shown["self"] == "/v2/metadefs/namespaces/new"
    assert shown["schema"] == "/v2/schemas/metadefs/namespace"
    assert (shown["visibility"], shown["protected"]) == ("public", False)
    assert shown["properties"] == {"p": {**PLAIN, "default": "3", "enum": ["3", "4"]}}
    assert shown["tags"] == [{"name": "t"}]
    assert shown["objects"][0]["self"] == "/v2/metadefs/namespaces/new/objects/o"
    assert shown["resource_type_associations"][0]["prefix"] == "new:"
    types = as_admin.get(f"{V2}/resource_types").expect(200).json["resource_types"]
    assert "OS::New" in [one["name"] for one in types]
    as_admin.post(NAMESPACES, WHOLE).expect(409)


def test_names_have_the_prefix_of_the_resource_type_that_is_asked_for(as_admin: ApiClient) -> None:
    make_namespace()
    shown = as_admin.get(f"{KEPT}?resource_type=OS::Nova::Flavor").expect(200).json
    assert list(shown["properties"]) == ["hw:size"]
    assert shown["objects"][0]["required"] == ["hw:a"]
    found = as_admin.get(f"{KEPT}/properties/hw:size?resource_type=OS::Nova::Flavor").expect(200)
    assert found.json["name"] == "size"
    as_admin.get(f"{KEPT}/properties/size?resource_type=OS::Nova::Flavor").expect(404)
    as_admin.get(f"{KEPT}/properties/hw:size?resource_type=OS::Other").expect(404)


def test_private_namespaces_are_their_projects_alone(
    as_member: ApiClient, as_outsider: ApiClient, as_admin: ApiClient
) -> None:
    make_namespace("own", visibility="private")
    make_namespace("open")
    assert names(as_member) == ["open", "own"]
    assert names(as_outsider) == ["open"]
    assert names(as_admin, "visibility=private") == ["own"]
    for path in ("", "/objects", "/objects/size", "/properties", "/properties/size", "/tags"):
        as_member.get(f"{NAMESPACES}/own{path}").expect(200)
        as_outsider.get(f"{NAMESPACES}/own{path}").expect(404)
        as_outsider.get(f"{NAMESPACES}/open{path}").expect(200)
    as_outsider.get(f"{NAMESPACES}/own/resource_types").expect(404)
    as_outsider.delete(f"{NAMESPACES}/own").expect(404)
    as_member.delete(f"{NAMESPACES}/own").expect(403)
    as_outsider.put(f"{NAMESPACES}/own", {"namespace": "mine"}).expect(404)
    as_outsider.post(f"{NAMESPACES}/own/tags/new").expect(404)


def test_lists_are_filtered_sorted_and_paged(as_admin: ApiClient) -> None:
    for name in ("a", "b", "c"):
        make_namespace(name)
    MetadefNamespace.objects.get(namespace="b").resource_types.all().delete()
    assert names(as_admin, "sort_key=namespace&sort_dir=asc") == ["a", "b", "c"]
    assert names(as_admin, "resource_types=OS::Other,OS::Nova::Flavor") == ["c", "a"]
    first = as_admin.get(f"{NAMESPACES}?limit=2&sort_key=namespace").expect(200).json
    assert [one["namespace"] for one in first["namespaces"]] == ["c", "b"]
    rest = as_admin.get(f"//image{first['next']}").expect(200).json
    assert [one["namespace"] for one in rest["namespaces"]] == ["a"]
    assert "next" not in rest
    assert names(as_admin, "limit=0") == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        *(("bogus=1", 400), ("limit=x", 400), ("limit=-1", 400), ("sort_key=owner", 400)),
        *(("sort_dir=up", 400), ("visibility=shared", 400), ("marker=nowhere", 404)),
    ],
)
def test_what_lists_do_not_know_is_refused(as_admin: ApiClient, query: str, status: int) -> None:
    make_namespace()
    as_admin.get(f"{NAMESPACES}?{query}").expect(status)
    if not query.startswith("visibility"):
        as_admin.get(f"{KEPT}/tags?{query}").expect(status)


def test_a_namespace_is_given_other_values(as_admin: ApiClient) -> None:
    make_namespace(description="old")
    shown = as_admin.put(KEPT, {"namespace": "kept", "protected": True}).expect(200).json
    assert (shown["visibility"], shown["protected"]) == ("private", True)
    assert "description" not in shown
    make_namespace("other")
    as_admin.put(KEPT, {"namespace": "other"}).expect(409)
    as_admin.put(KEPT, {"description": "no name"}).expect(400)
    as_admin.put(KEPT, {"namespace": "renamed"}).expect(200)
    as_admin.get(KEPT).expect(404)
    assert as_admin.get(f"{NAMESPACES}/renamed").expect(200).json["tags"] == [{"name": "size"}]


def test_what_was_shown_can_be_sent_back_and_another_content_is_refused(
    as_admin: ApiClient,
) -> None:
    make_namespace()
    shown = as_admin.get(KEPT).expect(200).json
    for key in ("self", "schema", "created_at", "updated_at"):
        as_admin.put(KEPT, {"namespace": "kept", key: shown.pop(key)}).expect(403)
    as_admin.put(KEPT, shown).expect(200)
    as_admin.put(KEPT, {**shown, "tags": [{"name": "other"}]}).expect(400)
    assert as_admin.get(KEPT).expect(200).json["tags"] == [{"name": "size"}]


def test_nothing_of_a_protected_namespace_is_deleted(as_admin: ApiClient) -> None:
    namespace = make_namespace(protected=True)
    paths = ["", "/resource_types/OS::Nova::Flavor"]
    paths += [
        f"/{kind}{end}" for kind in ("objects", "properties", "tags") for end in ("", "/size")
    ]
    for path in paths:
        as_admin.delete(f"{KEPT}{path}").expect(403)
    MetadefNamespace.objects.update(protected=False)
    for path in ("/resource_types/OS::Nova::Flavor", "/objects/size", "/properties", "/tags"):
        as_admin.delete(f"{KEPT}{path}").expect(204)
    as_admin.delete(f"{KEPT}/objects/size").expect(404)
    as_admin.delete(f"{KEPT}/resource_types/OS::Nova::Flavor").expect(404)
    assert not namespace.tags.exists()
    assert not namespace.properties.exists()
    as_admin.delete(KEPT).expect(204)
    as_admin.get(KEPT).expect(404)
    assert ResourceType.objects.filter(name="OS::Nova::Flavor").exists()


@pytest.mark.parametrize(
    ("kind", "body"), [("objects", {}), ("properties", PLAIN)], ids=["objects", "properties"]
)
def test_objects_and_properties_are_made_shown_changed_and_deleted(
    as_admin: ApiClient, kind: str, body: dict[str, Any]
) -> None:
    make_namespace()
    made = as_admin.post(f"{KEPT}/{kind}", {"name": "new", **body}).expect(201).json
    assert made["name"] == "new"
    as_admin.post(f"{KEPT}/{kind}", {"name": "new", **body}).expect(409)
    as_admin.post(f"{KEPT}/{kind}", body).expect(400)
    changed = {"name": "newer", "description": "changed", **body}
    shown = as_admin.put(f"{KEPT}/{kind}/new", changed).expect(200).json
    assert shown["description"] == "changed"
    found = as_admin.get(f"{KEPT}/{kind}/newer").expect(200).json
    assert found.items() >= shown.items()
    as_admin.put(f"{KEPT}/{kind}/newer", {"name": "size", **body}).expect(409)
    as_admin.put(f"{KEPT}/{kind}/nowhere", changed).expect(404)
    as_admin.delete(f"{KEPT}/{kind}/newer").expect(204)
    as_admin.get(f"{KEPT}/{kind}/newer").expect(404)


def test_tags_are_set_or_added(as_admin: ApiClient) -> None:
    make_namespace()
    asked = {"tags": [{"name": "a"}, {"name": "b"}]}
    assert as_admin.post(f"{KEPT}/tags", asked).expect(201).json == asked

    def tags(query: str = "") -> list[str]:
        found = as_admin.get(f"{KEPT}/tags?{query}").expect(200).json["tags"]
        return [one["name"] for one in found]

    assert tags("sort_key=name&sort_dir=asc") == ["a", "b"]
    more = {"tags": [{"name": "c"}]}
    as_admin.post(f"{KEPT}/tags", more, headers={"X-OpenStack-Append": "true"}).expect(201)
    assert tags("sort_key=name&sort_dir=asc&limit=2&marker=a") == ["b", "c"]
    as_admin.post(f"{KEPT}/tags", {"tags": [{"name": "d"}, {"name": "d"}]}).expect(409)
    as_admin.post(f"{KEPT}/tags", {"tags": []}).expect(201)
    assert len(tags()) == 3
    assert as_admin.post(f"{KEPT}/tags/x").expect(201).json["name"] == "x"
    as_admin.post(f"{KEPT}/tags/x").expect(409)
    as_admin.post(f"{KEPT}/tags/{'x' * 81}").expect(400)
    as_admin.put(f"{KEPT}/tags/x", {"name": "y"}).expect(200)
    as_admin.put(f"{KEPT}/tags/y", {"name": "a"}).expect(409)
    as_admin.get(f"{KEPT}/tags/x").expect(404)
    as_admin.delete(f"{KEPT}/tags/y").expect(204)


def test_a_namespace_is_said_to_be_for_a_resource_type_once(as_admin: ApiClient) -> None:
    make_namespace()
    path = f"{KEPT}/resource_types"
    asked = {"name": "OS::Cinder::Volume", "properties_target": "image"}
    as_admin.post(path, asked).expect(201)
    as_admin.post(path, asked).expect(409)
    shown = as_admin.get(path).expect(200).json["resource_type_associations"]
    assert [(one["name"], one.get("properties_target")) for one in shown] == [
        ("OS::Nova::Flavor", None),
        ("OS::Cinder::Volume", "image"),
    ]


WRONG: tuple[Any, ...] = (
    {},
    [1],
    {"namespace": 5},
    {"namespace": ""},
    {"namespace": "a/b"},
    {"namespace": "x" * 81},
    {"namespace": "new", "bogus": 1},
    {"namespace": "new", "visibility": "shared"},
    {"namespace": "new", "protected": "yes"},
    {"namespace": "new", "description": None},
    {"namespace": "new", "tags": [{}]},
    {"namespace": "new", "tags": [{"name": "a", "bogus": 1}]},
    {"namespace": "new", "properties": {"p": {"title": "T"}}},
    {"namespace": "new", "properties": {"p": {**PLAIN, "type": "text"}}},
    {"namespace": "new", "properties": {"p": {**PLAIN, "bogus": 1}}},
    {"namespace": "new", "properties": {"p": {**PLAIN, "minimum": 1.5}}},
    {"namespace": "new", "properties": {"p": {**PLAIN, "maxLength": -1}}},
    {"namespace": "new", "properties": {"p": {**PLAIN, "enum": [1]}}},
    {"namespace": "new", "properties": {"p": {**PLAIN, "default": ["a"]}}},
    {"namespace": "new", "properties": {"p": {**PLAIN, "items": {}}}},
    {"namespace": "new", "objects": [{"name": "o", "required": ["a", "a"]}]},
    {"namespace": "new", "objects": [{"name": "o", "properties": {"": PLAIN}}]},
    {"namespace": "new", "resource_type_associations": [{"prefix": "a"}]},
)


@pytest.mark.parametrize("body", WRONG, ids=[str(body)[:60] for body in WRONG])
def test_wrong_bodies_are_refused_and_leave_nothing(as_admin: ApiClient, body: Any) -> None:
    as_admin.post(NAMESPACES, body).expect(400)
    assert not MetadefNamespace.objects.exists()


def test_a_name_that_is_there_twice_in_a_body_leaves_nothing(as_admin: ApiClient) -> None:
    twice = {"namespace": "new", "tags": [{"name": "a"}, {"name": "a"}]}
    as_admin.post(NAMESPACES, twice).expect(409)
    assert not MetadefNamespace.objects.exists()


def test_the_owner_is_any_text(as_admin: ApiClient, as_member: ApiClient) -> None:
    as_admin.post(NAMESPACES, {"namespace": "far", "owner": "elsewhere"}).expect(201)
    as_admin.post(NAMESPACES, {"namespace": "theirs", "owner": BETA}).expect(201)
    as_admin.post(NAMESPACES, {"namespace": "ours", "owner": ALPHA}).expect(201)
    assert names(as_member) == ["ours"]


def test_schemas_name_all_keys_that_are_shown(as_admin: ApiClient) -> None:
    make_namespace(display_name="Kept", description="kept")
    for noun, path in (
        *(("namespace", ""), ("object", "/objects/size"), ("tag", "/tags/size")),
        ("property", "/properties/size"),
    ):
        schema = as_admin.get(f"//image/v2/schemas/metadefs/{noun}").expect(200).json
        assert schema["name"] == noun
        assert set(as_admin.get(f"{KEPT}{path}").expect(200).json) <= set(schema["properties"])
    for noun in ("namespaces", "objects", "properties", "tags", "resource_types"):
        as_admin.get(f"//image/v2/schemas/metadefs/{noun}").expect(200)
