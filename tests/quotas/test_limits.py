"""Which limit applies."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from compute_site.identity.models import Project
from quotas.limits import class_limits, effective_limits
from quotas.models import Limit
from quotas.resources import RESOURCES
from tests.world.factories import make_project


@pytest.fixture
def project(db: None) -> Project:
    return make_project()


def test_the_narrowest_scope_with_a_limit_wins(
    project: Project, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Limit.objects.create(project=project, user_id="someone", resource="cores", limit=1)
    Limit.objects.create(project=project, resource="cores", limit=2)
    Limit.objects.create(project=project, resource="ram", limit=3)
    for resource in ("cores", "ram", "instances"):
        Limit.objects.create(quota_class="default", resource=resource, limit=4)
        Limit.objects.create(quota_class="other", resource=resource, limit=5)
    names = ["cores", "ram", "instances", "key_pairs"]
    with django_assert_num_queries(1):
        limits = effective_limits(project.pk, "someone", names)
    assert limits == {"cores": 1, "ram": 3, "instances": 4, "key_pairs": 100}
    assert effective_limits(project.pk, "another", names)["cores"] == 2
    assert effective_limits(project.pk, None, names)["cores"] == 2


def test_a_class_has_the_options_limits_but_for_its_own(project: Project) -> None:
    Limit.objects.create(quota_class="default", resource="cores", limit=4)
    Limit.objects.create(quota_class="other", resource="ram", limit=5)
    limits = class_limits("other")
    assert (limits["ram"], limits["cores"]) == (5, 20)


@pytest.mark.django_db
def test_an_unknown_project_has_the_defaults() -> None:
    limits = effective_limits("nowhere")
    assert limits == {name: resource.default for name, resource in RESOURCES.items()}
    assert limits["injected_file_path_bytes"] == 255
    assert limits["fixed_ips"] == -1
