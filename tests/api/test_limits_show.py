"""``GET /limits``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from quotas.models import Limit, Usage
from tests.world.cast import ALPHA, BETA
from tests.world.client import ApiClient

SINCE_2_57 = {
    "maxTotalInstances": 10,
    "maxTotalCores": 20,
    "maxTotalRAMSize": 51200,
    "maxTotalKeypairs": 100,
    "maxServerMeta": 128,
    "maxServerGroups": 10,
    "maxServerGroupMembers": 10,
    "totalInstancesUsed": 0,
    "totalCoresUsed": 0,
    "totalRAMUsed": 0,
    "totalServerGroupsUsed": 0,
}
FILES = {"maxPersonality": 5, "maxPersonalitySize": 10240}
IMAGES = {"maxImageMeta": 128}
NETWORK = {
    "maxTotalFloatingIps": -1,
    "maxSecurityGroups": -1,
    "maxSecurityGroupRules": -1,
    "totalFloatingIpsUsed": 0,
    "totalSecurityGroupsUsed": 0,
}


@pytest.mark.parametrize(
    ("microversion", "absolute"),
    [
        ("2.1", SINCE_2_57 | FILES | IMAGES | NETWORK),
        ("2.35", SINCE_2_57 | FILES | IMAGES | NETWORK),
        ("2.36", SINCE_2_57 | FILES | IMAGES),
        ("2.38", SINCE_2_57 | FILES | IMAGES),
        ("2.39", SINCE_2_57 | FILES),
        ("2.56", SINCE_2_57 | FILES),
        ("2.57", SINCE_2_57),
    ],
)
def test_each_version_shows_its_limits(
    as_reader: ApiClient, microversion: str, absolute: dict[str, int]
) -> None:
    answer = as_reader.get("/limits", microversion=microversion).expect(200)
    assert answer.json == {"limits": {"rate": [], "absolute": absolute}}


def test_own_limits_and_usage_are_shown(as_member: ApiClient) -> None:
    Limit.objects.create(project_id=ALPHA, resource="cores", limit=33)
    Limit.objects.create(project_id=BETA, resource="cores", limit=44)
    Usage.objects.create(project_id=ALPHA, resource="cores", in_use=6)
    Usage.objects.create(project_id=ALPHA, resource="server_groups", in_use=2)
    absolute = as_member.get("/limits").json["limits"]["absolute"]
    assert (absolute["maxTotalCores"], absolute["totalCoresUsed"]) == (33, 6)
    assert absolute["totalServerGroupsUsed"] == 2


def test_an_admin_may_name_a_project(as_admin: ApiClient) -> None:
    Limit.objects.create(project_id=BETA, resource="cores", limit=44)
    absolute = as_admin.get(f"/limits?tenant_id={BETA}").expect(200).json["limits"]["absolute"]
    assert absolute["maxTotalCores"] == 44


@pytest.mark.parametrize("named", [ALPHA, BETA, ""])
def test_nobody_else_may_name_a_project_not_even_the_own(as_member: ApiClient, named: str) -> None:
    as_member.get(f"/limits?tenant_id={named}").expect(403)


@pytest.mark.parametrize(("microversion", "status"), [("2.74", 200), ("2.75", 400)])
def test_unknown_query_keys_are_refused_from_2_75(
    as_member: ApiClient, microversion: str, status: int
) -> None:
    as_member.get("/limits?reserved=1", microversion=microversion).expect(status)


def test_limits_cost_two_statements_beside_those_of_the_token(
    as_member: ApiClient, statements: Callable[[], Any]
) -> None:
    with statements() as token:
        as_member.get("/nosuch")
    with statements() as seen:
        as_member.get("/limits").expect(200)
    assert len(seen) <= len(token) + 3
