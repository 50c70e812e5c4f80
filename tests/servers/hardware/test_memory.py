"""Page size, locked memory, encryption, persistent memory."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from servers.hardware import memory
from servers.hardware.errors import (
    FlavorImageClash,
    WrongExtraSpec,
    WrongImageProperty,
    WrongMemoryDemand,
)
from tests.servers.hardware.factories import make_flavor, make_image

Texts = Mapping[str, str]

UEFI = {"hw_firmware_type": "uefi"}


@pytest.mark.parametrize(
    ("asked", "wanted", "size"),
    [
        (None, None, None),
        ("", None, None),
        (None, "", None),
        ("small", None, "small"),
        ("2MB", None, 2048),
        ("0", None, 0),
        ("2048", "", 2048),
        ("any", "2MB", 2048),
        ("any", "small", "small"),
        ("large", "any", "any"),
        ("large", "1GB", 1048576),
    ],
)
def test_an_image_chooses_the_page_size_where_the_flavor_leaves_it_open(
    asked: str | None, wanted: str | None, size: object
) -> None:
    flavor = make_flavor({} if asked is None else {"mem_page_size": asked})
    image = make_image({} if wanted is None else {"hw_mem_page_size": wanted})
    assert memory.choose_page_size(flavor, image) == size


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [(None, "2MB"), ("", "any"), ("small", "small"), ("2048", "2048"), ("2048", "large")],
)
def test_an_image_may_not_name_a_page_size_otherwise(asked: str | None, wanted: str) -> None:
    flavor = make_flavor({} if asked is None else {"mem_page_size": asked})
    with pytest.raises(FlavorImageClash, match="hw_mem_page_size"):
        memory.choose_page_size(flavor, make_image({"hw_mem_page_size": wanted}))


def test_an_unreadable_page_size_is_refused_and_named() -> None:
    with pytest.raises(WrongExtraSpec, match="hw:mem_page_size is 'huge'"):
        memory.choose_page_size(make_flavor({"mem_page_size": "huge"}), make_image())
    image = make_image({"hw_mem_page_size": "huge"})
    with pytest.raises(WrongImageProperty, match="hw_mem_page_size is 'huge'"):
        memory.choose_page_size(make_flavor({"mem_page_size": "any"}), image)


@pytest.mark.parametrize(
    ("specs", "labels"),
    [({}, ()), ({"pmem": ""}, ()), ({"pmem": " , "}, ()), ({"pmem": "A, B,,A"}, ("A", "B", "A"))],
)
def test_persistent_memory_is_a_list_of_labels(specs: Texts, labels: tuple[str, ...]) -> None:
    assert memory.choose_pmem(make_flavor(specs)) == labels


@pytest.mark.parametrize(
    ("specs", "properties", "locked"),
    [
        ({}, {}, None),
        ({"locked_memory": "false"}, {}, False),
        ({"locked_memory": "false"}, {"hw_locked_memory": "no"}, False),
        ({"locked_memory": "true", "mem_page_size": "large"}, {}, True),
        ({"locked_memory": "true", "mem_page_size": "any"}, {"hw_locked_memory": "1"}, True),
        ({}, {"hw_locked_memory": "true", "hw_mem_page_size": "any"}, True),
        ({"mem_page_size": "small"}, {"hw_locked_memory": "true"}, True),
        ({"mem_encryption": "true"}, UEFI, True),
        ({"mem_encryption": "true", "locked_memory": "false"}, UEFI, True),
        (
            {"mem_encryption": "true", "mem_encryption_model": "amd-sev-snp"},
            {**UEFI, "hw_firmware_stateless": "true"},
            None,
        ),
    ],
)
def test_memory_is_locked_when_asked_for_or_needed_by_encryption(
    specs: Texts, properties: Texts, locked: bool | None
) -> None:
    assert memory.choose_locked_memory(make_flavor(specs), make_image(properties)) is locked


@pytest.mark.parametrize(
    ("specs", "properties"),
    [
        ({"locked_memory": "true"}, {}),
        ({"locked_memory": "true", "numa_nodes": "1", "mem_page_size": ""}, {}),
        ({}, {"hw_locked_memory": "true"}),
    ],
)
def test_locked_memory_needs_a_page_size(specs: Texts, properties: Texts) -> None:
    with pytest.raises(WrongMemoryDemand, match="needs a page size"):
        memory.choose_locked_memory(make_flavor(specs), make_image(properties))


@pytest.mark.parametrize(("asked", "wanted"), [("true", "false"), ("no", "yes"), ("", "1")])
def test_flavor_and_image_must_agree_about_locked_memory(asked: str, wanted: str) -> None:
    flavor = make_flavor({"locked_memory": asked, "mem_page_size": "large"})
    with pytest.raises(FlavorImageClash, match="hw:locked_memory"):
        memory.choose_locked_memory(flavor, make_image({"hw_locked_memory": wanted}))


@pytest.mark.parametrize(
    ("specs", "properties", "model"),
    [
        ({}, {}, None),
        ({"mem_encryption": "maybe", "mem_encryption_model": "tdx"}, {}, None),
        ({}, {"hw_mem_encryption_model": "amd-sev-es"}, None),
        ({"mem_encryption": "false"}, {"hw_mem_encryption": "false"}, None),
        ({"mem_encryption": "true"}, UEFI, "amd-sev"),
        ({"mem_encryption": "1"}, {**UEFI, "hw_mem_encryption": "on"}, "amd-sev"),
        ({}, {**UEFI, "hw_mem_encryption": "true", "hw_machine_type": "pc-q35-8.1"}, "amd-sev"),
        ({"mem_encryption": "1", "mem_encryption_model": "amd-sev-es"}, UEFI, "amd-sev-es"),
        ({"mem_encryption": "1"}, {**UEFI, "hw_mem_encryption_model": "amd-sev-es"}, "amd-sev-es"),
        ({"mem_encryption": "1", "mem_encryption_model": ""}, UEFI, "amd-sev"),
        (
            {"mem_encryption": "1", "mem_encryption_model": "amd-sev-snp"},
            {**UEFI, "hw_firmware_stateless": "true", "hw_mem_encryption_model": "amd-sev-snp"},
            "amd-sev-snp",
        ),
        (
            {"mem_encryption": "1", "mem_encryption_model": "intel-tdx"},
            {**UEFI, "hw_firmware_stateless": "true", "hw_video_model": "none"},
            "intel-tdx",
        ),
    ],
)
def test_memory_is_encrypted_by_a_model(specs: Texts, properties: Texts, model: str | None) -> None:
    assert memory.choose_memory_encryption(make_flavor(specs), make_image(properties)) == model


@pytest.mark.parametrize(
    ("specs", "properties"),
    [
        ({"mem_encryption": "false"}, {"hw_mem_encryption": "true", **UEFI}),
        ({"mem_encryption": "true"}, {"hw_mem_encryption": "false", **UEFI}),
        (
            {"mem_encryption": "1", "mem_encryption_model": "amd-sev"},
            {"hw_mem_encryption_model": "amd-sev-es", **UEFI},
        ),
        (
            {"mem_encryption": "1", "mem_encryption_model": ""},
            {"hw_mem_encryption_model": "amd-sev", **UEFI},
        ),
    ],
)
def test_flavor_and_image_must_agree_about_encryption(specs: Texts, properties: Texts) -> None:
    with pytest.raises(FlavorImageClash, match="hw:mem_encryption"):
        memory.choose_memory_encryption(make_flavor(specs), make_image(properties))


def test_an_unknown_model_of_the_flavor_is_refused() -> None:
    flavor = make_flavor({"mem_encryption": "true", "mem_encryption_model": "tdx"})
    with pytest.raises(WrongExtraSpec, match="hw:mem_encryption_model is 'tdx'"):
        memory.choose_memory_encryption(flavor, make_image(UEFI))


@pytest.mark.parametrize(
    ("model", "properties", "name"),
    [
        ("amd-sev", {}, "hw_firmware_type"),
        ("amd-sev", {"hw_firmware_type": "bios"}, "hw_firmware_type"),
        ("amd-sev", {**UEFI, "hw_machine_type": "pc-i440fx-2.1"}, "hw_machine_type"),
        ("amd-sev-es", {**UEFI, "hw_machine_type": ""}, "hw_machine_type"),
        ("amd-sev-snp", UEFI, "hw_firmware_stateless"),
        ("amd-sev-snp", {**UEFI, "hw_firmware_stateless": "no"}, "hw_firmware_stateless"),
        ("intel-tdx", UEFI, "hw_firmware_stateless"),
        ("intel-tdx", {**UEFI, "hw_firmware_stateless": "yes"}, "hw_video_model"),
    ],
)
def test_encryption_needs_firmware_and_machine_that_can_do_it(
    model: str, properties: Texts, name: str
) -> None:
    flavor = make_flavor({"mem_encryption": "true", "mem_encryption_model": model})
    with pytest.raises(WrongMemoryDemand, match=name):
        memory.choose_memory_encryption(flavor, make_image(properties))
