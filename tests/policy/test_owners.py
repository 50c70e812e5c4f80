"""What becomes of things whose project or user is gone, and who sees what has no owner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db.models import CASCADE, PROTECT, SET_NULL, Field, ForeignKey, Model

from compute_site.identity.models import Project, Role, User
from compute_site.neighbours.image.models import Image
from compute_site.neighbours.volume.models import VolumeType
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.factories import (
    make_image,
    make_network,
    make_port,
    make_project,
    make_security_group,
    make_server_group,
    make_user,
    make_volume,
)

MEANING_OF_NONE = {
    "image.Image.owner": "the project is gone: only an admin sees it, unless it is for everyone",
    "identity.User.default_project": "no project is chosen at login; gives no rights",
    "identity.Token.project": "a token without a project, with which nobody may do anything",
    "identity.Project.parent": "the project lies in its domain, and in no other project",
    "quotas.ProjectQuota.parent": "as of the project, whose rows it shows",
    "identity.RoleAssignment.user": "a group of users holds the role",
    "identity.RoleAssignment.project": "the role is held in a domain, or on the system",
    "identity.Limit.project": "the limit of a domain",
    "identity.StoredCredential.project": "it is for no project, as all but keys for EC2 may be",
    "identity.RequestToken.user": "nobody has said yes to what the consumer asks for",
    "quotas.Limit.project": "the limits of a quota class, not of a project",
    "quotas.LimitChange.project": "a change of the limits of a quota class",
}
"""Every owner that may be missing, and what that means."""

LISTS = (
    *("//image/v2/images", "//image/v2/images?visibility=shared"),
    *("//image/v2/images?visibility=private", "//image/v2/images?visibility=community"),
    *("/images", "/images/detail"),
    *("//network/v2.0/networks", "//network/v2.0/subnets", "//network/v2.0/ports"),
    *("//network/v2.0/security-groups", "//network/v2.0/security-group-rules"),
    *("//network/v2.0/floatingips", "//volume/v3/volumes/detail", "//volume/v3/snapshots/detail"),
    *("/servers/detail", "/os-server-groups", "/os-networks", "/os-keypairs"),
)


def owners() -> Iterator[tuple[str, Field[Any, Any]]]:
    """All columns that hold a project or user."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, ForeignKey) and field.related_model in (Project, User):
                yield f"{model._meta.label}.{field.name}", field


def test_it_is_known_what_a_missing_owner_means() -> None:
    """A new column that may be empty has to be thought about, and be written down above."""
    assert {name for name, field in owners() if field.null} == set(MEANING_OF_NONE)


def test_things_go_with_their_owner_or_keep_it_here() -> None:
    for name, field in owners():
        allowed = (CASCADE, PROTECT, SET_NULL) if field.null else (CASCADE, PROTECT)
        assert field.remote_field.on_delete in allowed, name


@pytest.fixture
def everyone_else(
    as_member: ApiClient, as_reader: ApiClient, as_manager: ApiClient, as_outsider: ApiClient
) -> list[ApiClient]:
    return [as_member, as_reader, as_manager, as_outsider]


@pytest.mark.parametrize("visibility", ["private", "shared"])
def test_an_image_without_an_owner_is_the_admins_alone(
    everyone_else: list[ApiClient], as_admin: ApiClient, visibility: str
) -> None:
    image = make_image(visibility=visibility, name="nobody's")
    for client in everyone_else:
        assert not seen(client, image)
        client.get(f"//image/v2/images/{image.pk}").expect(404)
        client.get(f"//image/v2/images/{image.pk}/file").expect(404)
        client.get(f"/images/{image.pk}").expect(404)
        client.get(f"/images/{image.pk}/metadata").expect(404)
    as_admin.get(f"//image/v2/images/{image.pk}").expect(200)


def seen(client: ApiClient, row: Model) -> list[str]:
    """The lists in which the client finds it."""
    return [path for path in LISTS if str(row.pk).encode() in client.get(path).expect(200).content]


def test_a_shared_image_is_its_owners_alone(
    as_member: ApiClient, as_outsider: ApiClient, cast: Cast
) -> None:
    """Images have no members here: nobody was given this one."""
    image = make_image(visibility="shared", owner=cast.beta)
    assert seen(as_outsider, image)
    assert not seen(as_member, image)
    as_member.get(f"//image/v2/images/{image.pk}").expect(404)
    as_member.get(f"/images/{image.pk}").expect(404)
    as_member.get(f"/images/{image.pk}/metadata").expect(404)
    volume = {"size": 1, "imageRef": str(image.pk)}
    as_member.post("//volume/v3/volumes", {"volume": volume}).expect(400)
    as_outsider.post("//volume/v3/volumes", {"volume": volume}).expect(202)


def test_an_image_that_was_uploaded_without_a_word_is_not_shown_to_others(
    as_member: ApiClient, as_outsider: ApiClient
) -> None:
    body = {"name": "secret", "disk_format": "raw", "container_format": "bare"}
    image = as_member.post("//image/v2/images", body).expect(201).json
    assert image["visibility"] == "shared"
    as_outsider.get(f"//image/v2/images/{image['id']}").expect(404)
    shared = as_outsider.get("//image/v2/images?visibility=shared").expect(200).json["images"]
    assert shared == []


def test_a_project_that_ends_publishes_nothing(
    everyone_else: list[ApiClient], as_admin: ApiClient
) -> None:
    project = make_project("doomed")
    make_user(project=project, role=Role.MEMBER)
    for visibility in ("private", "shared", "community", "public"):
        make_image(owner=project, visibility=visibility)
    network = make_network(project_id=project.pk)
    make_port(network)
    make_security_group(project_id=project.pk)
    make_volume(project_id=project.pk)
    make_server_group(project_id=project.pk)
    before = [listed(client) for client in everyone_else]
    as_admin.delete(f"//identity/v3/projects/{project.pk}").expect(204)
    for client, then in zip(everyone_else, before, strict=True):
        for path, ids in listed(client).items():
            assert ids <= then[path], path
    assert Image.objects.filter(owner=None).count() == 4


def listed(client: ApiClient) -> dict[str, set[str]]:
    """The ids in each list."""
    found = {}
    for path in LISTS:
        body = client.get(path).expect(200).json
        rows = next(value for key, value in body.items() if isinstance(value, list))
        found[path] = {str(row["id"]) for row in rows if "id" in row}
    return found


def test_a_volume_type_that_is_not_public_is_the_admins_alone(
    as_member: ApiClient, as_admin: ApiClient
) -> None:
    VolumeType.objects.create(name="vault", is_public=False)
    volume = {"volume": {"size": 1, "volume_type": "vault"}}
    as_member.post("//volume/v3/volumes", volume).expect(404)
    as_admin.post("//volume/v3/volumes", volume).expect(202)
