"""``POST /servers``: which policy rules are asked, of whom, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from guardian.models import GroupObjectPermission

from servers.models import Instance
from servers.policies import server as rules
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.factories import make_flavor, make_network
from tests.world.hosts import make_host
from tests.world.orders import Shop

BLANK = {
    "source_type": "blank",
    "destination_type": "volume",
    "volume_size": 1,
    "boot_index": -1,
}


def revoke(rule: str) -> None:
    """Take a rule from the members of the project."""
    taken, _ = GroupObjectPermission.objects.filter(
        group__name="alpha/member", permission__codename=rule
    ).delete()
    assert taken == 1


NEEDS: dict[str, Callable[[Shop], dict[str, Any]]] = {
    rules.CREATE: lambda _: {},
    rules.CREATE_TRUSTED_CERTS: lambda _: {"trusted_image_certificates": ["certificate"]},
    rules.CREATE_FORCED_HOST: lambda _: {"availability_zone": f"nova:{make_host().service.host}"},
    rules.CREATE_REQUESTED_DESTINATION: lambda _: {"host": make_host().service.host},
    rules.CREATE_ATTACH_VOLUME: lambda shop: {"block_device_mapping_v2": [shop.root(), BLANK]},
    rules.CREATE_ATTACH_NETWORK: lambda _: {"networks": [{"uuid": str(make_network().pk)}]},
    rules.CREATE_ZERO_DISK_FLAVOR: lambda _: {"flavorRef": make_flavor(root_gb=0).flavorid},
}
"""An order that needs the rule, beside the right to create."""


OF_MEMBERS = (
    rules.CREATE,
    rules.CREATE_TRUSTED_CERTS,
    rules.CREATE_ATTACH_VOLUME,
    rules.CREATE_ATTACH_NETWORK,
)
OF_ADMINS = (
    rules.CREATE_FORCED_HOST,
    rules.CREATE_REQUESTED_DESTINATION,
    rules.CREATE_ZERO_DISK_FLAVOR,
)


@pytest.mark.parametrize("rule", OF_MEMBERS)
def test_members_hold_the_rule_and_lose_it_with_the_grant(
    shop: Shop, as_member: ApiClient, rule: str
) -> None:
    order = NEEDS[rule](shop)
    shop.order(as_member, **order).expect(202)
    revoke(rule)
    refused = shop.order(as_member, **order).expect(403)
    assert refused.fault == "forbidden"
    assert rule in refused.message
    assert Instance.objects.count() == 1


@pytest.mark.parametrize("rule", OF_ADMINS)
def test_only_admins_hold_the_rule(
    shop: Shop, as_member: ApiClient, as_manager: ApiClient, as_admin: ApiClient, rule: str
) -> None:
    order = NEEDS[rule](shop)
    for client in (as_member, as_manager):
        refused = shop.order(client, **order).expect(403)
        assert rule in refused.message
    shop.order(as_admin, **order).expect(202)


@pytest.mark.parametrize("rule", [*OF_MEMBERS, *OF_ADMINS])
def test_readers_may_create_nothing(shop: Shop, as_reader: ApiClient, rule: str) -> None:
    refused = shop.order(as_reader, **NEEDS[rule](shop)).expect(403)
    assert rules.CREATE in refused.message


@pytest.mark.parametrize("networks", ["none", []])
def test_no_network_named_needs_no_right_to_networks(
    shop: Shop, as_member: ApiClient, networks: Any
) -> None:
    revoke(rules.CREATE_ATTACH_NETWORK)
    shop.order(as_member, networks=networks).expect(202)


def test_an_automatic_network_needs_the_right(shop: Shop, as_member: ApiClient) -> None:
    make_network()
    revoke(rules.CREATE_ATTACH_NETWORK)
    shop.order(as_member, networks="auto").expect(403)


def test_null_certificates_need_no_right(shop: Shop, as_member: ApiClient) -> None:
    revoke(rules.CREATE_TRUSTED_CERTS)
    body = shop.body()
    body["server"]["trusted_image_certificates"] = None
    as_member.post("/servers", body, microversion="2.63").expect(202)


def test_a_zero_disk_flavor_is_fine_with_a_volume_as_root(shop: Shop, as_member: ApiClient) -> None:
    root = shop.root(destination_type="volume", volume_size=1)
    shop.order(
        as_member,
        flavorRef=make_flavor(root_gb=0).flavorid,
        imageRef=None,
        block_device_mapping_v2=[root],
    ).expect(202)


IN_ORDER = (*OF_MEMBERS[:2], *OF_ADMINS[:2], *OF_MEMBERS[2:], OF_ADMINS[2])


@pytest.mark.parametrize("first", range(1, len(IN_ORDER) - 1))
def test_of_two_missing_rights_the_earlier_one_is_told(
    shop: Shop, as_member: ApiClient, cast: Cast, first: int
) -> None:
    earlier, later = IN_ORDER[first : first + 2]
    order = NEEDS[earlier](shop) | NEEDS[later](shop)
    for rule in {earlier, later} & {*OF_MEMBERS}:
        revoke(rule)
    refused = shop.order(as_member, **order).expect(403)
    assert earlier in refused.message
