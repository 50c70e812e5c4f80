"""The document of the format names every section and every key."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from compute_site.cloudfile.load import load_cloud, parse, sections
from compute_site.cloudfile.section import Section
from compute_site.values.keys import IGNORED
from servers.models import PciDevice

DOCUMENT = Path(settings.BASE_DIR) / "docs" / "cloudfile.md"


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.name)
def test_every_key_is_described(section: Section) -> None:
    rows = [
        row
        for row in DOCUMENT.read_text(encoding="utf-8").splitlines()
        if row.startswith(f"| `{section.name}` |")
    ]
    assert len(rows) == 1
    shown = {name for name, key in section.keys.items() if key is not IGNORED}
    shown -= {"project"} if section.name == "quotas" else set()  # stands in front of its limits
    missing = [name for name in sorted(shown) if f"`{name}`" not in rows[0]]
    assert missing == []
    bold = {name for name in shown if f"**`{name}`**" in rows[0]}
    assert bold >= {name for name in shown if section.keys[name].required}


@pytest.mark.django_db
def test_the_host_in_full_can_be_loaded() -> None:
    text = DOCUMENT.read_text(encoding="utf-8").partition("### A host in full\n")[2]
    lines = text.partition("\n* ")[0].splitlines()
    load_cloud(parse("\n".join(line.removeprefix("    ") for line in lines)))
    assert PciDevice.objects.get().physical_network == "physnet0"
