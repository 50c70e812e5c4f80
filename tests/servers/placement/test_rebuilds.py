"""What becomes of a server that is rebuilt from another image: the same as in a real Nova (34.0.0),
which asks its host again, and refuses a changed NUMA layout.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from tests.world.client import ApiClient
from tests.world.factories import make_flavor, make_image
from tests.world.jobs import run_jobs
from tests.world.moving import Rack, act, state

Texts = dict[str, str]


class Rebuild(NamedTuple):
    """CPUs and extra specs of the flavor, properties of both images; what Nova answered, and the
    state of the server in the end.
    """

    vcpus: int
    specs: Texts
    old: Texts
    new: Texts
    status: int
    became: str


NUMA_1, NUMA_2 = {"hw:numa_nodes": "1"}, {"hw:numa_nodes": "2"}
SHARED, PINNED = {"hw:cpu_policy": "shared"}, {"hw:cpu_policy": "dedicated"}
TWO_NODES, DEDICATED = {"hw_numa_nodes": "2"}, {"hw_cpu_policy": "dedicated"}
ALONE = {"hw_cpu_thread_policy": "isolate"}

CASES = (
    Rebuild(1, {}, {}, TWO_NODES, 400, "active"),
    Rebuild(2, SHARED, TWO_NODES, {}, 400, "active"),
    Rebuild(2, SHARED, TWO_NODES, TWO_NODES, 202, "active"),
    Rebuild(1, NUMA_1, {}, TWO_NODES, 400, "active"),
    Rebuild(1, NUMA_1, {}, {"hw_architecture": "x86_64"}, 202, "active"),
    Rebuild(1, {}, {}, {"hw_architecture": "aarch64"}, 202, "error"),
    Rebuild(1, {}, {}, {"img_hv_type": "qemu"}, 202, "error"),
    Rebuild(2, PINNED, {}, DEDICATED, 202, "active"),
    Rebuild(2, SHARED, {}, DEDICATED, 400, "active"),
    Rebuild(1, {}, {}, DEDICATED, 400, "active"),
    Rebuild(1, {}, {}, {"trait:CUSTOM_GOLD": "required"}, 202, "error"),
    Rebuild(1, {}, {}, {"hw_numa_nodes": "two"}, 400, "active"),
    Rebuild(1, {}, {}, {"hw_architecture": "x86_64"}, 202, "active"),
    Rebuild(1, {}, {}, ALONE, 400, "active"),
    Rebuild(1, {}, {}, {"hw_cpu_sockets": "2"}, 202, "active"),
    Rebuild(1, {}, {}, {"hw_cpu_realtime_mask": "^0"}, 202, "active"),
    Rebuild(2, PINNED, DEDICATED, {}, 202, "active"),
    Rebuild(2, PINNED, {}, ALONE, 400, "active"),
    Rebuild(4, NUMA_2, {}, TWO_NODES, 400, "active"),
    Rebuild(1, {}, {}, {"hw_architecture": "amd64"}, 202, "active"),
    Rebuild(1, {}, {}, {"img_hv_type": "hal9000"}, 400, "active"),
)


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_what_becomes_of_a_rebuild(as_member: ApiClient, db: None, case: Rebuild) -> None:
    rack = Rack()
    sizes = {"vcpus": case.vcpus, "memory_mb": 1024, "root_gb": 10}
    flavor = make_flavor(**sizes, extra_specs=case.specs)
    images = [str(make_image(properties=properties).pk) for properties in (case.old, case.new)]
    server = rack.server(as_member, flavorRef=flavor.flavorid, imageRef=images[0])
    act(as_member, server, rebuild={"imageRef": images[1]}).expect(case.status)
    run_jobs()
    assert state(server) == (case.became, None)
