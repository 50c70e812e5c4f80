"""Reserving and giving back, against the database."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries

from compute_site.identity.models import Project
from quotas.enforce import give_back, reserve
from quotas.errors import OverQuota
from quotas.fit import Wanted
from quotas.models import Limit, Usage
from tests.world.factories import make_project


def no_user_usage() -> Mapping[str, int]:
    raise AssertionError("the user's servers are only counted where the user has a limit")


def usage_of(project: Project) -> dict[str, int]:
    return dict(Usage.objects.filter(project=project).values_list("resource", "in_use"))


def take(project: Project, minimum: int, maximum: int, *, vcpus: int = 1) -> int:
    wanted = Wanted.servers(vcpus=vcpus, memory_mb=512, minimum=minimum, maximum=maximum)
    return reserve(project.pk, "user", wanted, user_usage=no_user_usage)


@pytest.fixture
def project(db: None) -> Project:
    return make_project()


def test_a_reservation_is_added_to_the_usage(project: Project) -> None:
    assert take(project, 2, 2, vcpus=3) == 2
    assert usage_of(project) == {"instances": 2, "cores": 6, "ram": 1024}


def test_the_number_is_lowered_to_what_fits(project: Project) -> None:
    Limit.objects.create(project=project, resource="cores", limit=5)
    assert take(project, 1, 4, vcpus=2) == 2
    assert usage_of(project)["cores"] == 4


def test_a_refused_reservation_takes_nothing(project: Project) -> None:
    Limit.objects.create(project=project, resource="ram", limit=600)
    with pytest.raises(OverQuota, match="ram"):
        take(project, 2, 2)
    assert set(usage_of(project).values()) == {0}


def test_a_project_without_own_limit_has_the_default_class_s(project: Project) -> None:
    Limit.objects.create(quota_class="default", resource="instances", limit=1)
    Limit.objects.create(quota_class="other", resource="instances", limit=0)
    assert take(project, 1, 3) == 1


def test_the_option_applies_where_no_row_does(project: Project) -> None:
    assert take(project, 1, 100) == 10


def test_the_user_s_own_limit_applies_to_the_user_s_own_servers(project: Project) -> None:
    Limit.objects.create(project=project, user_id="user", resource="instances", limit=4)
    usage = {"instances": 3, "cores": 900, "ram": 0}
    wanted = Wanted.servers(vcpus=1, memory_mb=1, maximum=3)
    assert reserve(project.pk, "user", wanted, user_usage=lambda: usage) == 1
    assert reserve(project.pk, "another", wanted, user_usage=lambda: usage) == 3


def test_a_reservation_takes_two_statements(
    project: Project, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    take(project, 1, 1)
    with django_assert_num_queries(2):
        take(project, 5, 5)


def test_what_is_given_back_can_be_taken_again(
    project: Project, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    take(project, 10, 10)
    with django_assert_num_queries(1):
        give_back(project.pk, {"instances": 4, "cores": 4, "ram": 2048})
    assert usage_of(project) == {"instances": 6, "cores": 6, "ram": 3072}
    assert take(project, 1, 10) == 4


def test_giving_back_more_than_is_in_use_stops_at_zero(project: Project) -> None:
    take(project, 1, 1)
    give_back(project.pk, {"instances": 2, "cores": 1, "ram": 512})
    assert usage_of(project) == {"instances": 0, "cores": 0, "ram": 0}


def test_server_groups_are_reserved_by_themselves(project: Project) -> None:
    Limit.objects.create(project=project, resource="server_groups", limit=1)
    reserve(project.pk, "user", Wanted({"server_groups": 1}), user_usage=no_user_usage)
    with pytest.raises(OverQuota, match="server_groups"):
        reserve(project.pk, "user", Wanted({"server_groups": 1}), user_usage=no_user_usage)


def in_threads(number: int, work: object) -> list[int]:
    """What each thread returned; a refusal is 0."""
    results: list[int] = []
    start = threading.Barrier(number)

    def run() -> None:
        start.wait(timeout=20)
        try:
            with transaction.atomic():
                results.append(work())  # type: ignore[operator]
        except OverQuota:
            results.append(0)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


@pytest.mark.django_db(transaction=True)
def test_reservations_at_once_take_exactly_the_limit() -> None:
    project = make_project()
    Limit.objects.create(project=project, resource="instances", limit=11)
    taken = in_threads(8, lambda: take(project, 1, 2))
    assert len(taken) == 8
    assert sum(taken) == 11
    assert usage_of(project)["instances"] == 11


@pytest.mark.django_db(transaction=True)
def test_taking_and_giving_back_at_once_neither_loses_nor_blocks() -> None:
    project = make_project()
    take(project, 8, 8)

    def swap() -> int:
        give_back(project.pk, {"ram": 512, "instances": 1, "cores": 1})
        return take(project, 1, 1)

    assert in_threads(8, swap) == [1] * 8
    assert usage_of(project) == {"instances": 8, "cores": 8, "ram": 4096}
