"""The one store of volumes: what it can do, and which types it has volumes of."""

from __future__ import annotations

from collections.abc import Mapping

BACKEND: Mapping[str, str] = {
    "volume_backend_name": "database",
    "storage_protocol": "fake",
    "vendor_name": "compute-site",
    "driver_version": "1",
}
"""What it tells of itself."""
DECIDING: Mapping[str, str] = {
    **{name: text for name, text in BACKEND.items() if name != "volume_backend_name"},
    "multiattach": "True",
    "QoS_support": "False",
}
"""What an extra spec can ask for; the store stands in for those of all names."""
SCOPE = "capabilities:"
IS, OR = "<is>", "<or>"


def suits(specs: Mapping[str, str]) -> bool:
    """Is the store as the extra specs of a type want it?"""
    asked = ((key.removeprefix(SCOPE), text) for key, text in specs.items())
    return all(_matches(DECIDING[key], text) for key, text in asked if key in DECIDING)


def _matches(value: str, text: str) -> bool:
    words = text.split()
    if words[:1] == [IS]:
        return [word.lower() for word in words[1:2]] == [value.lower()]
    return value in words[1::2] if words[:1] == [OR] else value == text
