"""The documents of the metadata service, by their paths: those of OpenStack below ``openstack/``,
and of EC2 below the dates of its versions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from servers.agent.storage.config_drive import drive_files
from servers.agent.storage.instance_data import ec2_of

EC2_VERSIONS = (
    *("1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15"),
    *("2008-02-01", "2008-09-01", "2009-04-04", "latest"),
)
PASSWORD = "password"  # noqa: S105 - the name of a document
JSON, TEXT, BYTES = "application/json", "text/plain", "application/octet-stream"


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    data: bytes
    kind: str = TEXT


def is_password(path: str) -> bool:
    """Does the guest say its password there?"""
    words = _words(path)
    return len(words) == 3 and words[0] == "openstack" and words[2] == PASSWORD


def find_document(told: Mapping[str, Any], path: str) -> Document | None:
    """``told`` is what the site says of the guest. A folder is a list of what is in it."""
    words = _words(path)
    if words[:1] == ["openstack"]:
        return _in_openstack(told, words[1:])
    if not words:
        return Document("\n".join(EC2_VERSIONS).encode())
    if words[0] not in EC2_VERSIONS:
        return None
    return _in_ec2(told, words[1:])


def _in_openstack(told: Mapping[str, Any], words: list[str]) -> Document | None:
    files = {
        tuple(name.split("/")[1:]): data
        for name, data in drive_files(told).items()
        if name.startswith("openstack/")
    }
    versions = {name[0] for name in files}
    files |= {(version, PASSWORD): str(told.get("password") or "").encode() for version in versions}
    asked = tuple(words)
    if asked in files:
        name = words[-1]
        kind = JSON if name.endswith(".json") else BYTES if name == "user_data" else TEXT
        return Document(files[asked], kind)
    inside = {name[len(asked)] for name in files if name[: len(asked)] == asked != name}
    return Document("\n".join(sorted(inside)).encode()) if inside else None


def _in_ec2(told: Mapping[str, Any], words: list[str]) -> Document | None:
    user_data = drive_files(told).get("openstack/latest/user_data")
    tree: dict[str, Any] = {"meta-data": ec2_of(told)}
    if user_data is not None:
        tree["user-data"] = user_data
    if words[:2] == ["meta-data", "public-keys"] and len(words) > 2:
        words = [*words[:2], words[2].partition("=")[0], *words[3:]]
    found: Any = tree
    for word in words:
        if not isinstance(found, Mapping) or word.startswith("_") or word not in found:
            return None
        found = found[word]
    if isinstance(found, bytes):
        return Document(found, BYTES)
    if isinstance(found, Mapping):
        return Document("\n".join(_listed(found)).encode())
    return Document(str(found).encode())


def _listed(folder: Mapping[str, Any]) -> list[str]:
    """Folders end in a slash; those with a name beside their number bear it."""
    names = []
    for name, inside in sorted(folder.items()):
        if name.startswith("_"):
            continue
        if isinstance(inside, Mapping):
            names.append(str(inside.get("_name") or f"{name}/"))
        else:
            names.append(name)
    return names


def _words(path: str) -> list[str]:
    return [word for word in path.split("/") if word]
