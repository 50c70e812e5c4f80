"""The two identity services that are asked."""

from __future__ import annotations

import dataclasses
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from tests.trials.identity.asking import Request

NAMED = re.compile(r"\{(\w+ \d+)\}")


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """Ids of what was made in the trial stand in it as the requests name them."""

    status: int
    json: Any


class Side:
    """One of the two services, asked by the user ``admin`` of a project of that name."""

    def __init__(self, url: str, password: str) -> None:
        self.url = url
        self.token = ""
        self.ids: dict[str, str] = {}
        self.names: dict[str, str] = {}
        domain = {"id": "default"}
        user = {"name": "admin", "domain": domain, "password": password}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"name": "admin", "domain": domain}}
        headers = self._call(
            "POST", "/auth/tokens", {"auth": {"identity": identity, "scope": scope}}
        )[2]
        self.token = str(headers["X-Subject-Token"])

    def send(self, request: Request) -> Answer:
        body = json.loads(self._filled(json.dumps(request.body)))
        status, shown, _ = self._call(request.method, self._filled(request.path), body)
        if request.makes and status == 201:
            several = shown.get(f"{request.makes}s")
            made = several[0] if several else shown[request.makes]
            known_as = f"{request.makes} {request.number}"
            self.ids[known_as], self.names[made["id"]] = made["id"], f"<{known_as}>"
        return Answer(status, self._named(shown))

    def _call(self, method: str, path: str, body: Any) -> tuple[int, Any, Any]:
        asked = urllib.request.Request(  # noqa: S310
            self.url + urllib.parse.quote(path, safe="/?&=:,%()$"),
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json", "X-Auth-Token": self.token},
            method=method,
        )
        try:
            with urllib.request.urlopen(asked, timeout=120) as answer:  # noqa: S310
                return answer.status, _read(answer.read()), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, _read(error.read()), error.headers

    def _filled(self, text: str) -> str:
        return NAMED.sub(lambda found: self.ids.get(found[1], "nothing"), text)

    def _named(self, value: Any) -> Any:
        """The same without links, and with the lists in an order that does not depend on ids."""
        if isinstance(value, dict):
            return {key: self._named(item) for key, item in value.items() if key != "links"}
        if isinstance(value, list):
            return sorted((self._named(item) for item in value), key=json.dumps)
        return self.names.get(value, value) if isinstance(value, str) else value


def _read(data: bytes) -> Any:
    try:
        return json.loads(data) if data else None
    except ValueError:
        return None
