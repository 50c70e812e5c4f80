"""The two services that are asked, with the same things in both."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import psycopg

from tests.trials.prepared import UNKNOWN, PreparedService
from tests.trials.service import Answer, ask

FAST = {"trial:a": "b"}
NOWHERE = {"vendor_name": "nobody"}
"""Specs of a type whose volumes can be placed nowhere; a message tells of it."""
OWNED = (
    *("volumes", "gigabytes", "snapshots", "per_volume_gigabytes"),
    *("backups", "backup_gigabytes", "groups"),
)
SECONDS = 300
"""How long other processes of Cinder may take for one thing."""


HOST = "tests@files#files"
FINISHING = {
    "volumes": "UPDATE volumes SET status = %(status)s, host = %(host)s WHERE id = %(id)s",
    "groups": "UPDATE groups SET status = %(status)s, host = %(host)s WHERE id = %(id)s",
    "backups": """
        WITH made AS (UPDATE backups SET status = %(status)s, host = 'tests' WHERE id = %(id)s)
        UPDATE volumes SET status = 'available'
        WHERE status = 'backing-up' AND project_id = %(project)s
    """,
    "snapshots": "UPDATE snapshots SET status = %(status)s WHERE id = %(id)s",
    "group_snapshots": """
        WITH taken AS (UPDATE group_snapshots SET status = %(status)s WHERE id = %(id)s)
        UPDATE snapshots SET status = %(status)s WHERE group_snapshot_id = %(id)s
    """,
}
"""What Cinder's other processes would have written."""
GONE = """
    UPDATE {} SET deleted = true, deleted_at = now(), status = 'deleted'
    WHERE status = 'deleting' AND project_id = %(project)s
"""
MADE = "UPDATE {} SET status = 'available' WHERE status = 'creating' AND project_id = %(project)s"
SETTLING = (
    *(GONE.format(table) for table in ("volumes", "snapshots", "groups", "group_snapshots")),
    *(MADE.format(table) for table in ("snapshots", "groups", "group_snapshots")),
    """
        UPDATE volumes
        SET status = 'available', host = %(host)s,
            size = CASE status WHEN 'extending' THEN 2 ELSE size END
        WHERE status IN ('creating', 'extending', 'retyping') AND project_id = %(project)s
    """,
    """
        WITH held AS (
            SELECT 'volumes' AS noun, size, project_id FROM volumes WHERE NOT deleted
            UNION ALL SELECT 'snapshots', volume_size, project_id FROM snapshots WHERE NOT deleted
            UNION ALL SELECT 'groups', 0, project_id FROM groups WHERE NOT deleted
        ), used AS (
            SELECT noun AS resource, count(*) AS number FROM held
            WHERE project_id = %(project)s GROUP BY noun
            UNION ALL SELECT 'gigabytes', sum(size) FROM held WHERE project_id = %(project)s
        )
        UPDATE quota_usages SET in_use = used.number FROM used
        WHERE project_id = %(project)s AND quota_usages.resource = used.resource
    """,
)
"""The same of what requests have begun; volumes are extended to 2 GiB only."""
HALF_MADE = """
    WITH broken AS (
        UPDATE groups SET deleted = true, deleted_at = now(), status = 'deleted'
        WHERE coalesce(source_group_id, group_snapshot_id) IS NOT NULL
            AND NOT deleted AND project_id = %(project)s
        RETURNING id
    )
    UPDATE volumes SET deleted = true, deleted_at = now(), status = 'deleted'
    WHERE group_id IN (SELECT id FROM broken)
"""
"""What Cinder has made of groups that are copies when it breaks."""
MESSAGE = """
    INSERT INTO messages
        (id, project_id, request_id, resource_type, resource_uuid, event_id, detail_id, action_id,
         message_level, created_at, expires_at, deleted)
    VALUES
        (gen_random_uuid(), %(project)s, 'req-x', 'VOLUME', %(id)s, 'VOLUME_VOLUME_001_003',
         '003', '001', 'ERROR', now() at time zone 'utc',
         now() at time zone 'utc' + interval '30 days', false)
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """Names in braces stand for things that each side has; ``{scratch}`` is made for it."""

    kind: str
    method: str
    path: str
    body: Any = None
    version: str = "3.71"
    admin: bool = False
    faulty_twice: bool = False
    """Both refuse it differently, and alike once what may be a fault is taken away."""

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

    def make_volume(self, name: str, status: str = "available", **keys: Any) -> str:
        """A volume of demo, when it has the status."""
        body = {"volume": {"size": 1, "name": name, **keys}}
        return self.make("volumes", "volume", body, status)

    def make_snapshot(self, volume: str, name: str, **keys: Any) -> str:
        body = {"snapshot": {"volume_id": volume, "name": name, **keys}}
        return self.make("snapshots", "snapshot", body, version="3.0")

    def make(
        self, nouns: str, noun: str, body: Any, status: str = "available", **asked: Any
    ) -> str:
        """What is there after a while, with the status. It returns the id."""
        made: str = self.need("POST", nouns, body, **asked)[noun]["id"]
        if self.database:
            self._finish(nouns, made, status)
            return made
        until = time.monotonic() + SECONDS
        while (seen := self.need("GET", f"{nouns}/{made}")[noun]["status"]) != status:
            if "error" in seen or time.monotonic() > until:
                raise SystemExit(f"{self.root}: {nouns}/{made} is {seen}, not {status}")
            time.sleep(0.5)
        return made

    def _finish(self, nouns: str, row_id: str, status: str) -> None:
        values = {"id": row_id, "status": status, "host": HOST, "project": self.projects["demo"]}
        with psycopg.connect(self.database) as connection:
            connection.execute(FINISHING[nouns], values)
            if status == "error":
                connection.execute(MESSAGE, values)

    def settle(self) -> None:
        """Let come to an end what requests have begun."""
        if self.database:
            values = {"host": HOST, "project": self.projects["demo"]}
            with psycopg.connect(self.database) as connection:
                for statement in SETTLING:
                    connection.execute(statement, values)

    def undo(self, request: Request, answer: Answer) -> None:
        """Delete what only this side has made, if it has."""
        if answer.status == 500 and request.path == "groups/action" and self.database:
            with psycopg.connect(self.database) as connection:
                connection.execute(HALF_MADE, {"project": self.projects["demo"]})
        if answer.status == 202 and "addProjectAccess" in str(request.body):
            body = {"removeProjectAccess": request.body["addProjectAccess"]}
            self.send(dataclasses.replace(request, body=body))
        noun = request.path.partition("?")[0].partition("/")[0]
        made = next(iter(answer.json.values()), None) if isinstance(answer.json, dict) else None
        if request.method == "POST" and answer.status < 300 and isinstance(made, dict):
            gone = {"delete": {"delete-volumes": True}}
            row = f"{noun}/{made.get('id')}"
            if noun == "groups":
                self.send(Request("undo", "POST", f"{row}/action", gone, admin=False))
            else:
                self.send(Request("undo", "DELETE", row, admin=request.admin))

    def make_type(self, known_as: str, name: str, **keys: Any) -> str:
        """Its name."""
        body = {"volume_type": {"name": name, **keys}}
        made = self.need("POST", "types", body, admin=True)["volume_type"]
        self.names |= {known_as: made["id"], f"{known_as}_name": made["name"]}
        return name

    def make_specs(self, known_as: str, name: str) -> None:
        body = {"qos_specs": {"name": name, "consumer": "front-end", "a": "b"}}
        made = self.need("POST", "qos-specs", body, admin=True)["qos_specs"]
        self.names[known_as] = made["id"]

    def make_group_type(self, known_as: str, name: str) -> None:
        body = {"group_type": {"name": name, "group_specs": {"a": "b"}}}
        made = self.need("POST", "group_types", body, admin=True)["group_type"]
        self.names[known_as] = made["id"]

    def make_group(self, known_as: str, name: str) -> None:
        """With one volume in it."""
        kinds = {"group_type": self.names["group_type0"], "volume_types": [self.names["type_fast"]]}
        made = self.make("groups", "group", {"group": {"name": name, **kinds}})
        self.names[known_as] = made
        self.make_volume(f"of {name}", volume_type=self.names["type_fast"], group_id=made)

    def make_group_snapshot(self, known_as: str, group: str, name: str) -> None:
        body = {"group_snapshot": {"name": name, "group_id": group}}
        self.names[known_as] = self.make("group_snapshots", "group_snapshot", body)

    def make_message(self, known_as: str, name: str) -> None:
        """Of a volume that could be placed nowhere."""
        self.make_volume(name, "error", volume_type=self.names["type_nowhere"])
        self.names[known_as] = self.need("GET", "messages?limit=1")["messages"][0]["id"]

    def prepare(self, salt: str) -> None:
        """What requests are about; the names of types are the same nowhere else."""
        for owner in self.projects.values():
            limits = dict.fromkeys(OWNED, -1)
            self.need("PUT", f"os-quota-sets/{owner}", {"quota_set": limits}, admin=True)
        fast = self.make_type("type_fast", f"fast-{salt}", extra_specs=FAST)
        self.make_type("type_own", f"own-{salt}", **{"os-volume-type-access:is_public": False})
        self.make_type("type_nowhere", f"nowhere-{salt}", extra_specs=NOWHERE)
        self.make_type("type_secret", f"secret-{salt}")
        secret = {"encryption": {"provider": "luks", "control_location": "front-end"}}
        path = f"types/{self.names['type_secret']}/encryption"
        made = self.need("POST", path, secret, admin=True)["encryption"]
        self.names["encryption0"] = made["encryption_id"]
        self.make_specs("specs0", f"q0-{salt}")
        specs = f"qos-specs/{self.names['specs0']}/associate"
        self.need("GET", f"{specs}?vol_type_id={self.names['type_secret']}", admin=True)
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
        self.make_group_type("group_type0", f"g0-{salt}")
        self.make_group("group0", f"g0-{salt}")
        self.make_group_snapshot("group_snapshot0", self.names["group0"], f"t0-{salt}")
        backup = {"name": f"b0-{salt}", "volume_id": first, "metadata": {"k": "v"}}
        self.names["backup0"] = self.make("backups", "backup", {"backup": backup})
        self.make_message("message0", f"lost-{salt}")

    def freshen(self, salt: str, kind: str) -> None:
        """What is used up by a request."""
        makers: Mapping[str, Callable[[], object]] = {
            "specs": lambda: self.make_specs("specs", f"q-{salt}"),
            "type": lambda: self.make_type("type_new", f"t-{salt}"),
            "group type": lambda: self.make_group_type("group_type", f"g-{salt}"),
            "group": lambda: self.make_group("group", f"g-{salt}"),
            "message": lambda: self.make_message("message", f"lost-{salt}"),
        }
        if kind in makers:
            makers[kind]()
            return
        if kind == "group snapshot":
            self.make_group_snapshot("group_snapshot", self.names["group0"], f"t-{salt}")
            return
        self.names["scratch"] = volume = self.make_volume(f"x-{salt}")
        if kind == "snapshot":
            self.names["snapshot"] = self.make_snapshot(volume, "x")
        if kind == "attachment":
            body = {"attachment": {"volume_uuid": volume, "instance_uuid": UNKNOWN}}
            self.names["attachment"] = self.need("POST", "attachments", body)["attachment"]["id"]
        if kind == "transfer":
            body = {"transfer": {"volume_id": volume, "name": "x"}}
            made = self.need("POST", "volume-transfers", body)["transfer"]
            self.names |= {"transfer": made["id"]}
