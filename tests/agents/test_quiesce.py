"""Guests stand still while their disks are saved, and get passwords, by the agent in them. libvirt
is a few lines of this file.
"""

from __future__ import annotations

import types
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from compute_site.neighbours.volume.models import Snapshot
from servers.agent.hypervisor.libvirt import driver as driving
from servers.agent.hypervisor.libvirt import library, machines, quiesce
from servers.agent.hypervisor.libvirt.driver import Libvirt
from servers.agent.hypervisor.protocol import GuestFailed, Unsupported
from servers.agent.network.none import NoWires
from servers.agent.settings import Settings
from servers.models import BlockDevice, Instance
from tests.agents.test_host_api import joined
from tests.world.client import ApiClient
from tests.world.factories import make_instance, make_volume
from tests.world.hosts import make_host

SERVER = "155d900f-4e14-4e4c-a73d-069cbf4541e6"
WITH_AGENT = {"hw_qemu_guest_agent": "yes"}
STRICT = {"os_require_quiesce": "true"}


class Refused(Exception):
    """As libvirt's own error."""

    def get_error_code(self) -> int:
        return 86


class Domain:
    """Notes what it is told; ``silent``: no agent answers in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.told: list[str] = []
        self.silent = self.breaks = False

    def isActive(self) -> bool:  # noqa: N802 - libvirt's names
        return True

    def state(self) -> tuple[int, int]:
        return 1, 0

    def XMLDesc(self, _flags: int) -> str:  # noqa: N802
        disk = f"<disk><source file='{self.root}'/><target dev='vda'/></disk>"
        return f"<domain><devices>{disk}</devices></domain>"

    def blockCopy(self, name: str, _xml: str, flags: int) -> None:  # noqa: N802
        self.told.append(f"copy {name}")

    def blockJobInfo(self, _name: str) -> Mapping[str, int]:  # noqa: N802
        return {"cur": 1, "end": 1}

    def blockJobAbort(self, _name: str) -> None:  # noqa: N802
        self.told.append("end")
        if self.breaks:
            self.breaks = False
            raise Refused("it broke")

    def agentSetResponseTimeout(self, _seconds: int) -> None:  # noqa: N802
        self._answer()

    def fsFreeze(self) -> None:  # noqa: N802
        self._answer("freeze")

    def fsThaw(self) -> int:  # noqa: N802
        self._answer("thaw")
        return 1

    def setUserPassword(self, user: str, password: str) -> None:  # noqa: N802
        self._answer(f"{user} has {password}")

    def _answer(self, *told: str) -> None:
        if self.silent:
            raise Refused("Guest agent is not responding: QEMU guest agent is not connected")
        self.told += told


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Libvirt:
    names = {name: number for number, name in enumerate(NAMES)}
    stand_in = types.SimpleNamespace(libvirtError=Refused, **names)
    for module in (library, machines):
        monkeypatch.setattr(module, "lib", stand_in)
    monkeypatch.setattr(driving.qemu_img, "make_blank", lambda path, _: path.touch())
    monkeypatch.setattr(driving.qemu_img, "virtual_size_of", lambda _: 1)
    settings = Settings(site="http://site", host="h", hypervisor="libvirt", state_dir=str(tmp_path))
    made = Libvirt(settings, NoWires())
    folder = made.folders.of(SERVER)
    folder.path.mkdir(parents=True)
    folder.file("root.qcow2").touch()
    domain = Domain(folder.file("root.qcow2"))
    monkeypatch.setattr(made.machines, "find", lambda _: domain)
    return made


NAMES = (
    *("VIR_DOMAIN_BLOCK_COPY_REUSE_EXT", "VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB"),
    *("VIR_ERR_CONFIG_UNSUPPORTED", "VIR_ERR_NO_SUPPORT", "VIR_ERR_NO_DOMAIN"),
)


def keep(host: Libvirt, **properties: str) -> Any:
    """The guest's image has these; its domain."""
    host.folders.of(SERVER).keep({"server_id": SERVER, "properties": properties})
    return host.machines.find(SERVER)


def frozen(host: Libvirt) -> bool:
    return host.folders.of(SERVER).file(quiesce.FROZEN).exists()


def test_file_systems_stand_still_when_the_copy_ends(host: Libvirt, tmp_path: Path) -> None:
    domain = keep(host, **WITH_AGENT)
    host.snapshot(SERVER, tmp_path / "target")
    assert domain.told == ["copy vda", "freeze", "end", "thaw"]
    assert not frozen(host)


def test_without_an_agent_the_disk_is_saved_as_it_is(host: Libvirt, tmp_path: Path) -> None:
    domain = keep(host)
    host.snapshot(SERVER, tmp_path / "target")
    assert domain.told == ["copy vda", "end"]
    domain = keep(host, **WITH_AGENT)
    domain.silent, domain.told = True, []
    host.snapshot(SERVER, tmp_path / "target")
    assert domain.told == ["copy vda", "end"]
    assert not frozen(host)


def test_what_must_stand_still_and_does_not_is_not_saved(host: Libvirt, tmp_path: Path) -> None:
    domain = keep(host, **STRICT)
    with pytest.raises(Unsupported, match="os_require_quiesce, and not hw_qemu_guest_agent"):
        host.snapshot(SERVER, tmp_path / "target")
    assert domain.told == []
    domain = keep(host, **STRICT, **WITH_AGENT)
    domain.silent = True
    with pytest.raises(GuestFailed, match="do not stand still: no QEMU guest agent answers"):
        host.snapshot(SERVER, tmp_path / "target")
    assert domain.told == ["copy vda", "end"]
    assert not frozen(host)


