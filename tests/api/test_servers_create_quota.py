"""``POST /servers``: quotas of servers, vCPUs and memory, and the limits of one request."""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.neighbours.network.models import Quota
from quotas.models import Usage
from servers.create.permission import MOST_SERVERS
from servers.models import Instance, RequestSpec
from tests.world.cast import ALPHA, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_flavor, make_network, make_port
from tests.world.orders import Shop, limit


def usage() -> dict[str, int]:
    return dict(Usage.objects.filter(project_id=ALPHA).values_list("resource", "in_use"))


def names() -> list[str]:
    return list(Instance.objects.order_by("launch_index").values_list("display_name", flat=True))


def test_the_usage_grows_with_the_servers(shop: Shop, as_member: ApiClient) -> None:
    flavor = make_flavor(vcpus=2, memory_mb=256)
    shop.order(as_member, flavorRef=flavor.flavorid, min_count=3).expect(202)
    assert usage() == {"instances": 3, "cores": 6, "ram": 768}


@pytest.mark.parametrize(
    ("resource", "number", "made"),
    [
        pytest.param("instances", 3, 3, id="servers"),
        pytest.param("cores", 5, 2, id="vcpus"),
        pytest.param("ram", 4096, 4, id="memory"),
        pytest.param("instances", 1, 1, id="one-is-left"),
        pytest.param("instances", -1, 5, id="unlimited"),
    ],
)
def test_the_largest_number_is_lowered_to_what_fits(
    shop: Shop, as_member: ApiClient, resource: str, number: int, made: int
) -> None:
    limit(resource, number)
    flavor = make_flavor(vcpus=2, memory_mb=1024)
    shop.order(as_member, flavorRef=flavor.flavorid, max_count=5).expect(202)
    assert Instance.objects.count() == made
    assert usage() == {"instances": made, "cores": 2 * made, "ram": 1024 * made}
    assert set(RequestSpec.objects.values_list("num_instances", flat=True)) == {made}


def test_names_follow_the_lowered_number(shop: Shop, as_member: ApiClient) -> None:
    limit("instances", 2)
    shop.order(as_member, max_count=3).expect(202)
    assert names() == ["web-1", "web-2"]


def test_a_number_lowered_to_one_leaves_the_name_bare(shop: Shop, as_member: ApiClient) -> None:
    limit("instances", 1)
    shop.order(as_member, max_count=3).expect(202)
    assert names() == ["web"]


def test_less_than_the_smallest_number_is_refused(shop: Shop, as_member: ApiClient) -> None:
    limit("cores", 1)
    answer = shop.order(as_member, min_count=2, max_count=3).expect(403)
    assert answer.fault == "forbidden"
    assert "cores" in answer.message
    assert Instance.objects.count() == 0
    assert set(usage().values()) <= {0}


def test_an_unlimited_number_of_servers_does_not_refuse_what_the_cores_allow(
    shop: Shop, as_member: ApiClient
) -> None:
    limit("instances", -1)
    limit("cores", 2)
    shop.order(as_member, max_count=4).expect(202)
    assert Instance.objects.count() == 2


def test_the_limit_of_a_user_counts_what_the_user_has(
    shop: Shop, as_member: ApiClient, as_second_member: ApiClient, cast: Cast
) -> None:
    limit("instances", 2, user_id=cast.member.user_id)
    shop.order(as_second_member, min_count=3).expect(202)
    shop.order(as_member).expect(202)
    shop.order(as_member).expect(202)
    shop.order(as_member).expect(403)
    shop.order(as_second_member).expect(202)


def test_the_quota_speaks_before_the_rules_on_devices(shop: Shop, as_member: ApiClient) -> None:
    limit("instances", 0)
    blank = {"source_type": "blank", "destination_type": "volume", "boot_index": -1}
    shop.order(as_member, block_device_mapping_v2=[shop.root(), blank]).expect(403)
    limit("instances", 1)
    shop.order(as_member, block_device_mapping_v2=[shop.root(), blank]).expect(400)


@pytest.mark.parametrize("number", [2**40, str(2**70)])
def test_a_number_beyond_everything_is_lowered_or_refused(
    shop: Shop, as_member: ApiClient, number: Any
) -> None:
    limit("instances", 2)
    shop.order(as_member, max_count=number).expect(202)
    assert Instance.objects.count() == 2
    answer = shop.order(as_member, min_count=number, max_count=number).expect(403)
    assert answer.blamed == ["server.min_count"]


def test_one_request_makes_a_bounded_number_of_servers(shop: Shop, as_member: ApiClient) -> None:
    for resource in ("instances", "cores", "ram"):
        limit(resource, -1)
    answer = shop.order(as_member, min_count=MOST_SERVERS + 1).expect(403)
    assert str(MOST_SERVERS) in answer.message


@pytest.mark.parametrize(
    ("resource", "number", "order"),
    [
        ("metadata_items", 1, {"metadata": {"a": "1", "b": "2"}}),
        ("injected_files", 0, {"personality": [{"path": "/a", "contents": ""}]}),
        ("injected_file_path_bytes", 1, {"personality": [{"path": "/a", "contents": ""}]}),
        (
            "injected_file_content_bytes",
            3,
            {"personality": [{"path": "/a", "contents": "YWE="}]},
        ),
    ],
)
def test_what_one_server_is_given_is_limited(
    shop: Shop,
    as_member: ApiClient,
    resource: str,
    number: int,
    order: dict[str, Any],
) -> None:
    limit(resource, number)
    answer = shop.order(as_member, microversion="2.1", networks=None, **order).expect(403)
    assert resource in answer.message
    assert answer.blamed == [f"server.{next(iter(order))}"]
    limit(resource, -1)
    shop.order(as_member, microversion="2.1", networks=None, **order).expect(202)


class TestPorts:
    """The port quota of the network service."""

    def test_it_lowers_the_largest_number(self, shop: Shop, as_member: ApiClient) -> None:
        network = make_network()
        make_port(network)
        Quota.objects.create(project_id=ALPHA, resource="port", limit=5)
        networks = [{"uuid": str(network.pk)}, {"uuid": str(network.pk)}]
        shop.order(as_member, networks=networks, max_count=5).expect(202)
        assert names() == ["web-1", "web-2"]

    def test_it_refuses_less_than_the_smallest_number(
        self, shop: Shop, as_member: ApiClient
    ) -> None:
        Quota.objects.create(project_id=ALPHA, resource="port", limit=1)
        networks = [{"uuid": str(make_network().pk)}]
        answer = shop.order(as_member, networks=networks, min_count=2).expect(403)
        assert "port" in answer.message

    def test_it_refuses_a_project_beyond_its_quota(self, shop: Shop, as_member: ApiClient) -> None:
        network = make_network()
        make_port(network)
        Quota.objects.create(project_id=ALPHA, resource="port", limit=0)
        answer = shop.order(as_member, networks=[{"uuid": str(network.pk)}]).expect(403)
        assert answer.blamed == ["server.networks"]

    def test_a_port_that_exists_takes_none(self, shop: Shop, as_member: ApiClient) -> None:
        port = make_port(make_network(), ip_allocation="none")
        Quota.objects.create(project_id=ALPHA, resource="port", limit=0)
        shop.order(as_member, networks=[{"port": str(port.pk)}]).expect(202)

    def test_without_a_quota_there_is_no_limit(self, shop: Shop, as_member: ApiClient) -> None:
        Quota.objects.create(project_id=ALPHA, resource="port", limit=-1)
        networks = [{"uuid": str(make_network().pk)}]
        shop.order(as_member, networks=networks, min_count=5).expect(202)
