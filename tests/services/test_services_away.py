"""Every call of the services elsewhere while these are away, or answer what nobody understands: 503
with ``Retry-After``, whichever call it is, and no error of ours.
"""

from __future__ import annotations

import contextlib
import inspect
import uuid
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from compute_site.caller import Caller
from compute_site.db.paging import Paging
from compute_site.faults import Fault, Unavailable
from compute_site.neighbours.identity import openstack as identity
from compute_site.neighbours.identity.keystone.tokens import known_tokens
from compute_site.neighbours.image import openstack as images
from compute_site.neighbours.image.protocol import ImageSearch, ImageService
from compute_site.neighbours.network import openstack as network
from compute_site.neighbours.network.groups import NewGroupRule
from compute_site.neighbours.network.protocol import Connection, NetworkService, NicRequest
from compute_site.neighbours.volume import openstack as volumes
from compute_site.neighbours.volume.clients import WantedSnapshot, WantedVolume
from compute_site.neighbours.volume.protocol import NewSnapshot, NewVolume, Swap, VolumeService
from compute_site.policy.granted import every_rule
from compute_site.policy.identity_service import IdentityService
from tests.world.elsewhere import Cloud, Told, cloud_elsewhere

pytestmark = pytest.mark.django_db

ID = str(uuid.uuid4())
CALLER = Caller(
    user_id="u" * 32,
    user_name="u",
    project_id="p" * 32,
    project_name="p",
    roles=frozenset(("admin", "member", "reader")),
    rules=every_rule(),
    token="token-of-a-user",
)
PAGING = Paging(limit=10, marker=None)
OF_PARAMETERS: dict[str, Any] = {
    "caller": CALLER,
    **dict.fromkeys(
        ("server_id", "network_id", "port_id", "group_id", "rule_id", "floating_ip_id", "image_id"),
        ID,
    ),
    **dict.fromkeys(("volume_id", "snapshot_id", "project_id"), ID),
    **dict.fromkeys(("ids", "server_ids", "networks", "names"), (ID,)),
    "connections": [
        Connection(
            caller=CALLER,
            server_id=ID,
            host="host1",
            requests=[NicRequest(network_id=ID)],
            security_groups=[],
        )
    ],
    "requests": [NicRequest(network_id=ID)],
    "request": NicRequest(network_id=ID),
    "security_groups": [],
    "wanted": [(ID, "10.0.0.1")],
    "address": "10.0.0.1",
    "fixed_address": "10.0.0.1",
    "host": "host1",
    "node": "host1",
    "name": "n",
    "description": "",
    "rule": NewGroupRule(
        group_id=ID, protocol="tcp", port_min=1, port_max=1, prefix=None, remote_group_id=None
    ),
    "pairs": [(ID, ID)],
    "devices": {ID: "/dev/vdb"},
    "swap": Swap(server_id=ID, old_id=ID, new_id=ID, claim=ID, device="/dev/vdb"),
    "mark": "m",
    "named": [],
    "search": ImageSearch(paging=PAGING),
    "properties": {"a": "b"},
    "change": dict,
    "pieces": [b"a"],
    "disk_format": "raw",
    "sha512": "0" * 128,
    "text": "a-token",
    "service_token": "",
}
OTHERS: dict[tuple[type, str], dict[str, Any]] = {
    (VolumeService, "create"): {"volumes": [NewVolume(size=1, mark="m")]},
    (VolumeService, "create_snapshots"): {"snapshots": [NewSnapshot(volume_id=ID)]},
    (VolumeService, "delete_snapshots"): {"volumes": [ID]},
    (VolumeService, "make_volume"): {"wanted": WantedVolume(size=1)},
    (VolumeService, "make_snapshot"): {"wanted": WantedSnapshot(volume_id=ID)},
    (NetworkService, "find_security_groups"): {"names": ["web"]},
    (VolumeService, "find_types"): {"names": ["fast"]},
}
SERVICES: dict[type, ModuleType] = {
    IdentityService: identity,
    ImageService: images,
    NetworkService: network,
    VolumeService: volumes,
}
ASK_NOBODY = {
    *("lookups", "login_url", "find_file", "reimage", "are_copied"),
    "spoil",
    *("find_wiring", "find_carried", "find_carriers", "find_carriers_of"),
    *("keep_connection", "find_connections", "connect_again", "show_growth"),
    "disconnect of volumes",
    "connect of volumes",
}
"""Nothing is called by these: what they do has no counterpart there."""
CALLS = [
    (protocol, name)
    for protocol in SERVICES
    for name, _ in inspect.getmembers(protocol, inspect.isfunction)
    if not name.startswith("_") and name not in ASK_NOBODY
    if not (protocol is VolumeService and f"{name} of volumes" in ASK_NOBODY)
]
AWAY = (Told(503, {"message": "no"}), Told(hangs_up=True))
STRANGE = (Told(200, {}), Told(200, []), Told(200), Told(200, b"<html>"))


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    known_tokens.forget()
    with cloud_elsewhere(
        identity_service="compute_site.neighbours.identity.openstack",
        network_service="compute_site.neighbours.network.openstack",
        volume_service="compute_site.neighbours.volume.openstack",
    ) as cloud:
        yield cloud


def arguments(protocol: type, name: str) -> dict[str, Any]:
    """Those without a default, and the ids, by the names of the parameters."""
    given = {**OF_PARAMETERS, **OTHERS.get((protocol, name), {})}
    parameters = list(inspect.signature(getattr(protocol, name)).parameters.values())[1:]
    return {
        parameter.name: given[parameter.name]
        for parameter in parameters
        if parameter.default is inspect.Parameter.empty or parameter.name == "ids"
    }


@pytest.mark.parametrize(("protocol", "name"), CALLS)
def test_a_call_of_a_service_that_is_away_is_503(cloud: Cloud, protocol: type, name: str) -> None:
    call = getattr(SERVICES[protocol], name)
    for told in AWAY:
        cloud.fallback = lambda _asked, told=told: told
        with pytest.raises(Unavailable) as raised:
            call(**arguments(protocol, name))
        assert (raised.value.status, bool(raised.value.headers["Retry-After"])) == (503, True)
    assert cloud.calls()
    for told in STRANGE:  # where little is read of the answer, it may pass for a fine one
        cloud.fallback = lambda _asked, told=told: told
        with contextlib.suppress(Fault):
            call(**arguments(protocol, name))
