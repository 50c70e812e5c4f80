"""The site as a package: a wheel, installed without the checkout, starts and serves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from compute_site.options import find_state_folder
from compute_site.quickstart.start import read_clouds_yaml
from tests.benchmarks.site import free_port

ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 300

BUILD = """
import sys
from setuptools import build_meta
print(build_meta.build_wheel(sys.argv[1]))
"""


def run(*words: str | Path, cwd: Path, **environment: str) -> str:
    inherited = {
        name: text
        for name, text in os.environ.items()
        if name not in ("DATABASE_URL", "COMPUTE_SITE_STATE_DIR", "DJANGO_SETTINGS_MODULE")
    }
    done = subprocess.run(
        words,
        cwd=cwd,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_wheel_serves_without_the_checkout(tmp_path: Path, state: Path) -> None:
    source, wheels, installed = tmp_path / "source", tmp_path / "wheels", tmp_path / "installed"
    for name in ("compute_site", "servers", "flavors", "quotas"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    wheels.mkdir()
    run(sys.executable, "-W", "ignore", "-c", BUILD, wheels, cwd=source)
    [wheel] = wheels.iterdir()
    pip = (sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--no-compile")
    run(*pip, "--target", installed, wheel, cwd=tmp_path)

    quickstart = ("run", "--exit", "--web-processes", "1", "--port", str(free_port()))
    said = run(
        installed / "bin" / "compute-site",
        *quickstart,
        cwd=tmp_path,
        PYTHONPATH=str(installed),
        XDG_STATE_HOME=str(state),
    )

    assert "first-server has 10.0.0." in said
    folder = state / "compute-site"
    assert f"the data stays in {folder}" in said
    assert set(read_clouds_yaml(folder / "clouds.yaml")) == {"demo", "reader", "admin"}
    assert (folder / "postgres" / "PG_VERSION").exists()


def test_state_is_in_the_checkout_or_in_the_user_s_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    home = {"XDG_STATE_HOME": "/state"}
    assert find_state_folder(ROOT, None, home) == ROOT / "var"
    assert find_state_folder(ROOT, Path("other"), home) == ROOT / "other"
    assert find_state_folder(tmp_path / "lib", None, home) == Path("/state/compute-site")
    assert find_state_folder(tmp_path / "lib", Path("mine"), home) == tmp_path / "mine"
    for wrong in ({}, {"XDG_STATE_HOME": "relative"}):
        usual = Path.home() / ".local" / "state" / "compute-site"
        assert find_state_folder(tmp_path / "lib", None, wrong) == usual


def test_an_unknown_command_is_told_those_that_there_are() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "compute_site", "dance"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "there is no command dance" in done.stderr
    assert "loadcloud" in done.stderr
