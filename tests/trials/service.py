"""A service that is asked in a trial, with the Keystone behind which it stands."""

from __future__ import annotations

import dataclasses
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

JSON = "application/json"
SECONDS = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    status: int
    json: Any

    def __str__(self) -> str:
        return f"{self.status} {json.dumps(self.json, default=str)[:260]}"


class Service:
    """``tokens``, ``projects`` and ``users`` are those of ``admin``, in a project of that name, and
    of the members that are made for the trial, by the words for who asks.
    """

    def __init__(self, identity: str, password: str) -> None:
        self.identity = identity
        self.tokens: dict[str, str] = {}
        self.projects: dict[str, str] = {}
        self.users: dict[str, str] = {}
        self._log_in("admin", "admin", password)

    def make_member(self, who: str, name: str) -> None:
        """A project with a member, both of that name."""
        login = {"name": name, "password": name}
        project = self._identify("POST", "projects", {"project": {"name": name}})
        user = self._identify("POST", "users", {"user": login})
        roles = self._identify("GET", "roles?name=member")["roles"]
        ids = (project["project"]["id"], user["user"]["id"], roles[0]["id"])
        self._identify("PUT", "projects/{}/users/{}/roles/{}".format(*ids))
        self._log_in(who, name, name)

    def _log_in(self, who: str, user: str, password: str) -> None:
        domain = {"id": "default"}
        told = {"name": user, "domain": domain, "password": password}
        login = {"methods": ["password"], "password": {"user": told}}
        scope = {"project": {"name": user, "domain": domain}}
        answer, headers = ask(
            "POST", f"{self.identity}/auth/tokens", {"auth": {"identity": login, "scope": scope}}
        )
        if answer.status != 201:
            raise SystemExit(f"{self.identity}: {user} cannot sign in: {answer}")
        self.tokens[who] = str(headers["X-Subject-Token"])
        self.projects[who] = answer.json["token"]["project"]["id"]
        self.users[who] = answer.json["token"]["user"]["id"]

    def _identify(self, method: str, path: str, body: Any = None) -> Any:
        token = {"X-Auth-Token": self.tokens["admin"]}
        answer, _ = ask(method, f"{self.identity}/{path}", body, token)
        if answer.status >= 300:
            raise SystemExit(f"{self.identity}: {method} {path}: {answer}")
        return answer.json


def ask(
    method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> tuple[Answer, Mapping[str, str]]:
    """The answer and its headers. A body that is not bytes is sent as JSON."""
    data = json.dumps(body).encode() if body is not None and not isinstance(body, bytes) else body
    asked = urllib.request.Request(  # noqa: S310 - the URL of a service
        url, data, {"Content-Type": JSON, **(headers or {})}, method=method
    )
    try:
        with urllib.request.urlopen(asked, timeout=SECONDS) as answer:  # noqa: S310
            return Answer(answer.status, _read(answer.read())), answer.headers
    except urllib.error.HTTPError as error:
        return Answer(error.code, _read(error.read())), error.headers


def _read(data: bytes) -> Any:
    """What is no JSON is cut."""
    try:
        return json.loads(data) if data else None
    except ValueError:
        return data.decode(errors="replace")[:100]
