"""The two identity services that are asked."""

from __future__ import annotations

import json
import re
import urllib.parse
from typing import Any

from tests.trials.identity.asking import Request
from tests.trials.service import Answer, Service, ask

NAMED = re.compile(r"\{(\w+ \d+)\}")


class Side(Service):
    """One of the two services, asked by ``admin``."""

    def __init__(self, identity: str, password: str) -> None:
        super().__init__(identity, password)
        self.ids: dict[str, str] = {}
        self.names: dict[str, str] = {}

    def send(self, request: Request) -> Answer:
        """Ids of what was made in the trial stand in the answer as the requests name them."""
        path = urllib.parse.quote(self._filled(request.path), safe="/?&=:,%()$")
        body = json.loads(self._filled(json.dumps(request.body)))
        token = {"X-Auth-Token": self.tokens["admin"]}
        told, _ = ask(request.method, f"{self.identity}{path}", body, token)
        if request.makes and told.status == 201:
            several = told.json.get(f"{request.makes}s")
            made = several[0] if several else told.json[request.makes]
            known_as = f"{request.makes} {request.number}"
            self.ids[known_as], self.names[made["id"]] = made["id"], f"<{known_as}>"
        return Answer(told.status, self._named(told.json))

    def _filled(self, text: str) -> str:
        return NAMED.sub(lambda found: self.ids.get(found[1], "nothing"), text)

    def _named(self, value: Any) -> Any:
        """The same without links, and with the lists in an order that does not depend on ids."""
        if isinstance(value, dict):
            return {key: self._named(item) for key, item in value.items() if key != "links"}
        if isinstance(value, list):
            return sorted((self._named(item) for item in value), key=json.dumps)
        return self.names.get(value, value) if isinstance(value, str) else value
