"""``POST /servers``: exact when many clients race."""

from __future__ import annotations

import collections
import functools
import itertools
from typing import Any

import pytest

from compute_site.neighbours.volume.models import Attachment, Volume
from quotas.models import Usage
from servers.models import Instance, ServerGroup, ServerGroupMember
from tests.world.cast import ALPHA, Cast, Persona
from tests.world.client import ApiClient
from tests.world.factories import make_volume
from tests.world.orders import Shop, limit
from tests.world.threads import run_at_once

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS = 64


def race(shop: Shop, personas: list[Persona], **order: Any) -> collections.Counter[int]:
    """How often each status was answered to orders that were sent at once."""

    def send(persona: Persona) -> int:
        return shop.order(ApiClient(persona), **order).status

    senders = itertools.islice(itertools.cycle(personas), CLIENTS)
    outcomes = run_at_once([functools.partial(send, persona) for persona in senders])
    assert not [error for error in outcomes if isinstance(error, Exception)]
    return collections.Counter(outcomes)


def test_the_last_servers_of_a_quota_go_to_exactly_as_many_as_fit(shop: Shop, cast: Cast) -> None:
    limit("instances", 11)
    limit("cores", -1)
    statuses = race(shop, [cast.member, cast.second_member, cast.manager])
    assert statuses == {202: 11, 403: CLIENTS - 11}
    assert Instance.objects.count() == 11
    assert Usage.objects.get(project_id=ALPHA, resource="instances").in_use == 11


def test_requests_for_several_servers_share_the_quota_to_the_last(shop: Shop, cast: Cast) -> None:
    limit("instances", 50)
    limit("cores", -1)
    statuses = race(shop, [cast.member], min_count=1, max_count=3)
    assert set(statuses) == {202, 403}
    assert Instance.objects.count() == 50


def test_the_last_places_of_a_group_go_to_exactly_as_many_as_fit(shop: Shop, cast: Cast) -> None:
    for resource in ("instances", "cores", "ram"):
        limit(resource, -1)
    limit("server_group_members", 7)
    group = ServerGroup.objects.create(
        name="g", policy="affinity", project=cast.alpha, user_id=cast.member.user_id
    )
    statuses = race(shop, [cast.member], hints={"group": str(group.uuid)})
    assert statuses == {202: 7, 403: CLIENTS - 7}
    assert ServerGroupMember.objects.filter(group=group).count() == 7
    assert Usage.objects.get(project_id=ALPHA, resource="instances").in_use == 7


def test_one_volume_goes_to_exactly_one_server(shop: Shop, cast: Cast) -> None:
    for resource in ("instances", "cores", "ram"):
        limit(resource, -1)
    volumes = [make_volume(), make_volume()]
    devices = [shop.root()] + [
        {
            "source_type": "volume",
            "destination_type": "volume",
            "uuid": str(volume.pk),
            "boot_index": -1,
        }
        for volume in volumes
    ]
    personas = [cast.member, cast.second_member]
    statuses = race(shop, personas, block_device_mapping_v2=devices)
    assert statuses == {202: 1, 400: CLIENTS - 1}
    assert Attachment.objects.count() == 2
    assert set(Volume.objects.values_list("status", flat=True)) == {"reserved"}
    assert Instance.objects.count() == 1


def test_a_volume_that_is_given_back_while_others_want_it_blocks_nobody(
    shop: Shop, cast: Cast
) -> None:
    """Both take locks on the volume and on the project's usage: in the same order."""
    device = {
        "source_type": "volume",
        "destination_type": "volume",
        "uuid": str(make_volume().pk),
        "boot_index": -1,
    }
    order = {"block_device_mapping_v2": [shop.root(), device]}
    client = ApiClient(cast.member)
    server = shop.order(client, **order).expect(202).json["server"]["id"]
    for _ in range(5):
        outcomes = run_at_once(
            [
                functools.partial(client_delete, cast.member, server),
                *[functools.partial(client_order, shop, cast.member, order) for _ in range(7)],
            ]
        )
        assert outcomes[0] == 204
        assert set(outcomes[1:]) <= {202, 400}
        assert outcomes.count(202) <= 1
        if 202 not in outcomes:
            shop.order(client, **order).expect(202)
        server = str(Instance.objects.alive().get().uuid)


def client_delete(persona: Persona, server: str) -> int:
    return ApiClient(persona).delete(f"/servers/{server}").status


def client_order(shop: Shop, persona: Persona, order: dict[str, Any]) -> int:
    return shop.order(ApiClient(persona), **order).status
