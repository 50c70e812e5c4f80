"""Volumes that are exported by iSCSI: what the target server is told, and when it is told anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from compute_site.faults import Unavailable
from compute_site.neighbours import volume_service
from compute_site.neighbours.volume.local import data, exports
from compute_site.neighbours.volume.models import Attachment, Export, Volume
from compute_site.secrets.sealing import unseal
from tests.world.factories import make_volume
from tests.world.services import new_server_id
from tests.world.target_server import FakeTgtd, Target, exporting

pytestmark = pytest.mark.usefixtures("cast")


@pytest.fixture
def tgtd(tmp_path: Path) -> Iterator[FakeTgtd]:
    with exporting(tmp_path) as fake:
        yield fake


@pytest.fixture
def commit(django_capture_on_commit_callbacks: Any) -> Any:
    return lambda: django_capture_on_commit_callbacks(execute=True)


def held_volume(server_id: str, **columns: Any) -> Volume:
    """A volume with bytes that the server has."""
    volume = make_volume(status="in-use", **columns)
    data.make(volume, None)
    Attachment.objects.create(volume=volume, server_id=server_id, status="attached")
    return volume


def connect(volume: Volume, server_id: str, node: str = "one") -> dict[str, Any]:
    return dict(volume_service().connect(str(volume.pk), server_id, node) or {})


def test_a_host_is_told_a_target_with_a_password_of_its_own(tgtd: FakeTgtd, tmp_path: Path) -> None:
    server_id = new_server_id()
    volume = held_volume(server_id)
    told = connect(volume, server_id)
    password = told.pop("password")
    export = Export.objects.get()
    assert told == {
        "kind": "iscsi",
        "portal": "127.0.0.1:3260",
        "target": f"iqn.2026-11.site.compute-site:{export.pk}",
        "lun": 1,
        "user": export.pk.hex,
        "format": "raw",
        "serial": str(volume.pk),
        "read_only": False,
    }
    assert tgtd.names() == {told["target"]}
    assert tgtd.paths() == [str(tmp_path / f"volume-{volume.pk}")]
    assert tgtd.accounts == {told["user"]: password}
    assert len(password) == 16
    assert password not in export.sealed_password
    assert unseal(export.sealed_password) == password


def test_the_same_host_is_told_the_same_and_another_host_another_target(tgtd: FakeTgtd) -> None:
    server_id = new_server_id()
    volume = held_volume(server_id)
    first = connect(volume, server_id)
    assert connect(volume, server_id) == first
    other = connect(volume, server_id, "two")
    assert other["target"] != first["target"]
    assert other["password"] != first["password"]
    assert tgtd.names() == {first["target"], other["target"]}


def test_a_read_only_volume_is_served_so(tgtd: FakeTgtd) -> None:
    server_id = new_server_id()
    assert connect(held_volume(server_id, readonly=True), server_id)["read_only"] is True
    assert "targetOps readonly=1," in tgtd.told


def test_a_server_without_the_volume_and_a_volume_without_bytes_get_nothing(tgtd: FakeTgtd) -> None:
    server_id = new_server_id()
    assert connect(held_volume(server_id), new_server_id()) == {}
    bare = make_volume(status="in-use")
    Attachment.objects.create(volume=bare, server_id=server_id)
    assert connect(bare, server_id) == {}
    assert not Export.objects.exists()


def test_an_export_ends_with_its_attachment_and_leaves_the_others(
    tgtd: FakeTgtd, commit: Any
) -> None:
    one, two = new_server_id(), new_server_id()
    ending, staying = held_volume(one), held_volume(two)
    connect(ending, one)
    left = connect(staying, two)
    with commit():
        volume_service().detach(one, str(ending.pk))
    assert tgtd.names() == {left["target"]}
    assert set(tgtd.accounts) == {left["user"]}
    with commit():
        volume_service().release([two])
    assert (tgtd.names(), tgtd.accounts) == (set(), {})
    assert not Export.objects.exists()


def test_a_volume_that_is_deleted_with_its_server_is_closed_before_its_file_goes(
    tgtd: FakeTgtd, tmp_path: Path, commit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server_id = new_server_id()
    volume = held_volume(server_id)
    connect(volume, server_id)
    seen: list[int] = []
    unlink = Path.unlink

    def look(path: Path, **more: Any) -> None:
        seen.append(len(tgtd.targets))
        unlink(path, **more)

    monkeypatch.setattr(Path, "unlink", look)
    with commit():
        volume_service().release([server_id], delete=[str(volume.pk)])
    assert seen == [0]
    assert list(tmp_path.iterdir()) == []


def test_only_the_node_that_keeps_its_connection_reaches_the_volumes(tgtd: FakeTgtd) -> None:
    server_id = new_server_id()
    volume = held_volume(server_id)
    old = connect(volume, server_id, "old")
    volume_service().keep_connection(server_id, "new")
    assert tgtd.names() == set()
    new = connect(volume, server_id, "new")
    assert tgtd.names() == {new["target"]}
    exports.settle_all()
    assert tgtd.names() == {new["target"]}
    volume_service().connect_again([server_id], "old")
    exports.settle_all()
    assert tgtd.names() == {old["target"], new["target"]}
    assert tgtd.accounts[old["user"]] == old["password"]
    volume_service().disconnect(server_id, "old")
    assert tgtd.names() == {new["target"]}
    assert set(volume_service().find_connections()) == {(server_id, "new")}


def test_a_target_server_that_does_not_obey_is_unavailable_and_is_told_again(
    tgtd: FakeTgtd,
) -> None:
    server_id = new_server_id()
    volume = held_volume(server_id)
    connect(volume, server_id, "old")
    tgtd.fails.add("")  # to list and to delete
    for _ in range(2):
        with pytest.raises(Unavailable, match="refuses"):
            volume_service().keep_connection(server_id, "new")
    tgtd.fails.clear()
    assert len(tgtd.names()) == 1
    volume_service().keep_connection(server_id, "new")
    assert tgtd.names() == set()


def test_a_target_server_that_is_away_is_unavailable(tgtd: FakeTgtd) -> None:
    server_id = new_server_id()
    volume = held_volume(server_id)
    control = Path(f"{tgtd.control}.0")
    control.rename(control.with_suffix(".away"))
    try:
        with pytest.raises(Unavailable, match="does not answer"):
            connect(volume, server_id)
    finally:
        control.with_suffix(".away").rename(control)
    told = connect(volume, server_id)
    assert tgtd.names() == {told["target"]}


@pytest.mark.parametrize("step", ["targetname", "path", "user", "initiator-address"])
def test_a_target_that_could_not_be_made_is_not_left_half_made(tgtd: FakeTgtd, step: str) -> None:
    server_id = new_server_id()
    volume = held_volume(server_id)
    tgtd.fails.add(step)
    with pytest.raises(Unavailable, match="refuses"):
        connect(volume, server_id)
    assert tgtd.targets == {}
    tgtd.fails.clear()
    told = connect(volume, server_id)
    assert tgtd.names() == {told["target"]}


def test_what_a_crash_left_half_made_is_made_anew(tgtd: FakeTgtd) -> None:
    server_id = new_server_id()
    volume = held_volume(server_id)
    told = connect(volume, server_id)
    [target] = tgtd.targets.values()
    target.is_open, target.path = False, ""
    assert connect(volume, server_id) == told
    assert tgtd.names() == {told["target"]}
    assert len(tgtd.targets) == 1


def test_a_target_server_that_begins_anew_gets_its_exports_back(tgtd: FakeTgtd) -> None:
    servers = [new_server_id() for _ in range(3)]
    told = [connect(held_volume(server), server) for server in servers]
    tgtd.targets.clear()
    tgtd.accounts.clear()
    exports.settle_all()
    assert tgtd.names() == {one["target"] for one in told}
    assert tgtd.accounts == {one["user"]: one["password"] for one in told}


def test_what_no_row_wants_is_not_served_and_what_others_serve_stays(tgtd: FakeTgtd) -> None:
    server_id = new_server_id()
    told = connect(held_volume(server_id), server_id)
    gone = connect(held_volume(server_id), server_id)
    Attachment.objects.filter(volume=gone["serial"]).delete()
    tgtd.targets[7] = Target(f"{exports.NAME}stray", is_open=True)
    tgtd.targets[8] = Target("iqn.2001-01.com.example:theirs", is_open=True)
    exports.settle_all()
    assert tgtd.names() == {told["target"], "iqn.2001-01.com.example:theirs"}
    assert Export.objects.count() == 1


def test_growth_is_shown_to_one_guest_at_a_time(tgtd: FakeTgtd) -> None:
    one, two = new_server_id(), new_server_id()
    volume = held_volume(one, multiattach=True)
    Attachment.objects.create(volume=volume, server_id=two, status="attached")
    first = connect(volume, one)
    connect(volume, two)
    volume_service().show_growth(str(volume.pk), one, "one")
    shown = [target.name for target in tgtd.targets.values() if target.reread]
    assert shown == [first["target"]]
