"""The options: each is documented, and a wrong one is refused by name."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from compute_site.options import PREFIX, OptionError, Options, read_options


def test_every_option_is_documented() -> None:
    text = (Path(settings.BASE_DIR) / "docs" / "operating.md").read_text(encoding="utf-8")
    for field in dataclasses.fields(Options):
        assert f"`{PREFIX}{field.name.upper()}`" in text


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("COMPUTE_SITE_DEBUG", "yes", "debug", True),
        ("COMPUTE_SITE_QUOTA_CORES", "-1", "quota_cores", -1),
        ("COMPUTE_SITE_ALLOWED_HOSTS", "a, b", "allowed_hosts", ("a", "b")),
        ("COMPUTE_SITE_DEFAULT_SCHEDULE_ZONE", "", "default_schedule_zone", None),
        ("COMPUTE_SITE_PCI_ALIAS", '[{"name": "gpu"}]', "pci_alias", ({"name": "gpu"},)),
    ],
)
def test_a_value_is_read_with_its_type(variable: str, text: str, name: str, value: object) -> None:
    assert getattr(read_options({variable: text}), name) == value


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("COMPUTE_SITE_NO_SUCH_THING", "1"),
        ("COMPUTE_SITE_DEBUG", "perhaps"),
        ("COMPUTE_SITE_QUOTA_CORES", "many"),
        ("COMPUTE_SITE_PCI_ALIAS", "{}"),
        ("COMPUTE_SITE_SECRET_KEY_FILE", "/nonexistent"),
    ],
)
def test_a_wrong_value_is_refused_by_name(variable: str, text: str) -> None:
    with pytest.raises(OptionError, match=variable):
        read_options({variable: text})


def test_a_secret_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("a long secret\n")
    assert read_options({"COMPUTE_SITE_SECRET_KEY_FILE": str(file)}).secret_key == "a long secret"


def test_importing_the_settings_makes_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    environment = {**os.environ, "COMPUTE_SITE_STATE_DIR": str(state)}
    environment.pop("COMPUTE_SITE_SECRET_KEY", None)

    subprocess.run(
        [sys.executable, "-c", "import compute_site.settings"],
        cwd=settings.BASE_DIR,
        env=environment,
        check=True,
    )

    assert not state.exists()
