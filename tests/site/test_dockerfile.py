"""The Dockerfile: what linters look for, and its steps, which run here without Docker: files are
copied, the package is installed, and its command serves as a user who owns nothing else.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import shlex
import shutil
import signal
import site
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks.site import free_port

ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 240
NOBODY = pwd.getpwnam("nobody")
"""Who owns nothing here, but has the name that PostgreSQL wants of a user."""
OTHER_NAME = "cloud.example.com"


def read_steps() -> list[tuple[str, str]]:
    """Each instruction with its words."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split()[0], line.split(maxsplit=1)[1].strip()) for line in lines]


def words_of(name: str) -> list[str]:
    return [words for step, words in read_steps() if step == name]


def test_the_dockerfile_has_what_linters_look_for() -> None:
    names = [name for name, _ in read_steps()]
    assert names[0] == "FROM"
    [base] = words_of("FROM")
    assert re.fullmatch(r"\S+:(?!latest)\S+", base), "the base has no version"
    assert "ADD" not in names
    assert "MAINTAINER" not in names
    assert all(folder.startswith("/") for folder in words_of("WORKDIR"))
    assert all("--no-cache-dir" in run for run in words_of("RUN") if "pip install" in run)
    assert not any(re.search(r"\b(sudo|apt-get|curl|wget)\b", run) for run in words_of("RUN"))
    for name in ("CMD", "HEALTHCHECK", "USER", "STOPSIGNAL"):
        assert names.count(name) == 1, name
    json.loads(words_of("CMD")[0])  # no shell is between the signals and the program
    [user] = words_of("USER")
    assert int(user) > 0  # a number, so that systems see that it is not 0
    assert f"--uid {user} " in words_of("RUN")[0]
    assert names.index("USER") > max(i for i, name in enumerate(names) if name == "RUN")


def test_the_image_is_made_of_what_is_here() -> None:
    copied = [word for words in words_of("COPY") for word in words.split()[:-1]]
    assert {"pyproject.toml", "compute_site", "servers", "flavors", "quotas"} <= set(copied)
    assert all((ROOT / name).exists() for name in copied)
    kept_out = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert not set(kept_out) & set(copied)


@pytest.fixture
def image() -> Iterator[Path]:
    """A folder in the place of the image's root."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def in_image(image: Path, path: str) -> Path:
    return image / path.removeprefix("/")


def find_interpreter() -> tuple[str, dict[str, int | list[int]]]:
    """A Python, and the user who runs it: a fresh one, if we may become one and there is a Python
    that others may run; else we ourselves.
    """
    fresh: dict[str, int | list[int]] = {
        "user": NOBODY.pw_uid,
        "group": NOBODY.pw_gid,
        "extra_groups": [],
    }
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for program in (sys.executable, shutil.which(version, path="/usr/bin:/usr/local/bin")):
        if os.geteuid() == 0 and program:
            try:
                subprocess.run([program, "-c", "import ssl"], check=True, **fresh)  # type: ignore[call-overload]
            except (OSError, subprocess.SubprocessError):
                continue
            return program, fresh
    return sys.executable, {}


def build(image: Path) -> Path:
    """Do what the file says up to ``USER``; where the package is installed. It is installed
    without what it depends on, which is here already.
    """
    folder, installed = image, image / "site"
    for name, words in read_steps():
        if name == "WORKDIR":
            folder = in_image(image, words)
            folder.mkdir(parents=True, exist_ok=True)
        elif name == "COPY":
            *sources, target = words.split()
            for source in sources:
                copy(ROOT / source, folder / (source if target.endswith("/") else target))
        elif name == "RUN" and "pip install" in words:
            install, _, rest = words.partition("&&")
            here = ["--no-deps", "--no-index", "--no-build-isolation", "--target"]
            command = [sys.executable, "-m", *shlex.split(install), *here, str(installed)]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            removed = re.fullmatch(r"rm -rf (\S+)/\*", rest.strip())
            assert removed
            shutil.rmtree(in_image(image, removed[1]))
        elif name == "USER":
            break
    return installed


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def ask(url: str, host: str) -> int:
    request = urllib.request.Request(url, headers={"Host": host})  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - the same
        return int(answer.status)


def test_its_steps_make_a_site_that_serves_under_any_name_as_a_fresh_user(image: Path) -> None:
    installed = build(image)
    program, user = find_interpreter()
    state = in_image(image, words_of("VOLUME")[0])
    state.mkdir(parents=True, exist_ok=True)
    if user:
        os.chown(state, NOBODY.pw_uid, NOBODY.pw_gid)
    variables = dict(pair.split("=", 1) for words in words_of("ENV") for pair in words.split())
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(state),
        "TMPDIR": str(state),
        "PYTHONPATH": os.pathsep.join([str(installed), *site.getsitepackages()]),
        **variables,
        "COMPUTE_SITE_STATE_DIR": str(state),
    }
    name, *words = json.loads(words_of("CMD")[0])
    port = str(free_port())
    command = [program, str(installed / "bin" / name), *words, "--port", port]
    log = image / "log"
    with log.open("wb") as output:
        running = subprocess.Popen(  # type: ignore[call-overload]
            command, cwd=state, env=environment, stdout=output, stderr=output, **user
        )
    try:
        check = json.loads(words_of("HEALTHCHECK")[0].partition("CMD ")[2])
        [exposed] = words_of("EXPOSE")
        check = [program, *(word.replace(f":{exposed}/", f":{port}/") for word in check[1:])]
        deadline = time.monotonic() + WAIT_SECONDS
        while subprocess.run(check, capture_output=True, check=False).returncode:
            assert running.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        assert ask(f"http://127.0.0.1:{port}/", OTHER_NAME) == 200
        assert (state / "clouds.yaml").stat().st_mode & 0o077 == 0
    finally:
        running.send_signal(getattr(signal, words_of("STOPSIGNAL")[0]))
        status = running.wait(60)
    assert status == 0, log.read_text()
    assert "admin" in log.read_text()
