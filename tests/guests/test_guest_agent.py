"""Debian's QEMU guest agent in a guest that writes all the time: what is saved while it runs holds
all that was written before its file systems stood still, though the guest synchronized nothing.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from openstack.compute.v2.server import Server
from openstack.image.v2.image import Image

from tests.guests.machines import run, wait_until
from tests.guests.world import MARKS, World

pytestmark = MARKS
ADD = Path(__file__).parent / "guest_agent" / "add"
WITH_AGENT = {"hw_qemu_guest_agent": "yes", "os_require_quiesce": "yes"}
WRITE_ON = (
    "(while [ ! -e /run/enough ]; do cut -d ' ' -f1 /proc/uptime >> /data/times; usleep 20000; "
    "done; touch /run/ended) & true"
)
ENOUGH = "touch /run/enough; while [ ! -e /run/ended ]; do usleep 50000; done; cat /data/times"
DATA_BEGIN, DATA_SIZE = 23 << 20, 4 << 20
"""Where the file system ``/data`` lies on the root disk."""


@pytest.fixture(scope="module")
def with_agent(world: World) -> Iterator[Image]:
    path = world.folder / "with_agent.qcow2"
    done = subprocess.run(
        [str(ADD), str(world.image), str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    image = world.demo.create_image(
        "with agent",
        filename=str(path),
        disk_format="qcow2",
        container_format="bare",
        wait=True,
        meta=WITH_AGENT,
    )
    yield image
    world.demo.image.delete_image(image.id)


def test_the_disk_of_a_guest_is_saved_while_it_stands_still(
    world: World, with_agent: Image, tmp_path: Path
) -> None:
    """Its password is changed before that."""
    server = world.create("obedient", imageRef=with_agent.id, config_drive=True)
    try:
        until_it_hears(world, server)
        world.act(server, changePassword={"adminPass": "told to the agent"})
        world.until(server, "ACTIVE")
        world.passwords[server.id] = "told to the agent"
        with world.serial(server) as line:
            assert line.run("id -u") == "0"
            line.run(WRITE_ON)
            wait_until(lambda: line.run("wc -l < /data/times") > "1", told=lambda: "it writes not")
            image = world.demo.compute.create_server_image(server, "saved", wait=True, timeout=240)
            went_on = thawed(world, server)
            written = times(line.run(ENOUGH))
        saved, raw = tmp_path / "saved.qcow2", tmp_path / "saved"
        saved.write_bytes(world.demo.image.download_image(image).content)
        run("qemu-img", "convert", "-O", "raw", str(saved), str(raw))
        check(world, server, written, times_on(raw, tmp_path), went_on)
        world.demo.image.delete_image(image)
    finally:
        world.delete(server)


def test_volumes_are_saved_while_the_guest_that_has_them_stands_still(
    world: World, with_agent: Image, tmp_path: Path
) -> None:
    storage = world.demo.block_storage
    root = {"boot_index": 0, "uuid": with_agent.id, "volume_size": 1}
    mapping = root | {"source_type": "image", "destination_type": "volume"}
    mapping["delete_on_termination"] = True
    server = world.create("obedient", config_drive=True, block_device_mapping_v2=[mapping])
    try:
        until_it_hears(world, server)
        with world.serial(server) as line:
            line.run(WRITE_ON)
            wait_until(lambda: line.run("wc -l < /data/times") > "1", told=lambda: "it writes not")
            image = world.demo.compute.create_server_image(server, "saved", wait=True)
            went_on = thawed(world, server)
            written = times(line.run(ENOUGH))
        [snapshot] = storage.snapshots()
        assert snapshot.status == "available"
        file = world.state.parent / "volumes" / f"snapshot-{snapshot.id}"
        check(world, server, written, times_on(file, tmp_path), went_on)
        world.demo.image.delete_image(image)
        storage.delete_snapshot(snapshot)
        storage.wait_for_delete(snapshot, interval=0.2, wait=60)
    finally:
        world.delete(server)


def until_it_hears(world: World, server: Server) -> None:
    world.until(server, "ACTIVE")
    world.until_says(server, "guest: agent")
    world.until_says(server, "guest: ready")


def thawed(world: World, server: Server) -> float:
    """When its file systems went on, by the guest's clock."""
    log = world.until_says(server, "guest: agent: thaw")
    return float(re.findall(r"guest: agent: thaw at (\S+)", log)[-1])


def check(
    world: World, server: Server, written: list[float], saved: list[float], went_on: float
) -> None:
    """All that was written until the agent began is saved, and the guest wrote on afterwards."""
    [began] = re.findall(r"guest: agent: freeze at (\S+)", world.console(server))
    assert saved == written[: len(saved)]
    assert [moment for moment in written if moment < float(began)] == [
        moment for moment in saved if moment < float(began)
    ]
    assert written[-1] > went_on > max(saved)


def times_on(disk: Path, folder: Path) -> list[float]:
    """What the guest had written to its file system, as it is on the disk (raw)."""
    data = folder / "data"
    with disk.open("rb") as file:
        file.seek(DATA_BEGIN)
        data.write_bytes(file.read(DATA_SIZE))
    return times(run("/sbin/debugfs", "-R", "cat /times", str(data)))


def times(text: str) -> list[float]:
    return [float(line) for line in text.split()]
