"""Flavors in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from flavors.explained import explain
from flavors.extra_specs import NAMED
from flavors.models import Flavor, FlavorAccess
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.factories import make_flavor, make_instance, make_user
from tests.world.staff import staff

LIST = reverse("admin:flavors_flavor_changelist")


@pytest.fixture
def admin_site(cast: Cast) -> Client:
    client = Client()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    return client


def form(**changes: Any) -> dict[str, Any]:
    return {
        "name": "m1.made",
        "flavorid": "",
        "description": "",
        "vcpus": "2",
        "memory_mb": "1024",
        "root_gb": "10",
        "ephemeral_gb": "0",
        "swap": "0",
        "rxtx_factor": "1.0",
        "is_public": "on",
        "extra_specs-name": ["hw:cpu_policy", "mine", ""],
        "extra_specs-value": ["dedicated", "x", ""],
        "access-TOTAL_FORMS": "0",
        "access-INITIAL_FORMS": "0",
    } | changes


def test_the_list_shows_sizes_and_servers(
    admin_site: Client, django_assert_max_num_queries: Any
) -> None:
    flavor = make_flavor(name="m1.big", memory_mb=2048, swap=100, extra_specs={"a": "b"})
    make_instance(flavor_record=flavor)
    for _ in range(5):
        make_flavor()
    with django_assert_max_num_queries(8):
        page = admin_site.get(LIST).content.decode()
    assert "2 GiB" in page
    assert "100 MiB" in page
    assert f'<a href="/admin/servers/instance/?flavor={flavor.flavorid}">1</a>' in page


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=needle", ["needle"]),
        ("extra_specs=yes", ["with"]),
        ("extra_specs=no", ["needle"]),
        ("disabled__exact=1", ["with"]),
    ],
)
def test_the_list_can_be_narrowed(admin_site: Client, query: str, names: list[str]) -> None:
    make_flavor(name="needle")
    make_flavor(name="with", extra_specs={"a": "b"}, disabled=True)
    found = admin_site.get(f"{LIST}?{query}").context["cl"].result_list
    assert [flavor.name for flavor in found] == names


def test_a_flavor_is_made_with_extra_specs_and_an_id_made_up(admin_site: Client) -> None:
    url = reverse("admin:flavors_flavor_add")
    assert admin_site.get(url).status_code == 200
    assert admin_site.post(url, form()).status_code == 302
    flavor = Flavor.objects.get(name="m1.made")
    assert flavor.extra_specs == {"hw:cpu_policy": "dedicated", "mine": "x"}
    assert len(flavor.flavorid) == 36
    assert flavor.description is None


def test_extra_specs_are_edited_in_place(admin_site: Client) -> None:
    flavor = make_flavor(name="m1.made", extra_specs={"old": "1", "mine": "x"})
    url = reverse("admin:flavors_flavor_change", args=[flavor.pk])
    page = admin_site.get(url).content.decode()
    assert 'name="extra_specs-name" value="old"' in page
    assert admin_site.post(url, form()).status_code == 302
    flavor.refresh_from_db()
    assert flavor.extra_specs == {"hw:cpu_policy": "dedicated", "mine": "x"}


@pytest.mark.parametrize(
    ("names", "values", "told"),
    [
        (["hw:cpu_policy"], ["sometimes"], "one of dedicated, shared, mixed"),
        (["hw:nosuch"], ["1"], "no extra spec hw:nosuch"),
        (["a/b"], ["1"], "is no name"),
        ([""], ["1"], "is no name"),
        (["a"], ["x" * 256], "more than 255"),
        (["a", "a"], ["1", "2"], "stands twice"),
    ],
)
def test_wrong_extra_specs_are_told_and_kept_in_the_form(
    admin_site: Client, names: list[str], values: list[str], told: str
) -> None:
    wrong = form(**{"extra_specs-name": names, "extra_specs-value": values})
    answer = admin_site.post(reverse("admin:flavors_flavor_add"), wrong)
    assert answer.status_code == 200
    assert told in answer.content.decode()
    assert f'name="extra_specs-value" value="{values[0]}"' in answer.content.decode()
    assert not Flavor.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"), [("vcpus", "0"), ("memory_mb", "0"), ("rxtx_factor", "0")]
)
def test_sizes_that_the_api_refuses_are_refused(admin_site: Client, field: str, value: str) -> None:
    answer = admin_site.post(reverse("admin:flavors_flavor_add"), form(**{field: value}))
    assert field in answer.context["adminform"].form.errors


def test_access_is_given_and_taken_inline(admin_site: Client) -> None:
    flavor = make_flavor(name="m1.made", is_public=False)
    old = FlavorAccess.objects.create(flavor=flavor, project_id=ALPHA)
    changes = {
        "access-TOTAL_FORMS": "2",
        "access-INITIAL_FORMS": "1",
        "access-0-id": str(old.pk),
        "access-0-flavor": str(flavor.pk),
        "access-0-DELETE": "on",
        "access-1-flavor": str(flavor.pk),
        "access-1-project": BETA,
    }
    url = reverse("admin:flavors_flavor_change", args=[flavor.pk])
    assert admin_site.post(url, form(**changes)).status_code == 302
    assert [access.project_id for access in flavor.access.all()] == [BETA]


def test_a_flavor_is_cloned_with_specs_and_access(admin_site: Client) -> None:
    flavor = make_flavor(name="m1.big", extra_specs={"a": "b"}, is_public=False)
    FlavorAccess.objects.create(flavor=flavor, project_id=ALPHA)
    for _ in range(2):
        admin_site.post(LIST, {"action": "clone", "_selected_action": [flavor.pk]})
    clone = Flavor.objects.get(name="m1.big copy")
    assert (clone.extra_specs, clone.is_public, clone.vcpus) == ({"a": "b"}, False, flavor.vcpus)
    assert [access.project_id for access in clone.access.all()] == [ALPHA]
    assert Flavor.objects.filter(name="m1.big copy 2").exists()


def test_flavors_are_disabled_and_enabled(admin_site: Client) -> None:
    flavor = make_flavor()
    for action, disabled in (("disable", True), ("enable", False)):
        admin_site.post(LIST, {"action": action, "_selected_action": [flavor.pk]})
        flavor.refresh_from_db()
        assert flavor.disabled is disabled


def test_a_deleted_flavor_leaves_its_servers(admin_site: Client) -> None:
    flavor = make_flavor()
    server = make_instance(flavor_record=flavor)
    url = reverse("admin:flavors_flavor_delete", args=[flavor.pk])
    assert admin_site.post(url, {"post": "yes"}).status_code == 302
    server.refresh_from_db()
    assert server.flavor_record is None


def test_every_known_extra_spec_is_explained_on_the_page(admin_site: Client) -> None:
    known = explain()
    assert {line.name for line in known} >= set(NAMED)
    assert all(line.does.endswith(".") for line in known)
    page = admin_site.get(reverse("admin:flavors_flavor_add")).content.decode()
    assert "Whether vCPUs get host CPUs of their own" in page


def test_the_button_clones_the_flavor_of_the_page(admin_site: Client) -> None:
    flavor = make_flavor(name="m1.big")
    url = reverse("admin:flavors_flavor_clone", args=[flavor.pk])
    assert admin_site.get(url).status_code == 405
    answer = admin_site.post(url)
    clone = Flavor.objects.get(name="m1.big copy")
    assert answer.url == reverse("admin:flavors_flavor_change", args=[clone.pk])
    entry = LogEntry.objects.get(object_id=str(clone.pk))
    assert entry.get_change_message() == "Cloned."


def test_staff_without_the_right_do_not_clone(cast: Cast) -> None:
    flavor = make_flavor()
    client = staff("flavors.view_flavor", "flavors.change_flavor")
    url = reverse("admin:flavors_flavor_clone", args=[flavor.pk])
    assert (
        url
        not in client.get(reverse("admin:flavors_flavor_change", args=[flavor.pk])).content.decode()
    )
    assert client.post(url).status_code == 403
    assert Flavor.objects.count() == 1
