"""The two identity services that are asked."""

from __future__ import annotations

import json
import re
import urllib.parse
from typing import Any

from tests.trials.identity.asking import BEYOND, Request, place
from tests.trials.service import Answer, Service, ask

ROLES = ("admin", "manager", "reader", "service")
"""Those that are there from the start."""
NAMED = re.compile(r"\{(\w+ \d+)\}")


class Side(Service):
    """One of the two services, asked by ``admin``."""

    def __init__(self, identity: str, password: str) -> None:
        super().__init__(identity, password)
        self.ids: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self._learn("user 0", self.users["admin"])
        self._learn("project 0", self.projects["admin"])
        for role in self._identify("GET", "roles")["roles"]:
            if role["name"] in ROLES:
                self.names[role["id"]] = f"<{role['name']}>"
            if role["name"] == "member":
                self._learn("role 0", role["id"])

    def send(self, request: Request) -> Answer:
        """Ids of what was made in the trial stand in the answer as the requests name them."""
        told = self.ask(request.method, request.path, request.body)
        if request.makes and told.status == 201:
            noun, key = BEYOND.get(request.makes, (request.makes, "id"))
            several = told.json.get(f"{noun}s")
            made = several[0] if several else told.json[noun]
            self._learn(f"{request.makes} {request.number}", made[key])
            for rule in made.get("access_rules", ()):
                self._learn(f"access_rule {request.number}", rule["id"])
        return Answer(told.status, self._named(told.json))

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        """Ask with this side's ids."""
        url = urllib.parse.quote(self._filled(path), safe="/?&=:,%()$")
        token = {"X-Auth-Token": self.tokens["admin"]}
        return ask(
            method, f"{self.identity}{url}", json.loads(self._filled(json.dumps(body))), token
        )[0]

    def has(self, name: str) -> bool:
        """Is this thing there?"""
        kind = name.split(maxsplit=1)[0]
        if kind in BEYOND:
            return name in self.ids
        return self.ask("GET", f"/{place(kind)}/{{{name}}}").status == 200

    def remove(self, name: str, path: str) -> None:
        """Let a thing go that was made under this name, at this path."""
        if name.startswith("domain"):
            self.ask("PATCH", path, {"domain": {"enabled": False}})
        self.ask("DELETE", path)

    def _learn(self, name: str, key: str) -> None:
        self.ids[name], self.names[key] = key, f"<{name}>"

    def _filled(self, text: str) -> str:
        return NAMED.sub(lambda found: self.ids.get(found[1], "nothing"), text)

    def _named(self, value: Any) -> Any:
        """The same without links, and with the lists in an order that does not depend on ids."""
        if isinstance(value, dict):
            return {key: self._named(item) for key, item in value.items() if "links" not in key}
        if isinstance(value, list):
            return sorted((self._named(item) for item in value), key=json.dumps)
        return self.names.get(value, value) if isinstance(value, str) else value
