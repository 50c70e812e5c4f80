"""The config drive: a CD that tells a guest who it is.

The layout is that of OpenStack (``openstack/DATE/…``, ``openstack/latest/…``) and of EC2
(``ec2/latest/…``).
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import io
import json
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from servers.agent.failures import GuestFailed
from servers.agent.storage.instance_data import (
    ec2_of,
    is_path,
    meta_data_of,
    network_data_of,
    vendor_data_of,
)

pycdlib: Any = None
with contextlib.suppress(ImportError):  # the extra "guests" is not installed
    pycdlib = import_module("pycdlib")

LABEL = "config-2"
VERSIONS = (
    *("2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15", "2016-06-30", "2016-10-06"),
    *("2017-02-22", "2018-08-27", "2020-10-14", "latest"),
)
NETWORK_DATA_SINCE = "2015-10-15"
VENDOR_DATA_SINCE = "2013-10-17"
VENDOR_DATA2_SINCE = "2016-10-06"
EC2_VERSIONS = ("2009-04-04", "latest")
LONGEST_FILES = 64 << 20


def write_config_drive(guest: Mapping[str, Any], target: Path) -> None:
    """Write the CD; only root and QEMU may read it, since it may hold a password."""
    disc = pycdlib.PyCdlib()
    disc.new(interchange_level=4, vol_ident=LABEL, joliet=3, rock_ridge="1.09")
    folders: set[str] = set()
    for path, data in sorted(drive_files(guest).items()):
        _add(disc, folders, path, data)
    draft = target.with_name(f".{target.name}.draft")
    draft.touch(mode=0o600)
    try:
        disc.write(str(draft))
        draft.replace(target)
    finally:
        disc.close()
        draft.unlink(missing_ok=True)


def lacks_library() -> list[str]:
    return [] if pycdlib else ["the Python package pycdlib is not there; pip install pycdlib"]


def drive_files(guest: Mapping[str, Any]) -> dict[str, bytes]:
    """What is on the drive, by path.

    Raises:
        GuestFailed: a file that shall be injected cannot be.
    """
    contents = _injected(guest.get("files") or ())
    meta = meta_data_of(guest)
    if contents:
        meta["files"] = [
            {"path": path, "content_path": f"/content/{number:04}"}
            for number, (path, _) in enumerate(contents)
        ]
    user_data = _decoded(guest.get("user_data"))
    files: dict[str, bytes] = {}
    for version in VERSIONS:
        own = {"meta_data.json": _json(meta)}
        if user_data is not None:
            own["user_data"] = user_data
        if version >= NETWORK_DATA_SINCE:
            own["network_data.json"] = _json(network_data_of(guest))
        if version >= VENDOR_DATA_SINCE:
            own["vendor_data.json"] = _json(vendor_data_of(guest))
        if version >= VENDOR_DATA2_SINCE:
            own["vendor_data2.json"] = _json({})
        files.update({f"openstack/{version}/{name}": data for name, data in own.items()})
    for number, (_, data) in enumerate(contents):
        files[f"openstack/content/{number:04}"] = data
    for version in EC2_VERSIONS:
        files[f"ec2/{version}/meta-data.json"] = _json(ec2_of(guest))
        if user_data is not None:
            files[f"ec2/{version}/user-data"] = user_data
    return files


def _injected(files: Sequence[Mapping[str, str]]) -> list[tuple[str, bytes]]:
    found = []
    for file in files:
        path = str(file.get("path", ""))
        data = _decoded(file.get("contents"))
        if not is_path(path) or data is None:
            raise GuestFailed(
                f"the file {path[:80]!r} cannot be put on the config drive", "bad_file"
            )
        found.append((path, data))
    if sum(len(data) for _, data in found) > LONGEST_FILES:
        raise GuestFailed("the files for the guest are too long for a config drive", "bad_file")
    return found


def _decoded(text: str | None) -> bytes | None:
    """What is base64 on the wire; a text that is not is taken as it is."""
    if not text:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text.encode()


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _add(disc: Any, folders: set[str], path: str, data: bytes) -> None:
    *parents, name = path.split("/")
    for depth in range(1, len(parents) + 1):
        folder = "/" + "/".join(parents[:depth])
        if folder not in folders:
            folders.add(folder)
            disc.add_directory(folder, rr_name=parents[depth - 1], joliet_path=folder)
    whole = f"/{path}"
    disc.add_fp(io.BytesIO(data), len(data), whole, rr_name=name, joliet_path=whole)
