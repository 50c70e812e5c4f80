"""Who may do what with images, in the image API and where compute acts for it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.utils import timezone
from guardian.shortcuts import remove_perm

from compute_site.identity.models import Role
from compute_site.neighbours.image import policies
from compute_site.neighbours.image.models import Image
from tests.site.test_admin_poison import url_of
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_image, make_instance
from tests.world.hosts import make_host
from tests.world.staff import operator

V2 = "//image/v2/images"


@pytest.fixture
def image(cast: Cast) -> Image:
    return make_image(owner=cast.alpha, visibility="private", properties={"os_distro": "cirros"})


def unchanged(image: Image) -> bool:
    found = Image.objects.filter(pk=image.pk).values("properties", "status", "visibility").get()
    return found == {
        "properties": image.properties,
        "status": image.status,
        "visibility": image.visibility,
    }


CHANGES: tuple[tuple[str, str, Any], ...] = (
    ("DELETE", "/images/{id}", None),
    ("POST", "/images/{id}/metadata", {"metadata": {"a": "1"}}),
    ("PUT", "/images/{id}/metadata", {"metadata": {}}),
    ("PUT", "/images/{id}/metadata/a", {"meta": {"a": "1"}}),
    ("DELETE", "/images/{id}/metadata/os_distro", None),
    ("DELETE", "//image/v2/images/{id}", None),
    ("PATCH", "//image/v2/images/{id}", [{"op": "add", "path": "/a", "value": "1"}]),
    ("PUT", "//image/v2/images/{id}/file", b"data"),
    ("POST", "//image/v2/images/{id}/actions/deactivate", None),
)


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_a_reader_changes_no_image(
    as_reader: ApiClient, image: Image, method: str, path: str, body: Any
) -> None:
    as_reader.send(method, path.format(id=image.pk), body).expect(403)
    assert unchanged(image)


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_a_public_image_without_an_owner_is_changed_by_admins_only(
    as_member: ApiClient, as_manager: ApiClient, method: str, path: str, body: Any
) -> None:
    image = make_image(properties={"os_distro": "cirros"})
    for client in (as_member, as_manager):
        client.send(method, path.format(id=image.pk), body).expect(403)
    assert unchanged(image)


@pytest.mark.parametrize(
    ("rule", "method", "path", "body"),
    [
        (policies.DELETE, "DELETE", "/images/{id}", None),
        (policies.DELETE, "DELETE", "//image/v2/images/{id}", None),
        (policies.MODIFY, "PUT", "/images/{id}/metadata", {"metadata": {}}),
        (policies.MODIFY, "PATCH", "//image/v2/images/{id}", []),
        (policies.DEACTIVATE, "POST", "//image/v2/images/{id}/actions/deactivate", None),
        (policies.SHOW, "GET", "/images/{id}", None),
        (policies.SHOW, "GET", "//image/v2/images/{id}", None),
        (policies.LIST, "GET", "/images", None),
        (policies.LIST, "GET", "//image/v2/images", None),
        (policies.DOWNLOAD, "GET", "//image/v2/images/{id}/file", None),
    ],
)
def test_a_rule_that_was_taken_from_a_role_is_asked_by_both_apis(
    as_member: ApiClient,
    cast: Cast,
    image: Image,
    *,
    rule: str,
    method: str,
    path: str,
    body: Any,
) -> None:
    remove_perm(rule, cast.alpha.roles.get(role=Role.MEMBER).group, cast.alpha)
    refused = as_member.send(method, path.format(id=image.pk), body).expect(403)
    assert rule in refused.content.decode()
    assert unchanged(image)


@pytest.mark.parametrize(
    "action",
    [
        {"createImage": {"name": "copy"}},
        {"createBackup": {"name": "copy", "backup_type": "daily", "rotation": 1}},
        {"shelve": None},
    ],
)
def test_an_image_of_a_server_needs_the_right_to_make_images(
    as_member: ApiClient, cast: Cast, image: Image, action: dict[str, Any]
) -> None:
    host = make_host().service.host
    server = make_instance(
        host=host, node=host, image_ref=str(image.pk), launched_at=timezone.now()
    )
    remove_perm(policies.ADD, cast.alpha.roles.get(role=Role.MEMBER).group, cast.alpha)
    refused = as_member.post(f"/servers/{server.uuid}/action", action).expect(403)
    assert policies.ADD in refused.message
    assert Image.objects.count() == 1
    server.refresh_from_db()
    assert server.task_state is None


def test_a_backup_that_may_not_drop_the_oldest_is_not_made(
    as_member: ApiClient, cast: Cast, image: Image
) -> None:
    host = make_host().service.host
    ran = {"launched_at": timezone.now(), "image_ref": str(image.pk)}
    server = make_instance(host=host, node=host, **ran)
    backup = {"createBackup": {"name": "copy", "backup_type": "daily", "rotation": 1}}
    as_member.post(f"/servers/{server.uuid}/action", backup).expect(202)
    remove_perm(policies.DELETE, cast.alpha.roles.get(role=Role.MEMBER).group, cast.alpha)
    as_member.post(f"/servers/{server.uuid}/action", backup).expect(403)
    assert Image.objects.filter(name="copy").count() == 1


def test_a_right_in_the_admin_site_is_no_rule(
    as_reader: ApiClient, as_outsider: ApiClient, cast: Cast, image: Image
) -> None:
    """Django calls some of its own rights as the image service calls its rules."""
    staff = Group.objects.create(name="staff")
    rights = Permission.objects.filter(content_type__app_label="image")
    assert rights.filter(codename=policies.DELETE).exists()
    staff.permissions.set(rights)
    for persona in (cast.reader, cast.outsider):
        persona.user.groups.add(staff)
        persona.user.user_permissions.set(rights)
    for client in (as_reader, as_outsider):
        client.delete(f"{V2}/{image.pk}").expect(403 if client is as_reader else 404)
    as_reader.post(V2, {"name": "image"}).expect(403)


def test_members_lock_and_unlock_their_images(as_member: ApiClient, image: Image) -> None:
    path = f"{V2}/{image.pk}"
    for _ in range(2):
        as_member.post(f"{path}/actions/deactivate").expect(204)
        assert as_member.get(path).json["status"] == "deactivated"
    as_member.post(f"{path}/actions/reactivate").expect(204)
    assert as_member.get(path).json["status"] == "active"


@pytest.mark.parametrize("action", ["deactivate", "reactivate"])
def test_an_image_without_data_does_not_become_active(as_member: ApiClient, action: str) -> None:
    image = as_member.post(V2, {"name": "empty"}).expect(201).json
    as_member.post(f"{V2}/{image['id']}/actions/{action}").expect(403)
    assert Image.objects.get().status == "queued"


@pytest.mark.parametrize(("visibility", "status"), [("community", 200), ("public", 403)])
def test_who_shows_an_image_to_others(
    as_member: ApiClient, image: Image, visibility: str, status: int
) -> None:
    patch = [{"op": "replace", "path": "/visibility", "value": visibility}]
    as_member.patch(f"{V2}/{image.pk}", patch).expect(status)
    image.refresh_from_db()
    assert image.visibility == (visibility if status == 200 else "private")


@pytest.mark.parametrize("owner", [BETA, None])
def test_only_an_admin_gives_an_image_away(
    as_member: ApiClient, as_admin: ApiClient, image: Image, owner: str | None
) -> None:
    patch = [{"op": "replace", "path": "/owner", "value": owner}]
    as_member.patch(f"{V2}/{image.pk}", patch).expect(403)
    assert Image.objects.get().owner_id == ALPHA
    as_admin.patch(f"{V2}/{image.pk}", patch).expect(200)
    assert Image.objects.get().owner_id == owner


def test_an_image_is_given_to_what_is_no_project_by_admins(
    as_member: ApiClient, as_admin: ApiClient, image: Image
) -> None:
    """Glance does not ask whether there is such a project."""
    patch = [{"op": "replace", "path": "/owner", "value": "nobody"}]
    as_member.patch(f"{V2}/{image.pk}", patch).expect(403)
    assert as_admin.patch(f"{V2}/{image.pk}", patch).expect(200).json["owner"] == "nobody"
    as_member.get(f"{V2}/{image.pk}").expect(404)
    shown = as_admin.get(f"{V2}?owner=nobody&visibility=private").expect(200).json["images"]
    assert [one["id"] for one in shown] == [str(image.pk)]
    as_admin.post(V2, {"name": "far", "owner": "elsewhere"}).expect(201)
    as_admin.post(V2, {"name": "far", "owner": "x" * 37}).expect(400)
    as_member.post(V2, {"name": "far", "owner": "elsewhere"}).expect(403)
    browser = operator()
    page = url_of(Image, "change", image.pk)
    assert browser.get(page).status_code == 200
    assert browser.get(url_of(Image, "changelist")).status_code == 200
    as_admin.delete(f"{V2}/{image.pk}").expect(204)
