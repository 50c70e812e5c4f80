"""The script and the agent that the site gives to machines which become hosts."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from servers.agent.packages import PACKAGES
from servers.hosts.agents import HostIsThere, add_host
from servers.models.cell import CELL1
from tests.world.client import ApiClient

HERE = {"COMPUTE_SITE_JOIN_TOKEN": "secret"}


@pytest.fixture
def stranger() -> ApiClient:
    return ApiClient(None)


@pytest.fixture
def script(stranger: ApiClient) -> str:
    return stranger.get("//host/v1/install.sh").expect(200).content.decode()


def run_script(
    script: str,
    folder: Path,
    *words: str,
    user: str = "0",
    machine: str = "x86_64",
    packages: str = "ii",
) -> subprocess.CompletedProcess[str]:
    """On a machine on which nothing can be installed, fetched or joined: whatever comes so far
    is told.
    """
    fake = {
        "id": f"echo {user}",
        "uname": f"echo {machine}",
        "unshare": "exit 0",
        "dpkg-query": f"echo {packages}",
        "apt-get": "echo apt-get is called; exit 1",
        "curl": "echo curl is called; exit 1",
    }
    for name, what in fake.items():
        (folder / name).write_text(f"#!/bin/sh\n{what}\n")
        (folder / name).chmod(0o755)
    return subprocess.run(
        ["/bin/sh", "-s", "--", *words],
        input=script,
        env={**HERE, "PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_the_script_takes_the_agent_of_its_own_site_alone(script: str, stranger: ApiClient) -> None:
    archive = stranger.get("//host/v1/agent.tar.gz").expect(200).content
    assert f"SHA256='{hashlib.sha256(archive).hexdigest()}'" in script
    assert f"PACKAGES='{' '.join(PACKAGES)}'" in script
    assert "@" not in script.replace('"$@"', "").replace('"\\$@"', "")


def test_the_agent_that_is_given_works_without_the_site(
    stranger: ApiClient, tmp_path: Path
) -> None:
    archive = stranger.get("//host/v1/agent.tar.gz").expect(200).content
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        packed.extractall(tmp_path)  # noqa: S202 - it is our own
    done = subprocess.run(
        [
            *(sys.executable, "-S", "-m", "servers.agent", "probe", "--hypervisor", "pretend"),
            *("--state-dir", str(tmp_path / "state")),
        ],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "hypervisor_type        pretend" in done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--site", "http://compute.example"], "has no TLS"),
        (["--site", "compute.example"], "give scheme and host"),
        ([], "give scheme and host"),
        (["--site"], "--site needs a value"),
        (["--what"], "there is no option --what"),
        (["--site", "https://compute.example", "--ca-file", "/no/such"], "there is no file"),
    ],
)
def test_what_the_line_lacks_is_told_and_nothing_is_done(
    script: str, tmp_path: Path, words: list[str], told: str
) -> None:
    done = run_script(script, tmp_path, *words)
    assert done.returncode == 1
    assert told in done.stderr
    assert "is called" not in done.stdout + done.stderr


def test_only_root_and_only_some_machines_become_hosts(script: str, tmp_path: Path) -> None:
    site = ("--site", "https://compute.example")
    assert "only root" in run_script(script, tmp_path, *site, user="1000").stderr
    assert "this is armv7l" in run_script(script, tmp_path, *site, machine="armv7l").stderr


def test_an_agent_that_cannot_be_fetched_ends_it(script: str, tmp_path: Path) -> None:
    done = run_script(script, tmp_path, "--site", "https://compute.example")
    assert done.returncode == 1
    assert "the agent could not be fetched" in done.stderr


def test_packages_that_cannot_be_listed_end_it(script: str, tmp_path: Path) -> None:
    done = run_script(script, tmp_path, "--site", "https://compute.example", packages="un")
    assert done.returncode == 1
    assert "the lists of packages could not be fetched" in done.stderr
    assert "curl is called" not in done.stdout


def test_a_script_that_breaks_off_does_nothing(script: str, tmp_path: Path) -> None:
    half = script[: script.rindex("main ")]
    done = run_script(half, tmp_path, "--site", "https://compute.example")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_guests_with_large_pages_may_see_cells_where_apparmor_confines_them(
    script: str, tmp_path: Path
) -> None:
    half = script[: script.rindex("main ")] + f"\nAPPARMOR={tmp_path / 'apparmor'}\n"
    own = tmp_path / "apparmor/local/abstractions/libvirt-qemu"

    def let() -> None:
        done = run_script(f"{half}let_guests_see_cells\n", tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    let()
    assert not own.exists()  # where libvirt has no profile
    (tmp_path / "apparmor/abstractions").mkdir(parents=True)
    (tmp_path / "apparmor/abstractions/libvirt-qemu").touch()
    for _ in range(2):
        let()
        assert own.read_text() == "/sys/devices/system/node/node[0-9]*/cpumap r,\n"
    own.write_text("/srv/images/** r,\n")
    let()
    assert own.read_text().splitlines()[0] == "/srv/images/** r,"


def test_the_line_for_a_new_host_fetches_the_script_and_shows_no_token_to_others(
    db: None, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("add_host", "real", site="https://compute.example/", ca_file="/etc/own.pem")

    fetch, _, run = capsys.readouterr().out.strip().partition(" | ")
    assert fetch == (
        "curl -fsS --proto =https --cacert /etc/own.pem https://compute.example/host/v1/install.sh"
    )
    variable, _, words = run.partition(" ")
    assert variable.startswith("COMPUTE_SITE_JOIN_TOKEN=")
    assert words == "sh -s -- --site https://compute.example --ca-file /etc/own.pem"


def test_a_host_that_could_not_join_is_not_added(db: None) -> None:
    with pytest.raises(CommandError, match=r"has no TLS.*--plain-http"):
        call_command("add_host", "real", site="http://compute.example")
    add_host("real", cell=CELL1)
    with pytest.raises(HostIsThere):
        add_host("real", cell=CELL1)
    call_command("rotate_host", "real", site="http://compute.example", plain_http=True)
