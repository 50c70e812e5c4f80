"""Sends the same random requests to this site's volume API and to a real Cinder, and compares.

``python -m tests.trials.volume --count 3000 --seed 7`` makes the requests of a seed always alike.
It compares the status, and of good answers the keys and the order of lists. What differs for a
known reason is counted by its reason (``KNOWN``); the rest is shown, and makes the command fail.

Both sides need the user ``admin`` in a project of that name; a project and a member of it are made
for the trial. Cinder's API is enough, without its other processes: an admin sets volumes to
``available``, and they get a host in the SQLite file that ``--cinder-database`` names.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import json
import random
import re
import sqlite3
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

HOST = "local@database#volumes"
UNKNOWN = "00000000-0000-4000-8000-000000000000"
VERSIONS = ("3.0", "3.2", "3.14", "3.27", "3.34", "3.45", "3.54", "3.59", "3.62", "3.66", "3.71")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


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


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    status: int
    json: Any


class Side:
    """One of the two services, with the same things in it."""

    def __init__(self, identity: str, volume: str, password: str, database: str = "") -> None:
        self.identity = identity
        self.volume = volume
        self.database = database
        self.tokens: dict[str, str] = {}
        self.projects: dict[str, str] = {}
        self._log_in("admin", password)
        self.names = {"unknown": UNKNOWN}

    def _log_in(self, user: str, password: str) -> None:
        domain = {"id": "default"}
        told = {"name": user, "domain": domain, "password": password}
        login = {"methods": ["password"], "password": {"user": told}}
        scope = {"project": {"name": user, "domain": domain}}
        answer = self._identify(
            "POST", "auth/tokens", {"auth": {"identity": login, "scope": scope}}
        )
        who = "admin" if user == "admin" else "demo"
        self.tokens[who] = answer.headers["X-Subject-Token"]
        self.projects[who] = json.load(answer)["token"]["project"]["id"]

    def _identify(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Content-Type": "application/json"}
        if "admin" in self.tokens:
            headers["X-Auth-Token"] = self.tokens["admin"]
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(  # noqa: S310
            f"{self.identity}/{path}", data, headers, method=method
        )
        return urllib.request.urlopen(asked)  # noqa: S310

    def make_member(self, name: str) -> None:
        """A project with a member, who asks from now on."""
        login = {"name": name, "password": name}
        project = json.load(self._identify("POST", "projects", {"project": {"name": name}}))
        user = json.load(self._identify("POST", "users", {"user": login}))
        roles = json.load(self._identify("GET", "roles?name=member"))["roles"]
        ids = (project["project"]["id"], user["user"]["id"], roles[0]["id"])
        self._identify("PUT", "projects/{}/users/{}/roles/{}".format(*ids))
        self._log_in(name, name)
        self.names |= {f"project_{user}": row_id for user, row_id in self.projects.items()}

    def send(self, request: Request) -> Answer:
        user = "admin" if request.admin else "demo"
        path = request.path.format_map(self.names)
        body = self._filled(request.body)
        headers = {
            "X-Auth-Token": self.tokens[user],
            "OpenStack-API-Version": f"volume {request.version}",
            "Content-Type": "application/json",
        }
        asked = urllib.request.Request(  # noqa: S310
            f"{self.volume}/{self.projects[user]}/{path}",
            None if body is None else json.dumps(body).encode(),
            headers,
            method=request.method,
        )
        try:
            with urllib.request.urlopen(asked, timeout=120) as answer:  # noqa: S310
                return Answer(answer.status, _read(answer.read()))
        except urllib.error.HTTPError as error:
            return Answer(error.code, _read(error.read()))

    def _filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        if isinstance(value, str) and re.fullmatch(r"\{\w+\}", value):
            return self.names[value[1:-1]]
        return value

    def need(self, *request: Any, **more: Any) -> Any:
        """A request that has to succeed."""
        answer = self.send(Request("world", *request, **more))
        if answer.status >= 300:
            raise SystemExit(f"{self.volume}: {request}: {answer}")
        return answer.json

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

    def reset(self, noun: str, row_id: str, status: str = "available") -> None:
        body = {"os-reset_status": {"status": status}}
        self.need("POST", f"{noun}/{row_id}/action", body, admin=True)

    def prepare(self, salt: str) -> None:
        """What requests are about; the names of types are the same nowhere else."""
        for owner in self.projects.values():
            limits = dict.fromkeys(("volumes", "gigabytes", "snapshots"), -1)
            self.need("PUT", f"os-quota-sets/{owner}", {"quota_set": limits}, admin=True)
        types = {
            "type_fast": {"name": f"fast-{salt}", "extra_specs": {"a": "b", "multiattach": "x"}},
            "type_own": {"name": f"own-{salt}", "os-volume-type-access:is_public": False},
        }
        for name, kind in types.items():
            made = self.need("POST", "types", {"volume_type": kind}, admin=True)["volume_type"]
            self.names |= {name: made["id"], f"{name}_name": made["name"]}
        shapes: tuple[dict[str, Any], ...] = (
            {"size": 1, "metadata": {"a": "b"}},
            {"size": 2, "metadata": {"a": "b", "c": "d"}},
            {"size": 3, "description": "third", "volume_type": types["type_fast"]["name"]},
            {"size": 1, "availability_zone": "nova"},
        )
        for index, keys in enumerate(shapes):
            self.names[f"volume{index}"] = self.make_volume(f"v{index}-{salt}", **keys)
        for index in range(2):
            body = {"volume_id": self.names["volume0"], "name": f"s{index}-{salt}"}
            if index:
                body["metadata"] = {"k": "v"}  # type: ignore[assignment]
            made = self.need("POST", "snapshots", {"snapshot": body}, version="3.0")["snapshot"]
            self.reset("snapshots", made["id"])
            self.names[f"snapshot{index}"] = made["id"]
        self.names["scratch"] = UNKNOWN

    def freshen(self, salt: str, kind: str) -> None:
        """What is used up by a request."""
        self.names["scratch"] = volume = self.make_volume(f"x-{salt}")
        if kind == "snapshot":
            body = {"snapshot": {"volume_id": volume, "name": "x"}}
            made = self.need("POST", "snapshots", body, version="3.0")["snapshot"]
            self.reset("snapshots", made["id"])
            self.names["snapshot"] = made["id"]
        if kind == "attachment":
            body = {"attachment": {"volume_uuid": volume, "instance_uuid": UNKNOWN}}
            self.names["attachment"] = self.need("POST", "attachments", body)["attachment"]["id"]
        if kind == "transfer":
            body = {"transfer": {"volume_id": volume, "name": "x"}}
            made = self.need("POST", "volume-transfers", body)["transfer"]
            self.names["transfer"] = made["id"]


def _read(data: bytes) -> Any:
    try:
        return json.loads(data) if data else None
    except ValueError:
        return data[:100]


# what is asked


class Asker:
    """Makes random requests; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311 - no secret

    def request(self) -> Request:
        makers = (
            *((self.lists,) * 6),
            *((self.shows,) * 2),
            *((self.creates,) * 4),
            *((self.changes,) * 3),
            *((self.metadata,) * 3),
            *((self.actions,) * 5),
            *((self.attachments,) * 3),
            *((self.transfers,) * 2),
            *((self.types,) * 3),
            *((self.others,) * 2),
        )
        request = self.draw.choice(makers)()
        version = self.draw.choice((*VERSIONS, "3.71", "3.71"))
        if self.draw.random() < 0.02:
            version = self.draw.choice(("3.72", "2.0", "4.0", "three", "3", "latest"))
        return dataclasses.replace(request, version=version)

    def some(self, choices: Mapping[str, Any], most: int = 3) -> dict[str, Any]:
        names = self.draw.sample(sorted(choices), min(len(choices), self.draw.randint(0, most)))
        return {name: self.draw.choice(choices[name]) for name in names}

    def lists(self) -> Request:
        noun = self.draw.choice(("volumes", "volumes", "snapshots", "attachments", "types"))
        noun = self.draw.choice((noun, noun, noun, "volume-transfers"))
        detail = self.draw.choice(("", "/detail")) if noun != "types" else ""
        filters: dict[str, tuple[str, ...]] = {
            "name": ("v1-{salt}", "none"),
            "status": ("available", "error", "Available"),
            "metadata": ("{{'a':'b'}}", "{{'a':'x'}}"),
            "size": ("2", "9"),
            "bootable": ("true", "False", "0", "1"),
            "availability_zone": ("nova", "x"),
            "volume_id": ("{volume0}", "{unknown}", "x"),
            "name~": ("v", "zz"),
            "created_at": ("gt:2020-01-01T00:00:00", "lt:2020-01-01T00:00:00", "x:2020-01-01"),
            "updated_at": ("gte:2020-01-01T00:00:00Z", "gt:never"),
            "with_count": ("true", "false"),
            "consumes_quota": ("true", "false", "x"),
            "glance_metadata": ("{{'a':'b'}}",),
            "extra_specs": ("{{'a':'b'}}",),
            "limit": ("1", "2", "0", "-1", "x"),
            "offset": ("0", "1", "x"),
            "marker": ("{volume1}", "{unknown}", "x"),
            "sort": ("name:asc", "size", "created_at:desc,id:asc", "colour", "name:up"),
            "sort_key": ("name", "id", "status", "colour"),
            "sort_dir": ("asc", "desc", "up"),
            "all_tenants": ("1",),
            "colour": ("red",),
            "instance_id": ("{unknown}",),
            "is_public": ("none", "true"),
        }
        asked = self.some(filters, 3)
        query = "&".join(f"{key}={value}" for key, value in asked.items())
        return Request("list", "GET", f"{noun}{detail}?{query}")

    def shows(self) -> Request:
        noun, own = self.draw.choice(
            (("volumes", "{volume2}"), ("snapshots", "{snapshot1}"), ("types", "{type_fast}"))
        )
        row = self.draw.choice((own, own, "{unknown}", "x", "{type_own}"))
        return Request("show", "GET", f"{noun}/{row}", admin=self.draw.random() < 0.3)

    def creates(self) -> Request:
        keys: dict[str, tuple[Any, ...]] = {
            "name": ("n", "", None, 5, "x" * 256),
            "description": ("d", None, "x" * 256),
            "size": (1, "2", 0, -1, "big", None, 1.5),
            "metadata": ({}, {"k": "v"}, {"k": 5}, {"": "v"}, None, [], {"k": "x" * 256}),
            "availability_zone": ("nova", None),
            "volume_type": ("{type_fast}", "{type_fast_name}", "", None, "none", "{type_own}"),
            "snapshot_id": ("{snapshot0}", "{unknown}", "x", None),
            "source_volid": ("{volume1}", "{unknown}", None),
            "imageRef": (None, ""),
            "multiattach": (False, "maybe"),
            "display_name": ("n",),
            "group_id": (None, "x"),
            "backup_id": (None,),
            "consistencygroup_id": (None,),
            "colour": ("red",),
            "scheduler_hints": ({},),
        }
        body = {"size": 1} | self.some(keys)
        if self.draw.random() < 0.3:
            keys = {
                "name": ("n", "", None, 5, "x" * 256),
                "description": ("d", None),
                "force": (True, False, "true", None, "maybe"),
                "metadata": ({"k": "v"}, {"k": 5}, None, {}),
                "colour": ("red",),
            }
            target = self.draw.choice(("{volume1}", "{volume2}", "{unknown}", "x"))
            return Request(
                "create",
                "POST",
                "snapshots",
                {"snapshot": {"volume_id": target, **self.some(keys)}},
            )
        return Request("create", "POST", "volumes", {"volume": body})

    def changes(self) -> Request:
        kind = self.draw.choice(("volume", "snapshot"))
        keys: dict[str, tuple[Any, ...]] = {
            "name": ("n", "", None, 5, "x" * 256),
            "description": ("d", None, ""),
            "metadata": ({"k": "v"}, {"k": 5}),
            "display_name": ("n",),
            "size": (5,),
            "colour": ("red",),
        }
        row = {"volume": "{scratch}", "snapshot": "{snapshot}"}[kind]
        method = self.draw.choice(("PUT", "PUT", "DELETE"))
        body = {kind: self.some(keys)} if method == "PUT" else None
        query = self.draw.choice(("", "", "?cascade=true", "?force=true")) if body is None else ""
        return Request(kind, method, f"{kind}s/{row}{query}", body, admin=self.draw.random() < 0.2)

    def metadata(self) -> Request:
        kind = self.draw.choice(("volume", "snapshot"))
        path = f"{kind}s/{ {'volume': '{scratch}', 'snapshot': '{snapshot}'}[kind] }/metadata"
        items = self.draw.choice(({"k": "v"}, {"k": 5}, {}, {"": "v"}, {"k": "x" * 256}, None, []))
        method = self.draw.choice(("GET", "POST", "PUT", "one", "read", "DELETE"))
        if method == "one":
            return Request(kind, "PUT", f"{path}/k", {"meta": items})
        if method in ("DELETE", "read"):
            return Request(kind, "GET" if method == "read" else method, f"{path}/k")
        return Request(kind, method, path, None if method == "GET" else {"metadata": items})

    def actions(self) -> Request:
        yes = (True, False, "true", "maybe", None)
        known: dict[str, tuple[Any, ...]] = {
            "os-extend": ({"new_size": 2}, {"new_size": 1}, {"new_size": "x"}, {}, None),
            "os-set_bootable": tuple({"bootable": word} for word in yes),
            "os-update_readonly_flag": tuple({"readonly": word} for word in yes),
            "os-reset_status": (
                {"status": "error"},
                {"status": "in-use"},
                {"status": "colour"},
                {"attach_status": "detached"},
                {"migration_status": "none"},
                {},
            ),
            "os-set_image_metadata": (
                *({"metadata": {"k": "v"}}, {"metadata": {}}, {"metadata": {"k": 5}}, {}),
            ),
            "os-unset_image_metadata": ({"key": "k"}, {}),
            "os-show_image_metadata": ({}, None),
            "os-reserve": (None, {}),
            "os-unreserve": (None, {}),
            "os-begin_detaching": (None,),
            "os-roll_detaching": (None,),
            "revert": ({"snapshot_id": "{snapshot0}"}, {"snapshot_id": "x"}, {}),
            "os-retype": ({"new_type": "none"}, {}, {"new_type": "{type_fast}", "colour": 1}),
            "os-force_delete": ({}, None),
            "os-attach": ({"colour": 1}, {}, {"mountpoint": ""}),
            "os-detach": ({"colour": 1},),
            "os-paint": ({},),
            "os-extend_volume_completion": ({}, {"error": "maybe"}),
            "os-volume_upload_image": ({}, {"image_name": ""}, {"image_name": "x", "colour": 1}),
        }
        name = self.draw.choice(sorted(known))
        body = {name: self.draw.choice(known[name])}
        admin = self.draw.random() < 0.4
        return Request("volume", "POST", "volumes/{scratch}/action", body, admin=admin)

    def attachments(self) -> Request:
        way = self.draw.choice(("create", "create", "show", "delete", "complete", "update"))
        url = "attachments/{attachment}"
        if way == "create":
            keys: dict[str, tuple[Any, ...]] = {
                "instance_uuid": ("{unknown}", "x", None),
                "connector": (None, {}, "x"),
                "mode": ("rw", "ro", "x", None),
                "colour": ("red",),
            }
            row = self.draw.choice(("{scratch}", "{scratch}", "{unknown}", "x"))
            body = {"attachment": {"volume_uuid": row, **self.some(keys)}}
            return Request("volume", "POST", "attachments", body)
        if way == "complete":
            body = {"os-complete": self.draw.choice((None, {}))}
            return Request("attachment", "POST", f"{url}/action", body)
        if way == "update":
            connector = self.draw.choice((None, {}, "x"))
            return Request("attachment", "PUT", url, {"attachment": {"connector": connector}})
        return Request("attachment", "GET" if way == "show" else "DELETE", url)

    def transfers(self) -> Request:
        noun = self.draw.choice(("volume-transfers", "os-volume-transfer"))
        way = self.draw.choice(("create", "show", "delete", "accept", "accept"))
        if way == "create":
            keys: dict[str, tuple[Any, ...]] = {
                "name": ("n", "", None, 5, "x" * 256),
                "no_snapshots": (True, "maybe", None),
                "colour": ("red",),
            }
            row = self.draw.choice(("{scratch}", "{scratch}", "{unknown}", "x"))
            return Request(
                "volume", "POST", noun, {"transfer": {"volume_id": row, **self.some(keys)}}
            )
        if way == "accept":
            key = self.draw.choice(("wrong", 5, None, ""))  # the right one needs other processes
            body = {"accept": {"auth_key": key}}
            return Request("transfer", "POST", f"{noun}/{{transfer}}/accept", body)
        return Request("transfer", "GET" if way == "show" else "DELETE", f"{noun}/{{transfer}}")

    def types(self) -> Request:
        row = self.draw.choice(("{type_own}", "{type_own}", "{unknown}", "{type_fast}"))
        keys: dict[str, tuple[Any, ...]] = {
            "description": ("d", None, 5),
            "is_public": (True, False, "maybe"),
            "colour": ("red",),
            "name": ("", None, 5),
        }
        project = {"project": self.draw.choice(("{project_demo}", "nobody", 5))}
        method, path, body = self.draw.choice(
            (
                ("PUT", f"types/{row}", {"volume_type": self.some(keys)}),
                ("POST", "types", {"volume_type": self.some(keys)}),
                ("GET", f"types/{row}/extra_specs", None),
                ("GET", f"types/{row}/extra_specs/a", None),
                (
                    *("POST", f"types/{row}/extra_specs"),
                    {"extra_specs": self.draw.choice(({"a": "b"}, {"a": 5}, {}, {"": "x"}, None))},
                ),
                ("PUT", f"types/{row}/extra_specs/a", self.draw.choice(({"a": "c"}, {"b": "c"}))),
                ("DELETE", f"types/{row}/extra_specs/none", None),
                ("GET", f"types/{row}/os-volume-type-access", None),
                ("POST", f"types/{row}/action", {"addProjectAccess": project}),
                ("POST", f"types/{row}/action", {"removeProjectAccess": project}),
            )
        )
        return Request("types", method, path, body, admin=self.draw.random() < 0.7)

    def others(self) -> Request:
        owner = self.draw.choice(("{project_demo}", "{project_demo}", "{project_admin}"))
        kind = {"default_type": {"volume_type": self.draw.choice(("none", "{type_fast}", 5))}}
        quota = self.draw.choice(
            ({"volumes": 99999}, {"volumes": -1}, {"volumes": "x"}, {"a": 1}, {})
        )
        method, path, body = self.draw.choice(
            (
                ("GET", "limits", None),
                ("GET", f"limits?project_id={owner}", None),
                ("GET", "os-availability-zone", None),
                ("GET", f"os-quota-sets/{owner}", None),
                ("GET", f"os-quota-sets/{owner}?usage=true", None),
                ("GET", f"os-quota-sets/{owner}/defaults", None),
                ("PUT", f"os-quota-sets/{owner}", {"quota_set": quota}),
                ("GET", "os-quota-class-sets/default", None),
                ("GET", "volumes/summary", None),
                ("GET", "resource_filters?resource=volume", None),
                ("GET", "default-types", None),
                ("GET", f"default-types/{owner}", None),
                ("PUT", f"default-types/{owner}", kind),
                ("DELETE", f"default-types/{owner}", None),
                ("GET", "extensions", None),
                ("GET", "paint", None),
                ("GET", "os-hosts", None),
            )
        )
        return Request("other", method, path, body, admin=self.draw.random() < 0.6)


