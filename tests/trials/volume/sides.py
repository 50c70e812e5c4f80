"""The two services that are asked, with the same things in both."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sqlite3
from typing import Any

from tests.trials.prepared import UNKNOWN, PreparedService
from tests.trials.service import Answer, ask

HOST = "local@database#volumes"
FAST = {"a": "b", "multiattach": "x"}


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """Names in braces stand for things that each side has; ``{scratch}`` is made for it."""

    kind: str
    method: str
    path: str
    body: Any = None
    version: str = "3.71"
    admin: bool = False

    def __str__(self) -> str:
        who = "admin" if self.admin else "demo"
        return f"{self.method} {self.path} {self.version} {who} {json.dumps(self.body)[:200]}"


class Side(PreparedService):
    """One of the two services, with the same things in it."""

    request = Request

    def __init__(self, identity: str, root: str, password: str, database: str = "") -> None:
        super().__init__(identity, root, password)
        self.database = database

    def send(self, request: Request) -> Answer:
        user = "admin" if request.admin else "demo"
        path = request.path.format_map(self.names)
        headers = {
            "X-Auth-Token": self.tokens[user],
            "OpenStack-API-Version": f"volume {request.version}",
        }
        url = f"{self.root}/{self.projects[user]}/{path}"
        return ask(request.method, url, self.fill_in(request.body), headers)[0]

    def make_volume(self, name: str, **keys: Any) -> str:
        """A free volume of demo."""
        body = {"volume": {"size": 1, "name": name, **keys}}
        made: str = self.need("POST", "volumes", body)["volume"]["id"]
        self.reset("volumes", made)
        if self.database:
            with contextlib.closing(sqlite3.connect(self.database, timeout=30)) as connection:
                connection.execute("UPDATE volumes SET host = ? WHERE id = ?", (HOST, made))
                connection.commit()
        return made

    def make_snapshot(self, volume: str, name: str, **keys: Any) -> str:
        body = {"snapshot": {"volume_id": volume, "name": name, **keys}}
        made: str = self.need("POST", "snapshots", body, version="3.0")["snapshot"]["id"]
        self.reset("snapshots", made)
        return made

    def make_type(self, known_as: str, name: str, **keys: Any) -> str:
        """Its name."""
        body = {"volume_type": {"name": name, **keys}}
        made = self.need("POST", "types", body, admin=True)["volume_type"]
        self.names |= {known_as: made["id"], f"{known_as}_name": made["name"]}
        return name

    def reset(self, noun: str, row_id: str, status: str = "available") -> None:
        body = {"os-reset_status": {"status": status}}
        self.need("POST", f"{noun}/{row_id}/action", body, admin=True)

    def prepare(self, salt: str) -> None:
        """What requests are about; the names of types are the same nowhere else."""
        for owner in self.projects.values():
            limits = dict.fromkeys(("volumes", "gigabytes", "snapshots"), -1)
            self.need("PUT", f"os-quota-sets/{owner}", {"quota_set": limits}, admin=True)
        fast = self.make_type("type_fast", f"fast-{salt}", extra_specs=FAST)
        self.make_type("type_own", f"own-{salt}", **{"os-volume-type-access:is_public": False})
        shapes: tuple[dict[str, Any], ...] = (
            {"size": 1, "metadata": {"a": "b"}},
            {"size": 2, "metadata": {"a": "b", "c": "d"}},
            {"size": 3, "description": "third", "volume_type": fast},
            {"size": 1, "availability_zone": "nova"},
        )
        for index, keys in enumerate(shapes):
            self.names[f"volume{index}"] = self.make_volume(f"v{index}-{salt}", **keys)
        first = self.names["volume0"]
        self.names["snapshot0"] = self.make_snapshot(first, f"s0-{salt}")
        self.names["snapshot1"] = self.make_snapshot(first, f"s1-{salt}", metadata={"k": "v"})

    def freshen(self, salt: str, kind: str) -> None:
        """What is used up by a request."""
        self.names["scratch"] = volume = self.make_volume(f"x-{salt}")
        if kind == "snapshot":
            self.names["snapshot"] = self.make_snapshot(volume, "x")
        if kind == "attachment":
            body = {"attachment": {"volume_uuid": volume, "instance_uuid": UNKNOWN}}
            self.names["attachment"] = self.need("POST", "attachments", body)["attachment"]["id"]
        if kind == "transfer":
            body = {"transfer": {"volume_id": volume, "name": "x"}}
            made = self.need("POST", "volume-transfers", body)["transfer"]
            self.names["transfer"] = made["id"]
