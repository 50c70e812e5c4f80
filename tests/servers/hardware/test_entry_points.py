"""What the create request calls: the whole demand, and which fault comes first."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from compute_site.faults import BadRequest
from servers import hardware
from servers.hardware import errors
from tests.servers.hardware.factories import make_flavor, make_image

Texts = Mapping[str, str]

GPU = {"name": "gpu", "vendor_id": "10de", "product_id": "1eb8", "device_type": "type-PCI"}


def test_a_plain_flavor_and_image_ask_for_nothing() -> None:
    demand = hardware.plan_hardware(make_flavor(), make_image(), pci_aliases=())
    assert demand.as_json() == {"numa": None, "pci_requests": [], "pci_numa_policy": None}


def test_a_demand_is_stored_as_plain_json() -> None:
    flavor = make_flavor(
        {
            "cpu_policy": "mixed",
            "cpu_dedicated_mask": "^0",
            "numa_nodes": "2",
            "mem_page_size": "large",
            "pci_passthrough:alias": "gpu:1",
        }
    )
    image = make_image({"hw_pci_numa_affinity_policy": "socket", "hw_cpu_thread_policy": "prefer"})
    stored = hardware.plan_hardware(flavor, image, pci_aliases=[GPU]).as_json()
    node = {"page_size": "large", "cpu_policy": "mixed", "thread_policy": "prefer"}
    assert json.loads(json.dumps(stored)) == {
        "numa": {
            "emulator_policy": None,
            "cells": [
                {"id": 0, "cpus": [0], "dedicated_cpus": [1], "memory_mb": 2048, **node},
                {"id": 1, "cpus": [], "dedicated_cpus": [2, 3], "memory_mb": 2048, **node},
            ],
        },
        "pci_requests": [
            {
                "alias": "gpu",
                "count": 1,
                "specs": [{"vendor_id": "10de", "product_id": "1eb8", "device_type": "type-PCI"}],
                "numa_policy": "socket",
            }
        ],
        "pci_numa_policy": "socket",
    }


def test_the_layout_is_checked_before_the_pci_policy_and_that_before_aliases() -> None:
    specs = {"pci_numa_affinity_policy": "required", "pci_passthrough:alias": "nosuch:1"}
    image = make_image({"hw_pci_numa_affinity_policy": "legacy"})
    with pytest.raises(errors.PciPolicyClash):
        hardware.plan_hardware(make_flavor(specs), image, pci_aliases=())
    with pytest.raises(errors.WrongNumaLayout):
        hardware.plan_hardware(make_flavor({**specs, "numa_nodes": "3"}), image, pci_aliases=())
    with pytest.raises(errors.PciAliasUnknown):
        hardware.plan_hardware(make_flavor(specs), make_image(), pci_aliases=())


@pytest.mark.parametrize(
    ("specs", "properties"),
    [
        ({"mem_encryption": "true"}, {}),
        ({"pmu": "true"}, {"hw_pmu": "false"}),
        ({"serial_port_count": "1"}, {"hw_serial_port_count": "2"}),
        ({"cpu_realtime": "true"}, {}),
        ({"cpu_sockets": "x"}, {}),
        ({"vif_multiqueue_enabled": "true"}, {"hw_vif_multiqueue_enabled": "false"}),
    ],
)
def test_flavor_and_image_are_checked_against_each_other(specs: Texts, properties: Texts) -> None:
    with pytest.raises(BadRequest) as caught:
        hardware.check_hardware(make_flavor(specs), make_image(properties))
    assert caught.value.status == 400


def test_a_good_pair_passes_all_checks() -> None:
    flavor = make_flavor({"pmu": "true", "sound_model": "usb", "virtio_packed_ring": "no"})
    image = make_image({"hw_pmu": "on", "hw_sound_model": "usb", "hw_virtio_packed_ring": "0"})
    hardware.check_packed_ring(flavor, image)
    hardware.check_hardware(flavor, image)
    hardware.check_sound(flavor, image)


def test_packed_rings_and_sound_have_checks_of_their_own() -> None:
    flavor = make_flavor({"sound_model": "gramophone", "virtio_packed_ring": "yes"})
    image = make_image({"hw_virtio_packed_ring": "no"})
    hardware.check_hardware(flavor, image)
    with pytest.raises(errors.FlavorImageClash):
        hardware.check_packed_ring(flavor, image)
    with pytest.raises(errors.WrongExtraSpec):
        hardware.check_sound(flavor, image)


@pytest.mark.parametrize(
    "specs", [{"tpm_version": "3.0"}, {"os:secure_boot": "yes"}, {"usb_model": "ps2"}]
)
def test_what_only_a_host_looks_at_is_not_checked_here(specs: Texts) -> None:
    hardware.plan_hardware(make_flavor(specs), make_image(), pci_aliases=())
    hardware.check_hardware(make_flavor(specs), make_image())
