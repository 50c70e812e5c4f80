"""Hosts and guests for these tests: small, and with everything that a test does not name plain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from servers.hardware.numa import NumaCell, NumaTopology
from servers.hardware.values import cpu_list
from servers.placement.fit import (
    DeviceRequest,
    GuestDemand,
    GuestPlacement,
    HostTopology,
    Misfit,
    fit_on_host,
)
from servers.placement.fit.reading import host_topology
from tests.servers.placement.fit.checker import check_placement

NIC = {"vendor_id": "8086", "product_id": "154c"}
WHOLE_NIC = {"vendor_id": "8086", "product_id": "1572"}


def make_host(
    *cells: Mapping[str, Any],
    devices: Sequence[Mapping[str, Any]] = (),
    **limits: Any,
) -> HostTopology:
    """A host whose cells have 4 GiB if nothing else is said, read as people write it."""
    numbered = [{"id": index, "memory_mb": 4096, **cell} for index, cell in enumerate(cells)]
    return host_topology({"cells": numbered, "devices": list(devices), "limits": limits})


def make_guest(
    *cells: Mapping[str, Any] | str,
    policy: str | None = "dedicated",
    thread_policy: str | None = None,
    emulator_policy: str | None = None,
    page_size: int | str | None = None,
    memory_mb: int = 512,
) -> NumaTopology:
    """A guest's layout; a cell is its CPUs (those of the policy), or what differs from the rest."""
    made = []
    for index, cell in enumerate(cells):
        given = {"cpus": cell} if isinstance(cell, str) else dict(cell)
        if policy == "dedicated":
            given = {"dedicated_cpus": given.pop("cpus", "")} | given
        sets = {name: cpu_list(given.pop(name, "")) for name in ("cpus", "dedicated_cpus")}
        usual = {"memory_mb": memory_mb, "page_size": page_size, "thread_policy": thread_policy}
        made.append(NumaCell(id=index, cpu_policy=policy, **sets, **(usual | given)))  # type: ignore[arg-type]
    return NumaTopology(cells=tuple(made), emulator_policy=emulator_policy)


def make_request(
    spec: Mapping[str, Any], *more: Mapping[str, Any], count: int = 1, policy: str | None = None
) -> DeviceRequest:
    return DeviceRequest.from_json(
        {"alias": "card", "count": count, "specs": [spec, *more], "numa_policy": policy}
    )


def make_device(slot: int, **values: Any) -> dict[str, Any]:
    """A plain device in a slot of its own."""
    return {"address": f"0000:0{slot}:00.0", **NIC, **values}


def make_nic(slot: int, *, functions: int = 2, **values: Any) -> list[dict[str, Any]]:
    """A network card: the whole, and its functions."""
    whole = {"address": f"0000:0{slot}:00.0", **WHOLE_NIC, "dev_type": "type-PF", **values}
    parts = [
        {
            "address": f"0000:0{slot}:02.{number}",
            **NIC,
            "dev_type": "type-VF",
            "parent": whole["address"],
            **values,
        }
        for number in range(functions)
    ]
    return [whole, *parts]


def place(host: HostTopology, guest: NumaTopology | None = None, **demand: Any) -> GuestPlacement:
    """The placement of a guest that fits; checked."""
    asked = GuestDemand(numa=guest, **demand)
    placement = fit_on_host(host, asked)
    assert isinstance(placement, GuestPlacement), placement.reason
    check_placement(host, asked, placement)
    return placement


def refuse(host: HostTopology, guest: NumaTopology | None = None, **demand: Any) -> str:
    """The reason why a guest does not fit."""
    misfit = fit_on_host(host, GuestDemand(numa=guest, **demand))
    assert isinstance(misfit, Misfit)
    return misfit.reason


def host_cells(placement: GuestPlacement) -> list[int]:
    return [cell.host_cell for cell in placement.cells]
