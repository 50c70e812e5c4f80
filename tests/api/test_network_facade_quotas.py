"""Quotas of the network API, as clients show them beside those of compute."""

from __future__ import annotations

import pytest

from compute_site.neighbours.network.models import Network, Port, Quota
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import ApiClient

QUOTAS = "//network/v2.0/quotas"


def test_a_member_sees_the_limits_of_the_own_project(as_member: ApiClient, cast: Cast) -> None:
    Quota.objects.create(project=cast.alpha, resource="port", limit=7)
    quota = as_member.get(f"{QUOTAS}/{ALPHA}").expect(200).json["quota"]
    assert (quota["port"], quota["network"], quota["router"]) == (7, 100, 10)
    assert as_member.get(f"{QUOTAS}/{ALPHA}/default").expect(200).json["quota"]["port"] == 500


def test_usage_counts_what_the_project_has(as_member: ApiClient, cast: Cast) -> None:
    network = Network.objects.create(name="mine", project=cast.alpha)
    for _ in range(2):
        Port.objects.create(network=network, project=cast.alpha)
    Port.objects.create(network=network, project=cast.beta)
    quota = as_member.get(f"{QUOTAS}/{ALPHA}/details").expect(200).json["quota"]
    assert quota["port"] == {"limit": 500, "used": 2, "reserved": 0}
    assert quota["network"]["used"] == 1


@pytest.mark.parametrize("path", ["", "/default", "/details"])
def test_the_quota_of_another_project_is_hidden(as_member: ApiClient, path: str) -> None:
    for owner in (BETA, "nobody"):
        as_member.get(f"{QUOTAS}/{owner}{path}").expect(403)


def test_an_admin_limits_ports_and_lifts_the_limit(
    as_admin: ApiClient, as_member: ApiClient
) -> None:
    answer = as_admin.put(f"{QUOTAS}/{BETA}", {"quota": {"port": 3}}).expect(200)
    assert answer.json["quota"]["port"] == 3
    assert Quota.objects.get(project=BETA).limit == 3
    listed = as_admin.get(QUOTAS).expect(200).json["quotas"]
    assert [(row["project_id"], row["port"]) for row in listed] == [(BETA, 3)]
    as_admin.delete(f"{QUOTAS}/{BETA}").expect(204)
    assert not Quota.objects.filter(project=BETA).exists()
    as_member.put(f"{QUOTAS}/{ALPHA}", {"quota": {"port": 3}}).expect(403)
    as_member.delete(f"{QUOTAS}/{ALPHA}").expect(403)
    as_member.get(QUOTAS).expect(403)


@pytest.mark.parametrize("quota", [{"port": -2}, {"port": "many"}, {"trunk": 5}, {"cats": 5}])
def test_what_cannot_be_limited_is_refused(as_admin: ApiClient, quota: dict[str, object]) -> None:
    as_admin.put(f"{QUOTAS}/{ALPHA}", {"quota": quota}).expect(400)
    assert not Quota.objects.exists()


def test_a_limit_below_what_is_used_is_refused_on_request(as_admin: ApiClient, cast: Cast) -> None:
    network = Network.objects.create(name="mine", project=cast.alpha)
    Port.objects.create(network=network, project=cast.alpha)
    limit = {"port": 0, "check_limit": True}
    as_admin.put(f"{QUOTAS}/{ALPHA}", {"quota": limit}).expect(400)
    as_admin.put(f"{QUOTAS}/{ALPHA}", {"quota": limit | {"check_limit": False}}).expect(200)
    assert Quota.objects.get(project=ALPHA).limit == 0
