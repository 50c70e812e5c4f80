"""What ``make run GUESTS=1`` refuses, and what it finds out about the machine."""

from __future__ import annotations

import dataclasses
import os
import platform
import shutil
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from django.utils import timezone

from compute_site.quickstart.guests import host, image, machine
from compute_site.quickstart.guests.uplink import BRIDGE, GATEWAY, overlaps
from compute_site.quickstart.start import Processes, QuickstartError
from servers.agent.hypervisor.libvirt import library
from servers.agent.hypervisor.libvirt.own_daemon import OwnDaemon
from servers.models import Service
from tests.agents.test_host_api import joined


@pytest.fixture
def debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that can run guests; its ``os-release`` is returned."""
    release = tmp_path / "os-release"
    release.write_text('ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
    unshare = tmp_path / "unshare"
    unshare.write_text("#!/bin/sh\nexit 0\n")
    unshare.chmod(0o700)
    monkeypatch.setattr(machine, "OS_RELEASE", release)
    monkeypatch.setattr(machine, "UNSHARE", str(unshare))
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/apt-get")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    return release


def test_root_on_debian_may_run_guests(debian: Path) -> None:
    machine.check_machine()


@pytest.mark.parametrize(
    ("release", "told"),
    [
        ('ID=fedora\nVERSION_ID=41\nPRETTY_NAME="Fedora Linux 41"\n', "this is Fedora Linux 41"),
        ('ID=debian\nVERSION_ID="11"\nPRETTY_NAME="Debian 11"\n', "this is Debian 11"),
    ],
)
def test_another_system_is_refused_by_name(debian: Path, release: str, told: str) -> None:
    debian.write_text(release)
    with pytest.raises(QuickstartError, match=told):
        machine.check_machine()


def test_another_user_than_root_is_refused(debian: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(QuickstartError, match="Guests need root"):
        machine.check_machine()


def test_another_processor_is_refused(debian: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(QuickstartError, match="this is aarch64"):
        machine.check_machine()


def test_a_machine_without_network_namespaces_is_refused(debian: Path) -> None:
    Path(machine.UNSHARE).write_text("#!/bin/sh\necho Operation not permitted >&2\nexit 1\n")
    with pytest.raises(QuickstartError, match=r"network namespaces.*not permitted"):
        machine.check_machine()


def test_a_machine_that_is_a_host_of_another_site_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "agent.json").write_text("{}")
    monkeypatch.setattr(host, "STATE_DIR", str(tmp_path))
    with pytest.raises(QuickstartError, match="host of another site already"):
        host.claim_machine(tmp_path / "state")


def test_guests_of_another_folder_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other"
    monkeypatch.setattr(host, "STATE_DIR", str(tmp_path))
    monkeypatch.setattr(host, "OWNER", tmp_path / "owner")
    monkeypatch.setattr(host, "is_left", lambda state: state == other)
    monkeypatch.setattr(OwnDaemon, "misplaced", lambda _: [])
    monkeypatch.setattr(shutil, "which", lambda _: None)  # packages are installed afterwards
    (tmp_path / "owner").write_text(str(other))
    with pytest.raises(QuickstartError, match=f"that of {other}; make stop there"):
        host.claim_machine(tmp_path / "mine")
    assert (tmp_path / "owner").read_text() == str(other)

    host.claim_machine(other)
    assert (tmp_path / "owner").read_text() == str(other)


def test_what_was_made_before_any_guest_is_removed_with_the_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[str] = []
    monkeypatch.setattr(host, "OWNER", tmp_path / "owner")
    monkeypatch.setattr(host, "remove_uplink", lambda: removed.append("uplink"))
    (tmp_path / "owner").write_text(str(tmp_path / "mine"))
    host.end_guests(tmp_path / "other", removed.append)
    assert removed == []

    host.end_guests(tmp_path / "mine", removed.append)
    host.end_guests(tmp_path / "mine", removed.append)
    assert removed == ["uplink"]


def test_a_state_folder_that_is_too_deep_for_sockets_is_refused(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 100)
    assert any("too long for a socket" in line for line in OwnDaemon(deep).missing())


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        ([{"dst": "default", "dev": "eth0"}, {"dst": "10.0.0.0/8", "dev": "eth0"}], False),
        ([{"dst": "192.0.2.0/24", "dev": "eth0"}], True),
        ([{"dst": "192.0.2.7", "dev": "wg0"}], True),
        ([{"dst": "192.0.2.0/24", "dev": BRIDGE}], False),
    ],
)
def test_addresses_that_the_machine_uses_itself_are_left_to_it(
    routes: list[dict[str, str]], expected: bool
) -> None:
    assert overlaps(GATEWAY, routes) is expected


def test_only_packages_that_are_not_there_are_named() -> None:
    if shutil.which("dpkg-query") is None:
        assert machine.find_lacking([]) == []
        return
    assert machine.find_lacking(["dpkg", "no-such-package-here"]) == ["no-such-package-here"]


def test_the_recipe_of_the_image_is_part_of_the_package(tmp_path: Path) -> None:
    assert all((image.RECIPE / name).is_file() for name in image.PARTS)
    assert not image.is_made(tmp_path)
    (tmp_path / "guest.qcow2").touch()
    assert image.is_made(tmp_path)


def test_what_the_operator_says_of_zones_and_volumes_counts(tmp_path: Path) -> None:
    mine = {"COMPUTE_SITE_DEFAULT_SCHEDULE_ZONE": "west"}
    found = host.environment_of(tmp_path, mine)
    assert found["COMPUTE_SITE_DEFAULT_SCHEDULE_ZONE"] == "west"
    assert found["COMPUTE_SITE_VOLUME_FOLDER"] == str(tmp_path / "volumes")


@dataclasses.dataclass
class Daemon:
    """Of a libvirtd of the agent's own."""

    runs: bool = False
    uri: str = "qemu+unix:///system"

    def start(self) -> bool:
        started, self.runs = not self.runs, True
        return started

    def end(self) -> None:
        self.runs = False


@pytest.mark.parametrize("runs", [True, False])
def test_a_libvirtd_that_was_started_to_look_at_the_machine_ends(
    monkeypatch: pytest.MonkeyPatch, runs: bool
) -> None:
    monkeypatch.setattr(library, "lib", MagicMock(libvirtError=OSError))
    daemon = Daemon(runs=runs)
    connection = library.Connection("", daemon)  # type: ignore[arg-type]
    connection.get()
    assert daemon.runs
    connection.close(found=False)
    assert daemon.runs == runs
    connection.close()
    assert not daemon.runs


def test_a_host_is_up_when_its_agent_has_reported_and_not_when_it_has_joined(
    db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined("real")
    monkeypatch.setattr(host, "UP_SECONDS", -1)
    processes = Processes({}, tmp_path)
    with pytest.raises(QuickstartError, match="does not report"):
        host.wait_until_up("real", processes, since=timezone.now())
    before = timezone.now()
    Service.objects.filter(host="real").update(last_seen_up=timezone.now())
    host.wait_until_up("real", processes, since=before)
