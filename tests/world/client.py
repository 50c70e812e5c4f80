"""A client of the compute API for tests: JSON in, JSON out, in the name of one of the cast."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from django.test import Client, TestCase

from tests.world.cast import Persona

ROOT = "/compute/v2.1"
BINARY = "application/octet-stream"
"""What the data of images are sent as."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came back. ``fault`` is the outer key of an error's envelope, such as ``itemNotFound``;
    ``None`` on success.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def fault(self) -> str | None:
        return next(iter(self.json)) if self.status >= 400 else None

    @property
    def message(self) -> str:
        """The text of an error."""
        return str(next(iter(self.json.values()))["message"])

    @property
    def errors(self) -> list[dict[str, str]]:
        """The reasons, each with its code; with a field where a member of the body is to blame."""
        faults: list[dict[str, str]] = next(iter(self.json.values())).get("errors", [])
        return faults

    @property
    def blamed(self) -> list[str]:
        """The paths of the members that are to blame."""
        return [error["field"] for error in self.errors if "field" in error]

    def expect(self, status: int) -> Answer:
        """This answer, if it has the status; otherwise fail and show what it says."""
        assert self.status == status, f"{self.status} instead of {status}: {self.content!r}"
        return self


class ApiClient:
    """``path`` is below ``/compute/v2.1``; with ``//`` in front it is one of the whole site."""

    def __init__(self, persona: Persona | None = None) -> None:
        self.persona = persona
        self.http = Client()

    def get(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.send("GET", path, body, **options)

    def head(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.send("HEAD", path, body, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.send("POST", path, body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.send("PUT", path, body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.send("PATCH", path, body, **options)

    def delete(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.send("DELETE", path, body, **options)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        microversion: str | None = "2.1",
        headers: Mapping[str, str | None] | None = None,
    ) -> Answer:
        """``body`` is sent as JSON; ``bytes`` as they are. A header with ``None`` is left out."""
        sent: dict[str, str | None] = {}
        if self.persona is not None:
            sent["X-Auth-Token"] = self.persona.token
        if microversion is not None:
            sent["OpenStack-API-Version"] = f"compute {microversion}"
        sent |= headers or {}
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body)
        usual = usual_type(method, path)
        # what follows the commit is done where the transaction of a test never commits
        with TestCase.captureOnCommitCallbacks(execute=True):
            response: Any = self.http.generic(
                method,
                path[1:] if path.startswith("//") else ROOT + path,
                data,
                content_type=sent.pop("Content-Type", None) or usual,
                headers={name: value for name, value in sent.items() if value is not None},
            )
        content = b"".join(response) if response.streaming else response.content
        return Answer(response.status_code, response.headers, content)


def usual_type(method: str, path: str) -> str:
    """The content type of bodies; the image API has others for changes and for data."""
    if path.endswith(("/file", "/stage")):
        return BINARY
    if method == "PATCH" and path.startswith("//image/"):
        return "application/openstack-images-v2.1-json-patch"
    return "application/json"


def browser_of(persona: Persona) -> ApiClient:
    """A browser in which somebody is logged in: it has a session, and shows pages."""
    client = ApiClient()
    client.http = Client(headers={"Accept": "text/html,application/xhtml+xml"})
    client.http.force_login(persona.user)
    return client
