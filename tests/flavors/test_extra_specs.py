"""Which extra specs exist, and what they take."""

from __future__ import annotations

import pytest

from flavors.errors import UnknownExtraSpec, WrongExtraSpec
from flavors.extra_specs import NAMED, check_extra_specs


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hw:cpu_policy", "dedicated"),
        ("hw:cpu_realtime", "Yes"),
        ("hw:cpu_realtime_mask", "^0-1,3,^5"),
        ("hw:mem_page_size", "2MiB"),
        ("hw:numa_cpus.0", "0-3,^2"),
        ("hw:numa_mem.12", "512"),
        ("hw:numa_nodes", " 2 "),
        ("hw:pmem", "128GB,6GB"),
        ("hw:redirected_usb_ports", "15"),
        ("group_policy", "none"),
        ("pci_passthrough:alias", "gpu:1, nic:2"),
        ("quota:cpu_quota", "-1"),
        ("quota:vif_outbound_burst", "0"),
        ("resources:VCPU", "2"),
        ("resources_group-1:CUSTOM_GPU", "1"),
        ("resources1:DISK_GB", "0"),
        ("trait:HW_CPU_X86_AVX2", "required"),
        ("trait_2:CUSTOM_GOLD", "forbidden"),
        ("capabilities:free_ram_mb", ">= 1024"),
        ("capabilities:cpu_info:arch", "<in> x86"),
        ("aggregate_instance_extra_specs:rack", "anything"),
        ("accel:device_profile", ""),
        ("my_own", "anything"),
        ("mine:own", "anything"),
    ],
)
def test_what_a_name_takes_passes(name: str, value: str) -> None:
    check_extra_specs({name: value})


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("hw:cpu_policy", "sometimes", "one of dedicated, shared, mixed"),
        ("hw:cpu_realtime", "maybe", "true or false"),
        ("hw:cpu_realtime_mask", "1,", "list of CPUs"),
        ("hw:mem_page_size", "enormous", "2MiB"),
        ("hw:numa_nodes", "0", "a whole number from 1"),
        ("hw:numa_nodes", "two", "a whole number from 1"),
        ("hw:redirected_usb_ports", "16", "a whole number from 0 to 15"),
        ("hw:pmem", ",6GB", "labels"),
        ("pci_passthrough:alias", "gpu", "gpu:1"),
        ("quota:cpu_quota", "1.5", "a whole number"),
        ("resources:VCPU", "x", "a whole number"),
        ("trait:CUSTOM_GOLD", "wanted", "required, forbidden"),
        ("group_policy", "any", "isolate, none"),
    ],
)
def test_what_a_name_does_not_take_is_refused(name: str, value: str, wanted: str) -> None:
    with pytest.raises(WrongExtraSpec, match=wanted) as refusal:
        check_extra_specs({name: value})
    assert refusal.value.errors[0].field == f"extra_specs.{name}"


@pytest.mark.parametrize(
    "name",
    [
        "hw:nosuch",
        "hw:numa_cpus.x",
        "hw:CPU_POLICY",
        "os:nosuch",
        "quota:nosuch",
        "resources:NOSUCH",
        "resources_a:custom_gpu",
        "trait:GOLD",
        "trait_1:custom_gold",
        "capabilities:nosuch",
        "aggregate_instance_extra_specs:",
    ],
)
def test_a_name_that_compute_s_own_namespaces_do_not_have_is_refused(name: str) -> None:
    with pytest.raises(UnknownExtraSpec):
        check_extra_specs({name: "1"})


@pytest.mark.parametrize("name", sorted(NAMED))
def test_every_name_says_what_it_takes(name: str) -> None:
    assert NAMED[name].wanted


def test_a_long_wrong_list_is_refused_at_once() -> None:
    with pytest.raises(WrongExtraSpec):
        check_extra_specs({"hw:cpu_realtime_mask": "1" + ",1-2" * 60 + "x"})
    with pytest.raises(WrongExtraSpec):
        check_extra_specs({"hw:pmem": "a" * 250 + "!"})