def test_a_guest_goes_on_when_the_copy_breaks_or_the_agent_died(
    host: Libvirt, tmp_path: Path
) -> None:
    domain = keep(host, **WITH_AGENT)
    domain.breaks = True
    with pytest.raises(GuestFailed, match="it broke"):
        host.snapshot(SERVER, tmp_path / "target")
    assert domain.told == ["copy vda", "freeze", "end", "thaw", "end"]
    host.folders.of(SERVER).file(quiesce.FROZEN).touch()  # as an earlier life left it
    domain.told = []
    host.snapshot(SERVER, tmp_path / "target")
    assert domain.told == ["thaw", "copy vda", "freeze", "end", "thaw"]


def test_what_stands_still_for_the_site_goes_on_in_time(host: Libvirt) -> None:
    domain = keep(host)
    with pytest.raises(Unsupported, match="its image has no hw_qemu_guest_agent"):
        host.freeze(SERVER, 60, "one")
    keep(host, **WITH_AGENT)
    host.freeze(SERVER, 60, "one")
    folder = host.folders.of(SERVER)
    quiesce.thaw_overdue(lambda: domain, folder)
    with pytest.raises(GuestFailed, match="for another image"):
        host.freeze(SERVER, 60, "two")
    assert not host.thaw(SERVER, "two")
    assert domain.told == ["freeze"]
    assert host.thaw(SERVER, "one")
    assert not host.thaw(SERVER, "one")
    domain.told = []
    host.freeze(SERVER, -1, "one")  # the site has died
    quiesce.thaw_overdue(lambda: domain, folder)
    assert domain.told == ["freeze", "thaw"]
    assert not host.thaw(SERVER, "one")
    domain.silent = True
    with pytest.raises(GuestFailed, match="do not stand still: no QEMU guest agent answers"):
        host.freeze(SERVER, 60, "one")
    assert not frozen(host)


def test_passwords_are_those_of_the_user_that_the_image_names(host: Libvirt) -> None:
    domain = keep(host, os_admin_user="debian", **WITH_AGENT)
    host.set_password(SERVER, "secret")
    keep(host, **WITH_AGENT)
    host.set_password(SERVER, "other")
    assert domain.told == ["debian has secret", "root has other"]
    domain.silent = True
    with pytest.raises(Unsupported, match="no QEMU guest agent answers in the guest"):
        host.set_password(SERVER, "third")


@pytest.mark.parametrize(
    ("properties", "host", "status"),
    [
        ({}, "real", 202),
        (WITH_AGENT, "real", 202),
        (STRICT, "real", 400),
        (STRICT | WITH_AGENT, "real", 409),
        (STRICT, "simulated", 202),
    ],
)
def test_volumes_are_not_saved_where_the_image_requires_that_the_guest_stands_still(
    as_member: ApiClient,
    properties: dict[str, str],
    host: str,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The host does not answer."""
    monkeypatch.setattr("servers.drivers.agent.ASKED_SECONDS", 0)
    joined("real")
    make_host("simulated")
    kept = {f"image_{key}": value for key, value in properties.items()}
    server = make_instance(host=host, node=host, system_metadata=kept, launched_at=timezone.now())
    volume = make_volume(status="in-use")
    disk = {"source_type": "volume", "destination_type": "volume", "boot_index": 0}
    BlockDevice.objects.create(instance=server, volume_id=str(volume.pk), **disk)
    body = {"createImage": {"name": "saved"}}
    answer = as_member.post(f"/servers/{server.uuid}/action", body, microversion="2.45")
    assert answer.status == status, answer.json
    assert Snapshot.objects.count() == (1 if status == 202 else 0)
    server.refresh_from_db()
    if status != 202:
        Instance.objects.filter(pk=server.pk).update(vm_state="stopped")
        as_member.post(f"/servers/{server.uuid}/action", body, microversion="2.45").expect(202)


@pytest.mark.parametrize("properties", [{}, WITH_AGENT])
@pytest.mark.parametrize("host", ["real", "simulated"])
@pytest.mark.parametrize(
    "action",
    [
        {"createImage": {"name": "saved"}},
        {"createBackup": {"name": "saved", "backup_type": "daily", "rotation": 1}},
        {"shelve": None},
    ],
    ids=lambda action: next(iter(action)),
)
def test_what_drives_the_host_is_looked_up_once(
    as_member: ApiClient,
    statements: Callable[[], AbstractContextManager[CaptureQueriesContext]],
    action: dict[str, Any],
    host: str,
    properties: dict[str, str],
) -> None:
    joined("real")
    make_host("simulated")
    kept = {f"image_{key}": value for key, value in properties.items()}
    about = {"host": host, "node": host, "system_metadata": kept, "image_ref": str(uuid.uuid4())}
    server = make_instance(launched_at=timezone.now(), **about)
    with statements() as seen:
        as_member.post(f"/servers/{server.uuid}/action", action, microversion="2.45").expect(202)
    texts = [one["sql"] for one in seen.captured_queries]
    assert sum("computenode" in text and '"driver"' in text for text in texts) == 1
    server.refresh_from_db()
    assert (server.task_state is None) == (host == "simulated" and "shelve" not in action)