# what is compared

Test = Callable[[Request, Answer, Answer], bool]


def shape(value: Any) -> Any:
    """The keys of objects at any depth; of lists, the first object and the number."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items() if key not in FREE}
    if isinstance(value, list):
        return [len(value), shape(value[0]) if value else None]
    return None


FREE = (
    *("metadata", "links", "extra_specs", "filters", "volume_image_metadata", "rate"),
    *("volumes_links", "snapshots_links", "attachments_links", "transfers_links"),
    *("volume_type_links", "volume_types_links"),
)
"""Keys whose contents are not compared by shape."""


def order(answer: Answer) -> list[str]:
    """The names of what was prepared, in the order of the list. The rest is used up by requests,
    and where Cinder's other processes do not run, what is deleted stays.
    """
    for key in ("volumes", "snapshots", "volume_types"):
        rows = answer.json.get(key) if isinstance(answer.json, dict) else None
        if isinstance(rows, list):
            names = [str(row.get("name")) for row in rows if isinstance(row, dict)]
            return [name for name in names if PREPARED.match(name)]
    return []


PREPARED = re.compile(r"[vs]\d-")


def differs(request: Request, ours: Answer, theirs: Answer) -> str | None:
    """In what; ``None``: in nothing."""
    if ours.status != theirs.status:
        return f"status {ours.status}, theirs {theirs.status}"
    if ours.status >= 300 or not isinstance(ours.json, dict):
        return None
    if request.kind == "list":
        return _lists_differ(ours, theirs)
    if shape(ours.json) != shape(theirs.json):
        return f"keys {_first_difference(shape(ours.json), shape(theirs.json))}"
    return None


def _lists_differ(ours: Answer, theirs: Answer) -> str | None:
    key = next(iter(ours.json), "")
    mine, other = ours.json.get(key) or [], theirs.json.get(key) or []
    if order(ours) != order(theirs):
        return "order or rows of the list"
    if mine and other and shape(mine[0]) != shape(other[0]):
        return f"keys {sorted(set(shape(mine[0])) ^ set(shape(other[0])))}"
    return None


def _first_difference(mine: Any, other: Any, path: str = "") -> str:
    if isinstance(mine, dict) and isinstance(other, dict):
        for key in sorted(set(mine) ^ set(other)):
            return f"{path}{key} ({'ours' if key in mine else 'theirs'} alone)"
        for key in mine:
            if mine[key] != other[key]:
                return _first_difference(mine[key], other[key], f"{path}{key}.")
    return f"{path.rstrip('.')}: {mine!r:.60} theirs {other!r:.60}"


def _by(path: str, *statuses: int | tuple[int, ...] | None) -> Test:
    """Requests whose path is like this and that have these statuses, ours and theirs; ``None``
    stands for every status.
    """

    def holds(request: Request, ours: Answer, theirs: Answer) -> bool:
        given = zip(statuses, (ours.status, theirs.status), strict=True)
        alike = all(
            want is None or got in (want if isinstance(want, tuple) else (want,))
            for want, got in given
        )
        return re.match(path, request.path) is not None and alike

    return holds


def _has(key: str, *statuses: int | tuple[int, ...] | None) -> Test:
    """The same of requests that have the key in their body."""
    alike = _by("", *statuses)

    def holds(request: Request, ours: Answer, theirs: Answer) -> bool:
        return f'"{key}"' in json.dumps(request.body) and alike(request, ours, theirs)

    return holds


def _pages(request: Request, ours: Answer, theirs: Answer) -> bool:
    return request.kind == "list" and re.search(r"limit=|offset=|marker=", request.path) is not None


def _by_id(request: Request, ours: Answer, theirs: Answer) -> bool:
    return request.kind == "list" and re.search("sort_key=id|sort=id", request.path) is not None


def _ignored(request: Request, ours: Answer, theirs: Answer) -> bool:
    return request.kind == "list" and request.version in ("3.0", "3.2", "3.14", "3.27")


def _types_by_name(request: Request, ours: Answer, theirs: Answer) -> bool:
    return request.path.startswith("types?") and ours.status == theirs.status == 200


KNOWN: tuple[tuple[str, Test], ...] = (
    ("Cinder breaks (500)", _by("", None, 500)),
    ("the caller's right counts before the body", _by("", 403, 400)),
    ("the caller's right counts before the thing", _by("types|default-types", 403, 404)),
    ("a thing that is not there counts before the body", _by("types/|volumes/|snap", 404, 400)),
    ("types are ordered by name, and markers of theirs count", _types_by_name),
    ("pages of lists in which what is deleted stays", _pages),
    ("filters that Cinder ignores before 3.31", _ignored),
    ("unknown keys are refused before 3.53, too", _has("colour", 400, (200, 202))),
    ("unknown keys are refused before 3.53, too", _has("scheduler_hints", 400, 202)),
    ("lists by id: ids are random", _by_id),
    ("projects that do not exist get no access", _by(r"types/.*/os-volume-type-access", 200, 200)),
    ("there are no groups", _has("group_id", 400, 404)),
    ("projects that do not exist get no access", _by(r"types/.*/action", (400, 404), 202)),
    ("unknown parameters are refused", _by(r"[\w-]+(/detail)?\?|limits\?", 400, 200)),
    ("Cinder's default settings allow fewer filters", _by(r"[\w-]+(/detail)?\?", 200, 400)),
    ("quotas of single types are not kept", _by("os-quota-(class-)?sets/.*", 200, 200)),
    ("zones are told of processes there", _by("os-availability-zone", 200, 200)),
    ("processes are told from a table there", _by("os-hosts", 200, 200)),
    ("extensions are told as they are on each side", _by("extensions", 200, 200)),
)
"""Why some answers differ; docs/services.md names what a client may notice."""


def main() -> int:
    parser = argparse.ArgumentParser("python -m tests.trials.volume", description=__doc__)
    parser.add_argument("--ours", default="http://127.0.0.1:8774")
    parser.add_argument("--our-password", default="admin", help="of the user admin")
    parser.add_argument("--identity", default="http://127.0.0.1:8833/v3")
    parser.add_argument("--cinder", default="http://127.0.0.1:8835/v3")
    parser.add_argument("--cinder-database", default="")
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shown", type=int, default=40)
    asked = parser.parse_args()
    ours = Side(f"{asked.ours}/identity/v3", f"{asked.ours}/volume/v3", asked.our_password)
    theirs = Side(asked.identity, asked.cinder, "admin", asked.cinder_database)
    salt = f"{random.getrandbits(40):010x}"
    for side in (ours, theirs):
        side.make_member(f"trial-{salt}")
        side.names["salt"] = salt
        side.prepare(salt)
    return compare(ours, theirs, Asker(asked.seed), asked.count, asked.shown)


USED_UP = ("volume", "snapshot", "attachment", "transfer")
"""Kinds of requests whose things are new for each that changes them."""


def compare(ours: Side, theirs: Side, asker: Asker, count: int, shown: int) -> int:
    same = 0
    named: collections.Counter[str] = collections.Counter()
    told: dict[tuple[str, ...], list[str]] = {}
    fresh: set[str] = set()
    for number in range(count):
        request = asker.request()
        if request.kind in USED_UP and request.kind not in fresh:
            for side in (ours, theirs):
                side.freshen(f"{ours.names['salt']}-{number}", request.kind)
            fresh = (fresh - {"volume"}) | {request.kind}
        if request.method != "GET" and "/metadata" not in request.path:
            fresh.discard(request.kind)
        mine, other = ours.send(request), theirs.send(request)
        found = differs(request, mine, other)
        if found is None:
            same += 1
            continue
        reason = next((why for why, holds in KNOWN if holds(request, mine, other)), None)
        if reason is not None:
            named[reason] += 1
            continue
        action = next(iter(request.body), "") if isinstance(request.body, dict) else ""
        place = UUID.sub("ID", request.path.partition("?")[0])
        key = (request.method, place, action if "action" in place else "", found)
        message = f"{request}\n      ours {quote_of(mine)}\n      theirs {quote_of(other)}"
        told.setdefault(key, []).append(message)
    print(f"{count} requests: {same} alike, {sum(named.values())} differ for a known reason")
    for reason, times in named.most_common():
        print(f"  {times:5} {reason}")
    rest = sorted(told.items(), key=lambda item: -len(item[1]))
    print(f"  {sum(len(all_) for _, all_ in rest):5} differ otherwise, in {len(rest)} ways")
    for key, messages in rest[:shown]:
        print(f"* {len(messages)} x {' '.join(key)}\n    {messages[0]}")
    return 1 if rest else 0


def quote_of(answer: Answer) -> str:
    return f"{answer.status} {json.dumps(answer.json, default=str)[:230]}"


if __name__ == "__main__":
    sys.exit(main())
