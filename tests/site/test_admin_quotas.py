"""Limits and usage in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import ADDITION, DELETION, LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from compute_site.identity.models import User
from compute_site.neighbours.volume.models import ClassQuota, VolumeType
from quotas.models import Limit, LimitChange, Usage
from quotas.resources import LIMITED
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_instance, make_project, make_user

LIST = reverse("admin:quotas_projectquota_changelist")
PAGE = reverse("admin:quotas_projectquota_change", args=[ALPHA])
CLASS_PAGE = reverse("admin:quotas_class_change", args=["default"])
VOLUME_CLASS_PAGE = reverse("admin:volume_class_change", args=["default"])


@pytest.fixture
def admin_site(cast: Cast) -> Client:
    client = Client()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    return client


def form(*users: tuple[str, str, str], known: int = 0, **limits: str) -> dict[str, Any]:
    data = dict.fromkeys(LIMITED, "") | limits
    data |= {"users-TOTAL_FORMS": str(len(users)), "users-INITIAL_FORMS": str(known)}
    for number, (user, resource, limit) in enumerate(users):
        data |= {f"users-{number}-user": user, f"users-{number}-resource": resource}
        data[f"users-{number}-limit"] = limit
    return data


def limit_rows() -> dict[tuple[str, str, str], int]:
    rows = Limit.objects.values_list("quota_class", "user_id", "resource", "limit")
    return {(quota_class, user, resource): limit for quota_class, user, resource, limit in rows}


def test_the_list_shows_bars_for_every_project(
    admin_site: Client, django_assert_max_num_queries: Any
) -> None:
    Limit.objects.create(project_id=ALPHA, resource="cores", limit=4)
    Limit.objects.create(quota_class="default", resource="ram", limit=2048)
    Limit.objects.create(project_id=ALPHA, resource="instances", limit=-1)
    Usage.objects.create(project_id=ALPHA, resource="cores", in_use=5)
    Usage.objects.create(project_id=ALPHA, resource="ram", in_use=512)
    for _ in range(5):
        make_project()
    with django_assert_max_num_queries(7):
        page = admin_site.get(LIST).content.decode()
    assert "5 of 4, over the limit" in page
    assert "512 of 2048" in page
    assert "without limit" in page
    assert CLASS_PAGE in page


@pytest.mark.parametrize(
    ("used", "limit", "over", "full"),
    [(5, 4, True, True), (4, 4, False, True), (3, 4, False, False), (99, -1, False, False)],
)
def test_projects_over_a_limit_can_be_found(
    admin_site: Client, used: int, limit: int, over: bool, full: bool
) -> None:
    Limit.objects.create(project_id=ALPHA, resource="cores", limit=limit)
    Usage.objects.create(project_id=ALPHA, resource="cores", in_use=used)
    for word, expected in (("over", over), ("full", full)):
        found = admin_site.get(f"{LIST}?use={word}").context["cl"].result_list
        assert [project.pk for project in found] == ([ALPHA] if expected else [])


def test_a_page_shows_class_project_and_user_with_what_is_used(
    admin_site: Client, cast: Cast
) -> None:
    Limit.objects.create(quota_class="default", resource="cores", limit=17)
    Limit.objects.create(project_id=ALPHA, resource="cores", limit=9)
    user = cast.member.user
    Limit.objects.create(project_id=ALPHA, user_id=user.pk, resource="instances", limit=3)
    Usage.objects.create(project_id=ALPHA, resource="cores", in_use=6)
    make_instance(project=cast.alpha, user=user)
    page = admin_site.get(PAGE).content.decode()
    assert "6 of 9" in page
    assert '<td class="quiet">17</td>' in page
    assert "1 of 3" in page
    assert 'value="alpha-member"' in page


def test_a_page_costs_the_same_for_any_number_of_users(
    admin_site: Client, cast: Cast, django_assert_num_queries: Any
) -> None:
    def limit_users(number: int) -> None:
        for _ in range(number):
            user = make_user(project=cast.alpha)
            Limit.objects.create(project_id=ALPHA, user_id=user.pk, resource="instances", limit=3)
            make_instance(user_id=user.pk)

    admin_site.get(PAGE)
    limit_users(1)
    with CaptureQueriesContext(connection) as few:
        admin_site.get(PAGE)
    limit_users(10)
    with django_assert_num_queries(len(few)):
        page = admin_site.get(PAGE).content.decode()
    assert page.count("1 of 3") == 11


def test_limits_of_a_project_are_set_changed_and_taken_back(admin_site: Client) -> None:
    Limit.objects.create(project_id=ALPHA, resource="cores", limit=9)
    Limit.objects.create(project_id=ALPHA, resource="ram", limit=1)
    assert admin_site.post(PAGE, form(cores="8", instances="-1")).status_code == 302
    assert limit_rows() == {("", "", "cores"): 8, ("", "", "instances"): -1}


def test_limits_of_users_are_set_changed_and_taken_back(admin_site: Client, cast: Cast) -> None:
    one, two = cast.member.user_id, cast.reader.user_id
    admin_site.post(PAGE, form((one, "cores", "2"), (two, "ram", "5"), ("", "", "")))
    assert limit_rows() == {("", one, "cores"): 2, ("", two, "ram"): 5}
    rows = sorted([(one, "cores", "3"), (two, "ram", "5")])
    removed = {f"users-{rows.index((two, 'ram', '5'))}-DELETE": "on"}
    admin_site.post(PAGE, form(*rows, known=2) | removed)
    assert limit_rows() == {("", one, "cores"): 3}


def test_a_limit_below_what_is_used_is_saved_with_a_warning(admin_site: Client) -> None:
    Usage.objects.create(project_id=ALPHA, resource="cores", in_use=6)
    answer = admin_site.post(PAGE, form(cores="5", ram="9"), follow=True)
    told = [message.message for message in answer.context["messages"]]
    assert [text for text in told if "more than its limit" in text] == [
        "alpha uses 6 of cores, more than its limit 5: what is there stays, nothing can be added."
    ]
    assert limit_rows()["", "", "cores"] == 5


def test_a_limit_of_a_user_below_what_is_used_warns(admin_site: Client, cast: Cast) -> None:
    make_instance(project=cast.alpha, user=cast.member.user)
    row = ("alpha-member", "instances", "0")
    answer = admin_site.post(PAGE, form(row), follow=True)
    told = [message.message for message in answer.context["messages"]]
    assert told[1].startswith("alpha-member uses 1 of instances, more than its limit 0")
    assert limit_rows() == {("", cast.member.user_id, "instances"): 0}


def test_a_limit_of_a_class_below_what_projects_use_warns(admin_site: Client) -> None:
    for project, used in ((ALPHA, 6), (BETA, 7)):
        Usage.objects.create(project_id=project, resource="cores", in_use=used)
    Limit.objects.create(project_id=BETA, resource="cores", limit=9)
    answer = admin_site.post(CLASS_PAGE, form(cores="5"), follow=True)
    told = [message.message for message in answer.context["messages"]]
    assert told[1:] == [
        "1 project uses more of cores than its limit 5: what is there stays, nothing can be added."
    ]


def test_a_user_from_elsewhere_gets_no_limit(admin_site: Client) -> None:
    answer = admin_site.post(PAGE, form(("beta-outsider", "cores", "1")))
    assert "No user of this project" in answer.content.decode()
    assert limit_rows() == {}


def test_changes_have_a_history_with_who_made_them(
    admin_site: Client, as_admin: ApiClient, cast: Cast
) -> None:
    body = {"quota_set": {"cores": 9}}
    as_admin.put(f"/os-quota-sets/{ALPHA}", body).expect(200)
    admin_site.post(PAGE, form(("alpha-member", "ram", "5"), cores="-1"))
    as_admin.delete(f"/os-quota-sets/{ALPHA}").expect(202)
    operator = User.objects.get(is_superuser=True, username__startswith="user-").username
    changes = admin_site.get(PAGE).context["changes"]
    assert [
        (change.by, change.user, change.resource, change.before, change.after) for change in changes
    ] == [
        (cast.admin.name, "alpha-member", "ram", "5", "none of its own"),
        (cast.admin.name, "", "cores", "no limit", "none of its own"),
        (operator, "alpha-member", "ram", "none of its own", "5"),
        (operator, "", "cores", "9", "no limit"),
        (cast.admin.name, "", "cores", "none of its own", "9"),
    ]


def test_what_stays_as_it_was_is_no_change(admin_site: Client) -> None:
    for _ in range(2):
        admin_site.post(CLASS_PAGE, form(cores="8"))
    assert LimitChange.objects.get().after == 8


@pytest.mark.parametrize("wrong", ["-2", "x", "2147483648"])
def test_wrong_limits_are_told_and_nothing_is_saved(admin_site: Client, wrong: str) -> None:
    answer = admin_site.post(PAGE, form(cores=wrong, ram="5"))
    assert list(answer.context["form"].errors) == ["cores"]
    assert limit_rows() == {}


def test_a_class_has_a_page(admin_site: Client) -> None:
    Limit.objects.create(quota_class="default", resource="ram", limit=1)
    assert "51200" in admin_site.get(CLASS_PAGE).content.decode()
    assert admin_site.post(CLASS_PAGE, form(cores="8")).status_code == 302
    assert limit_rows() == {("default", "", "cores"): 8}


def test_who_may_not_change_quotas_cannot(cast: Cast) -> None:
    client = Client()
    client.force_login(make_user(is_staff=True))
    for url in (PAGE, CLASS_PAGE):
        assert client.get(url).status_code == 403
        assert client.post(url, form(cores="8")).status_code == 403
    assert limit_rows() == {}


@pytest.mark.parametrize("model", ["limit", "usage"])
def test_rows_can_be_looked_up(admin_site: Client, model: str) -> None:
    Limit.objects.create(project_id=ALPHA, resource="cores", limit=9)
    Usage.objects.create(project_id=ALPHA, resource="cores", in_use=6)
    page = admin_site.get(reverse(f"admin:quotas_{model}_changelist") + "?project=alpha")
    assert [row.project_id for row in page.context["cl"].result_list] == [ALPHA]


def test_deleting_limits_leaves_a_trace(admin_site: Client) -> None:
    rows = [
        Limit.objects.create(project_id=ALPHA, resource="cores", limit=4),
        Limit.objects.create(project_id=BETA, user_id="someone", resource="ram", limit=5),
        Limit.objects.create(quota_class="default", resource="cores", limit=6),
    ]
    kept = Limit.objects.create(project_id=ALPHA, resource="ram", limit=7)
    by = str(User.objects.get(is_superuser=True, username__startswith="user").pk)
    alone = reverse("admin:quotas_limit_delete", args=[rows[0].pk])
    assert admin_site.post(alone, {"post": "yes"}).status_code == 302
    ticked = {
        "action": "delete_selected",
        "_selected_action": [str(row.pk) for row in rows[1:]],
        "post": "yes",
    }
    assert admin_site.post(reverse("admin:quotas_limit_changelist"), ticked).status_code == 302
    assert list(Limit.objects.all()) == [kept]
    changes = LimitChange.objects.order_by("resource", "before")
    assert [
        (c.project_id, c.quota_class, c.user_id, c.resource, c.before, c.after, c.changed_by)
        for c in changes
    ] == [
        (ALPHA, "", "", "cores", 4, None, by),
        (None, "default", "", "cores", 6, None, by),
        (BETA, "", "someone", "ram", 5, None, by),
    ]


def volume_limits(as_admin: ApiClient, name: str = "default") -> dict[str, int]:
    shown = as_admin.get(f"//volume/v3/os-quota-class-sets/{name}").expect(200)
    limits: dict[str, int] = shown.json["quota_class_set"]
    return limits


def test_a_class_of_the_volume_service_has_all_its_limits_on_a_page(
    admin_site: Client, as_admin: ApiClient
) -> None:
    VolumeType.objects.create(name="fast")
    ClassQuota.objects.create(quota_class="default", resource="volumes", limit=7)
    listed = admin_site.get(reverse("admin:volume_classquota_changelist")).content.decode()
    assert VOLUME_CLASS_PAGE in listed
    page = admin_site.get(VOLUME_CLASS_PAGE)
    assert {"volumes", "gigabytes", "backups", "gigabytes_fast"} <= set(page.context["form"].fields)
    wider = {row["name"]: row["wider"] for row in page.context["rows"]}
    assert (wider["volumes"], wider["gigabytes_fast"]) == ("10", "no limit")
    assert page.context["form"]["volumes"].value() == 7

    sent = {"gigabytes": "20", "gigabytes_fast": "5", "snapshots": "-1"}
    assert admin_site.post(VOLUME_CLASS_PAGE, sent).status_code == 302

    shown = volume_limits(as_admin)
    assert (shown["volumes"], shown["gigabytes"], shown["snapshots"]) == (10, 20, -1)
    assert (shown["gigabytes_fast"], shown["backups"]) == (5, 10)
    rows = ClassQuota.objects.values_list("resource", "limit")
    assert dict(rows) == {"gigabytes": 20, "gigabytes_fast": 5, "snapshots": -1}
    other = admin_site.get(reverse("admin:volume_class_change", args=["gold"]))
    assert {row["name"]: row["wider"] for row in other.context["rows"]}["gigabytes"] == "20"


@pytest.mark.parametrize("wrong", ["-2", "banana", "9" * 40, "1.5"])
def test_a_wrong_limit_of_the_class_changes_nothing(admin_site: Client, wrong: str) -> None:
    page = admin_site.post(VOLUME_CLASS_PAGE, {"volumes": "3", "gigabytes": wrong})
    assert page.status_code == 200
    assert page.context["form"].errors.keys() == {"gigabytes"}
    assert not ClassQuota.objects.exists()


def test_the_page_of_a_class_is_for_who_may_see_and_change_it(admin_site: Client) -> None:
    long = reverse("admin:volume_class_change", args=["x" * 256])
    assert admin_site.get(long).status_code == 404
    staff = make_user(is_staff=True)
    client = Client()
    client.force_login(staff)
    assert client.get(VOLUME_CLASS_PAGE).status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="view_classquota"))
    page = client.get(VOLUME_CLASS_PAGE)
    assert page.status_code == 200
    assert 'value="Save"' not in page.content.decode()
    assert client.post(VOLUME_CLASS_PAGE, {"volumes": "3"}).status_code == 403
    assert not ClassQuota.objects.exists()
    assert admin_site.get("/admin/volume/classquota/classes/a/b/").status_code == 302  # no page


def test_limits_of_a_class_come_and_go_by_rights_of_their_own(db: None) -> None:
    ClassQuota.objects.create(quota_class="default", resource="volumes", limit=7)
    staff = make_user(is_staff=True)
    client = Client()
    client.force_login(staff)
    for right in ("view", "change"):
        staff.user_permissions.add(Permission.objects.get(codename=f"{right}_classquota"))
    for sent in ({"volumes": "7", "backups": "3"}, {"volumes": ""}):
        assert client.post(VOLUME_CLASS_PAGE, sent).status_code == 403
    assert client.post(VOLUME_CLASS_PAGE, {"volumes": "8"}).status_code == 302
    assert ClassQuota.objects.get().limit == 8
    assert LogEntry.objects.get().get_change_message() == "volumes: 8"


def test_who_changed_limits_of_a_class_is_noted(admin_site: Client) -> None:
    for sent in ({"volumes": "7", "backups": "3"}, {"volumes": "7"}):
        assert admin_site.post(VOLUME_CLASS_PAGE, sent).status_code == 302
    flags = LogEntry.objects.order_by("pk").values_list("action_flag", flat=True)
    assert list(flags) == [ADDITION, ADDITION, DELETION]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"resource": "volumes_later"}, "resource"), ({"quota_class": "a/b"}, "quota_class")],
)
def test_a_limit_of_nothing_is_refused(
    admin_site: Client, wrong: dict[str, str], field: str
) -> None:
    sent = {"quota_class": "default", "resource": "volumes", "limit": "1", **wrong}
    page = admin_site.post(reverse("admin:volume_classquota_add"), sent)
    assert page.context["adminform"].form.errors.keys() == {field}
    assert not ClassQuota.objects.exists()
