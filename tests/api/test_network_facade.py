"""The network API as clients of compute use it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.test.utils import CaptureQueriesContext

from compute_site.neighbours.network.models import FixedIp, SecurityGroup
from tests.world.cast import UNKNOWN_ID, Cast
from tests.world.client import ApiClient
from tests.world.services import make_network, make_port

V2 = "//network/v2.0"


def names(client: ApiClient, noun: str, query: str = "") -> list[str]:
    rows = client.get(f"{V2}/{noun}{query}").expect(200).json[noun.replace("-", "_")]
    return [row["name"] for row in rows]


@pytest.mark.parametrize("path", ["//network", "//network/"])
def test_the_version_document_is_for_everyone(anonymous: ApiClient, path: str) -> None:
    [version] = anonymous.get(path).expect(200).json["versions"]
    assert (version["id"], version["status"]) == ("v2.0", "CURRENT")


@pytest.mark.parametrize("noun", ["networks", "ports", "nothing"])
def test_all_else_needs_a_token(anonymous: ApiClient, noun: str) -> None:
    anonymous.get(f"{V2}/{noun}").expect(401)


@pytest.mark.parametrize(
    "noun", ["networks", "subnets", "ports", "security-groups", "floatingips", "routers"]
)
@pytest.mark.parametrize("row_id", ["private", UNKNOWN_ID])
def test_an_id_that_is_none_is_not_found(as_member: ApiClient, noun: str, row_id: str) -> None:
    answer = as_member.get(f"{V2}/{noun}/{row_id}").expect(404)
    assert answer.json["NeutronError"]["type"] == "NotFound"


def test_networks_are_listed_and_filtered(as_member: ApiClient, cast: Cast) -> None:
    own = make_network(cast.alpha, "10.1.0.0/24", name="own")
    make_network(cast.beta, name="public", external=True)
    make_network(cast.beta, name="shared", shared=True)
    make_network(cast.beta, name="foreign")
    assert names(as_member, "networks") == ["own", "public", "shared"]
    assert names(as_member, "networks", "?name=own") == ["own"]
    assert names(as_member, "networks", f"?id={own.pk}&id=nothing") == ["own"]
    assert names(as_member, "networks", "?router:external=True") == ["public"]
    assert names(as_member, "networks", "?shared=true") == ["shared"]
    assert names(as_member, "networks", f"?project_id={cast.alpha.pk}") == ["own"]
    assert names(as_member, "networks", f"?tenant_id={cast.beta.pk}") == ["public", "shared"]
    shown = as_member.get(f"{V2}/networks/{own.pk}").expect(200).json["network"]
    assert shown["subnets"] == [str(own.subnets.get().pk)]
    assert "provider:network_type" not in shown


def test_an_admin_sees_everything(as_admin: ApiClient, cast: Cast) -> None:
    foreign = make_network(cast.beta, name="foreign", physical_network="physnet1")
    shown = as_admin.get(f"{V2}/networks/{foreign.pk}").expect(200).json["network"]
    assert shown["provider:physical_network"] == "physnet1"


def test_only_the_asked_fields_are_shown(as_member: ApiClient, cast: Cast) -> None:
    make_network(cast.alpha, name="own")
    listed = as_member.get(f"{V2}/networks?fields=name&fields=shared").expect(200).json
    assert listed["networks"] == [{"name": "own", "shared": False}]


def test_the_list_has_pages(as_member: ApiClient, cast: Cast) -> None:
    for name in "abc":
        make_network(cast.alpha, name=name)
    first = as_member.get(f"{V2}/networks?limit=2").expect(200).json
    assert [row["name"] for row in first["networks"]] == ["a", "b"]
    next_url = first["networks_links"][0]["href"].removeprefix("http://testserver")
    second = as_member.get(f"/{next_url}").expect(200).json
    assert [row["name"] for row in second["networks"]] == ["c"]
    assert "networks_links" not in second


def test_subnets_are_those_of_the_networks(as_member: ApiClient, cast: Cast) -> None:
    own = make_network(cast.alpha, "10.1.0.0/24", "fd00:1::/64")
    make_network(cast.beta, "10.2.0.0/24")
    listed = as_member.get(f"{V2}/subnets").expect(200).json["subnets"]
    assert {row["cidr"] for row in listed} == {"10.1.0.0/24", "fd00:1::/64"}
    [six] = as_member.get(f"{V2}/subnets?ip_version=6&network_id={own.pk}").json["subnets"]
    assert six["gateway_ip"] == "fd00:1::1"


def test_ports_show_addresses_and_groups(as_member: ApiClient, cast: Cast) -> None:
    network = make_network(cast.alpha, "10.1.0.0/24")
    port = make_port(network, name="own", device_id="server")
    FixedIp.objects.create(
        port=port, network=network, subnet=network.subnets.get(), address="10.1.0.5"
    )
    group = SecurityGroup.objects.create(name="web", project=cast.alpha)
    port.security_groups.add(group)
    make_port(network, name="foreign", project=cast.beta)
    make_port(network, name="spare")
    assert names(as_member, "ports") == ["own", "spare"]
    [shown] = as_member.get(f"{V2}/ports?device_id=server").json["ports"]
    assert shown["fixed_ips"] == [
        {"subnet_id": str(network.subnets.get().pk), "ip_address": "10.1.0.5"}
    ]
    assert shown["security_groups"] == [str(group.pk)]
    assert "binding:host_id" not in shown


def test_security_groups_are_the_own_ones(as_member: ApiClient, cast: Cast) -> None:
    SecurityGroup.objects.create(name="web", project=cast.alpha)
    SecurityGroup.objects.create(name="web", project=cast.beta)
    assert names(as_member, "security-groups", "?name=web") == ["web"]


def test_what_is_not_kept_is_an_empty_list(as_member: ApiClient) -> None:
    assert as_member.get(f"{V2}/floatingips?port_id=x").expect(200).json == {"floatingips": []}
    assert as_member.get(f"{V2}/routers").expect(200).json == {"routers": []}


def test_extensions_are_told(as_member: ApiClient) -> None:
    listed = as_member.get(f"{V2}/extensions").expect(200).json["extensions"]
    assert "security-group" in {extension["alias"] for extension in listed}
    as_member.get(f"{V2}/extensions/security-group").expect(200)
    as_member.get(f"{V2}/extensions/nothing").expect(404)


def test_statements_do_not_grow_with_the_list(
    as_member: ApiClient,
    cast: Cast,
    statements: Callable[[], AbstractContextManager[CaptureQueriesContext]],
) -> None:
    counts = []
    network = make_network(cast.alpha, "10.1.0.0/24")
    for _ in range(2):
        for _ in range(5):
            make_port(network)
        with statements() as seen:
            as_member.get(f"{V2}/ports").expect(200)
        counts.append(len(seen))
    assert counts[0] == counts[1]
