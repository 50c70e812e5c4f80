"""``compute-site run --ephemeral``: what it says when it cannot start, and what its filled database
is named after. That it starts is shown by the example project (``test_example_project``).
"""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from compute_site.quickstart.ephemeral import DEMO_CLOUD, main, seed_of


def test_the_filled_database_belongs_to_the_cloud_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    copy, other = tmp_path / "copy.yaml", tmp_path / "other.yaml"
    copy.write_bytes(DEMO_CLOUD.read_bytes())
    other.write_bytes(DEMO_CLOUD.read_bytes() + b"\n# another\n")
    assert seed_of(copy) == seed_of(DEMO_CLOUD)
    assert seed_of(other) != seed_of(DEMO_CLOUD)
    assert seed_of(copy).parent == tmp_path / "compute-site" / "seeds"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--cloud", "/nowhere.yaml"], "/nowhere.yaml cannot be read: No such file"),
        (["--port", "70000"], "Cannot listen on 127.0.0.1:70000"),
    ],
)
def test_what_is_wrong_is_told(words: list[str], told: str) -> None:
    with pytest.raises(SystemExit, match=told):
        main(["--ephemeral", *words])


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=f"Cannot listen on 127.0.0.1:{port}"):
            main(["--ephemeral", "--port", str(port)])
