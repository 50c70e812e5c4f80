"""Image properties: value sets, spellings, and what is ignored."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from servers.hardware import ImageProperties, read_image_properties
from servers.hardware.errors import WrongImageProperty
from servers.hardware.properties import JSON_READERS, OLD_SPELLINGS, READERS


def test_an_image_without_known_properties_says_nothing() -> None:
    assert read_image_properties({}) == ImageProperties()
    assert read_image_properties({"no_such_property": "x", "vif_model": "?"}) == ImageProperties()


@pytest.mark.parametrize(
    ("name", "given", "read"),
    [
        ("hw_architecture", "x86_64", "x86_64"),
        ("hw_architecture", "AMD64", "x86_64"),
        ("hw_architecture", "i586", "i686"),
        ("hw_architecture", "x86_32p", "i686"),
        ("hw_emulation_architecture", "PPC64LE", "ppc64le"),
        ("hw_vm_mode", "PV", "xen"),
        ("hw_vm_mode", "baremetal", "hvm"),
        ("img_hv_type", "XAPI", "xen"),
        ("img_hv_type", "vz", "vz"),
        ("hw_scsi_model", "lsiLogicsas", "lsisas1068"),
        ("hw_scsi_model", "ParaVirtual", "vmpvscsi"),
        ("hw_vif_model", "VirtualE1000e", "e1000e"),
        ("hw_vif_model", "VirtualSriovEthernetCard", "sriov"),
        ("hw_vif_model", "IGB", "igb"),
        ("os_type", "Windows", "windows"),
        ("hw_disk_bus", "virtio", "virtio"),
        ("hw_video_ram", " 64 ", 64),
        ("hw_serial_port_count", "-1", -1),
        ("hw_boot_menu", "perhaps", False),
        ("hw_pmu", "YES", True),
        ("hw_machine_type", "anything", "anything"),
        ("hw_cpu_realtime_mask", "abc", "abc"),
        ("hw_mem_page_size", "huge", "huge"),
        ("img_signature_key_type", "RSA-PSS", "RSA-PSS"),
        ("img_signature_certificate_uuid", "no uuid", "no uuid"),
        ("img_hv_requested_version", ">=2.6", ">=2.6"),
        ("img_mappings", [{"virtual": "root"}], ({"virtual": "root"},)),
    ],
)
def test_a_property_is_read_by_its_kind(name: str, given: object, read: object) -> None:
    assert getattr(read_image_properties({name: given}), name) == read


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("hw_architecture", "commodore64"),
        ("hw_emulation_architecture", "none"),
        ("hw_vm_mode", "vm"),
        ("img_hv_type", "hal9000"),
        ("hw_disk_bus", "VIRTIO"),
        ("hw_cdrom_bus", "isa"),
        ("hw_floppy_bus", "isa"),
        ("hw_rescue_bus", "isa"),
        ("hw_rescue_device", "tape"),
        ("hw_scsi_model", "adaptec"),
        ("hw_vif_model", "token-ring"),
        ("hw_video_model", "hercules"),
        ("hw_input_bus", "ps2"),
        ("hw_pointer_model", "mouse"),
        ("hw_rng_model", "dice"),
        ("hw_watchdog_action", "bark"),
        ("hw_viommu_model", "amd"),
        ("hw_firmware_type", "UEFI"),
        ("os_type", "plan9"),
        ("img_config_drive", "maybe"),
        ("img_signature_key_type", "rot13"),
        ("img_signature_hash_method", "MD5"),
        ("hw_cpu_policy", "exclusive"),
        ("hw_cpu_thread_policy", "always"),
        ("hw_pci_numa_affinity_policy", "near"),
        ("hw_mem_encryption_model", "tdx"),
        ("hw_tpm_version", "3.0"),
        ("hw_tpm_model", "tpm-x"),
        ("os_secure_boot", "yes"),
        ("hw_maxphysaddr_mode", "guess"),
        ("hw_sound_model", "gramophone"),
        ("hw_usb_model", "ps2"),
        ("hw_ephemeral_encryption_format", "rot13"),
        ("hw_numa_nodes", ""),
        ("hw_video_ram", "64.5"),
        ("hw_numa_mem.0", "x"),
        ("hw_numa_cpus.0", "x"),
        ("hw_numa_cpus.0", "0-9999999999"),
        ("img_hv_requested_version", "2.6"),
        ("mappings", "no json"),
        ("mappings", "{}"),
        ("img_mappings", "[]"),
        ("block_device_mapping", '["vda"]'),
        ("architecture", "commodore64"),
        ("vmware_adaptertype", "mfm"),
        ("hw_pmu", None),
        ("os_distro", []),
    ],
)
def test_a_value_that_does_not_convert_is_refused_and_named(name: str, given: object) -> None:
    with pytest.raises(WrongImageProperty, match=name) as caught:
        read_image_properties({name: given})
    assert caught.value.status == 400


@pytest.mark.parametrize("old", OLD_SPELLINGS)
def test_an_old_spelling_is_read_like_the_new_one(old: str) -> None:
    name = OLD_SPELLINGS[old]
    samples = ["1", "kvm", "hvm", "x86_64", ">=1", "[]"]
    reader = JSON_READERS.get(old, READERS[name])
    good = next(sample for sample in samples if _is_good(reader, sample))
    assert getattr(read_image_properties({old: good}), name) == reader(good)


def _is_good(reader: Callable[[str], object], sample: str) -> bool:
    try:
        reader(sample)
    except ValueError:
        return False
    return True


def test_the_new_spelling_wins_over_the_old_one() -> None:
    given = {"hw_vm_mode": "hvm", "vm_mode": "exe"}
    assert read_image_properties(given).hw_vm_mode == "hvm"
    assert read_image_properties(dict(reversed(given.items()))).hw_vm_mode == "hvm"


def test_a_bad_old_spelling_is_refused_beside_a_good_new_one() -> None:
    with pytest.raises(WrongImageProperty, match="architecture is 'commodore64'"):
        read_image_properties({"architecture": "commodore64", "hw_architecture": "x86_64"})


def test_the_disk_adapter_of_vmware_names_bus_and_model() -> None:
    assert read_image_properties({"vmware_adaptertype": "ide"}).hw_disk_bus == "ide"
    scsi = read_image_properties({"vmware_adaptertype": "lsiLogic"})
    assert (scsi.hw_disk_bus, scsi.hw_scsi_model) == ("scsi", "lsilogic")
    assert read_image_properties({"vmware_adaptertype": ""}) == ImageProperties()
    newer = {"vmware_adaptertype": "lsiLogic", "hw_disk_bus": "sata"}
    assert read_image_properties(newer).hw_disk_bus == "sata"


def test_nodes_are_counted_from_zero_up_to_the_first_gap() -> None:
    image = read_image_properties(
        {
            "hw_numa_cpus.0": "0-1",
            "hw_numa_cpus.1": "2,^2,3",
            "hw_numa_cpus.3": "x",
            "hw_numa_mem.0": "512",
            "hw_numa_mem.2": "x",
        }
    )
    assert image.hw_numa_cpus == ({0, 1}, {3})
    assert image.hw_numa_mem == (512,)
    later = read_image_properties({"hw_numa_cpus.1": "0", "hw_numa_mem.1": "1"})
    assert (later.hw_numa_cpus, later.hw_numa_mem) == (None, None)


def test_at_most_128_nodes_are_read() -> None:
    given = {f"hw_numa_mem.{node}": "1" for node in range(128)} | {"hw_numa_mem.128": "x"}
    assert read_image_properties(given).hw_numa_mem == (1,) * 128


def test_required_traits_are_collected() -> None:
    image = read_image_properties(
        {"trait:HW_A": "required", "trait:HW_B": "perhaps", "trait:CUSTOM_C": "required"}
    )
    assert image.traits_required == {"HW_A", "CUSTOM_C"}
