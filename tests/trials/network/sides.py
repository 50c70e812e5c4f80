"""The two network services that are asked."""

from __future__ import annotations

import dataclasses
import json
import urllib.error
import urllib.request
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """Words in angle brackets stand for things that each side has under ids of its own."""

    who: str
    method: str
    path: str
    body: Any = None

    def __str__(self) -> str:
        told = "" if self.body is None else json.dumps(self.body)[:300]
        return f"{self.who} {self.method} {self.path[:120]} {told}"


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    status: int
    json: Any

    def __str__(self) -> str:
        return f"{self.status} {json.dumps(self.json, default=str)[:260]}"


class Side:
    """A network service with its Keystone. ``tokens`` and ``projects`` are those of ``admin``, and
    of two members, whose projects are made for the trial.
    """

    def __init__(self, identity: str, network: str, password: str, salt: str) -> None:
        self.identity = identity
        self.network = network
        self.tokens: dict[str, str] = {}
        self.projects: dict[str, str] = {}
        self._log_in("admin", "admin", password)
        for who in ("member", "other"):
            self._make_member(who, f"trial-{who}-{salt}")
        unlimited = dict.fromkeys(
            (
                *("network", "subnet", "subnetpool", "port", "router", "floatingip"),
                *("security_group", "security_group_rule"),
            ),
            -1,
        )
        for project in self.projects.values():
            self.send("admin", "PUT", f"quotas/{project}", {"quota": unlimited})

    def send(self, who: str, method: str, path: str, body: Any = None) -> Answer:
        headers = {"X-Auth-Token": self.tokens[who], "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(  # noqa: S310
            f"{self.network}/v2.0/{path}", data, headers, method=method
        )
        try:
            with urllib.request.urlopen(asked, timeout=200) as answer:  # noqa: S310
                return Answer(answer.status, _read(answer.read()))
        except urllib.error.HTTPError as error:
            return Answer(error.code, _read(error.read()))

    def _log_in(self, who: str, user: str, password: str) -> None:
        domain = {"id": "default"}
        told = {"name": user, "domain": domain, "password": password}
        login = {"methods": ["password"], "password": {"user": told}}
        scope = {"project": {"name": user, "domain": domain}}
        answer = self._identify(
            "POST", "auth/tokens", {"auth": {"identity": login, "scope": scope}}
        )
        self.tokens[who] = answer.headers["X-Subject-Token"]
        self.projects[who] = json.load(answer)["token"]["project"]["id"]

    def _make_member(self, who: str, name: str) -> None:
        login = {"name": name, "password": name}
        project = json.load(self._identify("POST", "projects", {"project": {"name": name}}))
        user = json.load(self._identify("POST", "users", {"user": login}))
        roles = json.load(self._identify("GET", "roles?name=member"))["roles"]
        ids = (project["project"]["id"], user["user"]["id"], roles[0]["id"])
        self._identify("PUT", "projects/{}/users/{}/roles/{}".format(*ids))
        self._log_in(who, name, name)

    def _identify(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Content-Type": "application/json"}
        if "admin" in self.tokens:
            headers["X-Auth-Token"] = self.tokens["admin"]
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(  # noqa: S310
            f"{self.identity}/{path}", data, headers, method=method
        )
        return urllib.request.urlopen(asked)  # noqa: S310


def _read(data: bytes) -> Any:
    try:
        return json.loads(data) if data else None
    except ValueError:
        return data.decode(errors="replace")[:100]
