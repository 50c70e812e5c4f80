"""Pairs of host and guest, made at random, and what Nova's own functions say of them.

Each line of ``fits.jsonl`` has a ``host`` as people write it, a ``guest`` as the columns of its
request spec, and under ``fits`` the cells of the host and the page sizes (null: the guest does not
fit). They are what ``numa_fit_instance_to_host`` and ``PciDeviceStats`` of Nova 34 find when they
are asked for one order of the host's cells at a time, the first whose claim goes through.

``nova`` tells what becomes of the guest when they are asked once for all orders:

* ``same``
* ``its claim fails``: they find a fit that cannot be claimed, as its devices exclude each other, or
  the CPU for the emulator's threads lies beside one that is taken
* ``misses it``, ``finds what is none``, ``other cells``: what was tried before in vain is left in
  the guest's cells and in the memory of tried pairs
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from servers.placement.fit import GuestDemand, GuestPlacement, claim, fit_on_host, give_back
from servers.placement.fit.reading import host_topology
from tests.servers.placement.fit.checker import check_placement

FITS = Path(__file__).with_name("fits.jsonl")


def recorded() -> Iterator[dict[str, Any]]:
    yield from map(json.loads, FITS.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in recorded()])
def test_a_guest_fits_as_recorded(case: dict[str, Any]) -> None:
    host = host_topology(case["host"])
    demand = GuestDemand.from_json(**case["guest"])
    found = fit_on_host(host, demand)
    if case["fits"] is None:
        assert not isinstance(found, GuestPlacement)
        return
    assert isinstance(found, GuestPlacement), found.reason
    check_placement(host, demand, found)
    assert [cell.host_cell for cell in found.cells] == case["fits"]["cells"]
    assert [cell.page_size for cell in found.cells] == case["fits"]["pages"]
    claimed = claim(host, found, holder="guest")
    assert give_back(claimed, found, holder="guest") == host


def test_the_record_tells_of_all_there_is() -> None:
    """Enough of each answer, each CPU and thread policy, each NUMA policy of devices that fit."""
    cases = list(recorded())
    fits = [case for case in cases if case["fits"]]
    assert min(len(fits), len(cases) - len(fits)) > 100
    assert Counter(case["nova"] for case in cases)["same"] > 250
    cells = [
        cell for case in fits if (numa := case["guest"]["numa_topology"]) for cell in numa["cells"]
    ]
    assert {cell["cpu_policy"] for cell in cells} == {None, "shared", "dedicated", "mixed"}
    assert {cell["thread_policy"] for cell in cells} == {None, "prefer", "isolate", "require"}
    assert {cell["page_size"] for cell in cells} > {None, "small", "large", "any", 2048}
    policies = {
        request["numa_policy"] for case in fits for request in case["guest"]["pci_requests"]
    }
    assert policies >= {"required", "preferred", "legacy", "socket"}
