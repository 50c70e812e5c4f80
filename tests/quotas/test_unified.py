"""The quota driver that reads the limits of the identity service."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from compute_site.identity.ids import stable_id
from compute_site.identity.models import Limit, RegisteredLimit
from quotas.limits import class_limits, effective_limits
from tests.world.cast import ALPHA, Cast
from tests.world.client import ApiClient
from tests.world.orders import Shop

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _unified(settings: Any) -> None:
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, quota_driver="unified")


def register(name: str, amount: int, *, project: str | None = None) -> None:
    """A registered limit of any project, or with ``project`` the limit of that one."""
    compute = stable_id("service", "compute")
    registered, _ = RegisteredLimit.objects.get_or_create(
        service_id=compute, resource_name=name, defaults={"default_limit": amount}
    )
    if project is not None:
        Limit.objects.create(registered=registered, project_id=project, resource_limit=amount)


def test_limits_are_those_of_the_identity_service(cast: Cast) -> None:
    register("servers", 5)
    register("class:VCPU", 8)
    register("class:VCPU", 4, project=ALPHA)
    register("server_key_pairs", 2)

    found = effective_limits(ALPHA)

    assert (found["instances"], found["cores"], found["key_pairs"]) == (5, 4, 2)
    assert found["ram"] == found["metadata_items"] == found["security_groups"] == -1
    assert class_limits("default")["cores"] == 8


def test_without_a_registered_limit_there_is_no_server(as_member: ApiClient) -> None:
    assert effective_limits(ALPHA)["instances"] == 0
    shop = Shop()
    shop.order(as_member).expect(403)
    register("servers", 1)
    shop.order(as_member).expect(202)
    shop.order(as_member).expect(403)


def test_what_compute_is_told_of_limits_changes_nothing(as_admin: ApiClient) -> None:
    register("servers", 7)
    path = f"/os-quota-sets/{ALPHA}"
    told = as_admin.put(path, {"quota_set": {"instances": 9}}).expect(200)
    assert told.json["quota_set"]["instances"] == 7
    as_admin.delete(path).expect(202)
    sets = {"quota_class_set": {"cores": 3}}
    as_admin.put("/os-quota-class-sets/default", sets).expect(200)
    assert as_admin.get(path).expect(200).json["quota_set"]["instances"] == 7
    assert effective_limits(ALPHA)["cores"] == -1
