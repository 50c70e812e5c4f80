"""What the columns of a request spec ask for."""

from __future__ import annotations

import json

from servers.hardware import plan_hardware
from servers.placement.fit import DeviceRequest, DeviceSpec, GuestDemand
from tests.servers.hardware.factories import make_flavor, make_image

ALIAS = {
    "name": "gpu",
    "vendor_id": "10DE",
    "product_id": "1db6",
    "device_type": "type-PCI",
    "capability_type": "pci",
    "resource_class": "gpu",
    "traits": "big,HW_GPU_API_VULKAN",
    "numa_policy": "required",
}
PORT = {
    "count": 1,
    "specs": [{"physical_network": None, "remote_managed": "False", "dev_type": "type-PF"}],
    "request_id": "0d2c8a52-7f53-4e4c-8d8c-0d76d2b1d8a1",
    "requester_id": "9f1f5b0e-54c7-4f51-9b9b-1c3a7c0a7d53",
    "numa_policy": None,
}


def test_a_stored_request_spec_is_read_back() -> None:
    flavor = make_flavor(
        {"cpu_policy": "dedicated", "numa_nodes": "2", "pci_passthrough:alias": "gpu:2"}
    )
    hardware = plan_hardware(flavor, make_image(), pci_aliases=[ALIAS])
    form = json.loads(json.dumps(hardware.as_json()))
    demand = GuestDemand.from_json(
        numa_topology=form["numa"],
        pci_requests=[*form["pci_requests"], PORT],
        network_metadata={"physnets": ["physnet0"], "tunneled": True},
    )
    assert demand.numa == hardware.numa
    assert demand.devices == (
        DeviceRequest(
            name="gpu",
            count=2,
            specs=(
                DeviceSpec(
                    properties={
                        "vendor_id": "10de",
                        "product_id": "1db6",
                        "dev_type": "type-pci",
                    },
                    resource_class="CUSTOM_GPU",
                    traits=frozenset({"CUSTOM_BIG", "HW_GPU_API_VULKAN"}),
                ),
            ),
            numa_policy="required",
        ),
        DeviceRequest(
            name=PORT["requester_id"],
            count=1,
            specs=(
                DeviceSpec(
                    properties={
                        "physical_network": None,
                        "remote_managed": "false",
                        "dev_type": "type-pf",
                    }
                ),
            ),
            numa_policy="legacy",
        ),
    )
    assert demand.physnets == {"physnet0"}
    assert demand.tunneled


def test_a_guest_may_ask_for_nothing() -> None:
    assert GuestDemand.from_json(numa_topology=None, network_metadata=None) == GuestDemand()
