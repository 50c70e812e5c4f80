"""The page about hardware names every property and extra spec that is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from servers.hardware import cpu, devices, memory, numa, pci, properties

PAGE = (Path(__file__).parents[3] / "docs" / "hardware.md").read_text(encoding="utf-8")

EXTRA_SPECS = {
    value
    for module in (cpu, devices, memory, numa, pci)
    for value in vars(module).values()
    if isinstance(value, str) and value.startswith(("hw:", "pci_passthrough:"))
} - {devices.PREFERENCE, devices.MAXIMUM}
EXTRA_SPECS |= {
    prefix + part
    for prefix in (devices.PREFERENCE, devices.MAXIMUM)
    for part in devices.CpuTopology._fields
}


@pytest.mark.parametrize("name", sorted(properties.READERS))
def test_a_known_property_is_documented(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("key", sorted(EXTRA_SPECS))
def test_a_consulted_extra_spec_is_documented(key: str) -> None:
    assert f"`{key}`" in PAGE or f"`{key}.N`" in PAGE
