"""``docs/hardware.md`` tells of every extra spec that is accepted what it does."""

from __future__ import annotations

import re
from pathlib import Path

from flavors.extra_specs import NAMED

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "hardware.md"


def test_every_extra_spec_is_told_of() -> None:
    words = set(re.findall(r"`([^`]+)`", DOCUMENT.read_text()))
    starts = {word.removesuffix("…") for word in words if word.endswith("…")}
    untold = {
        name
        for name in NAMED
        if name not in words and not any(name.startswith(start) for start in starts if start)
    }
    assert untold == set()
