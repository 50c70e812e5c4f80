"""A client of the Placement API for tests, and a few things to ask it about."""

from __future__ import annotations

import uuid
from typing import Any

from tests.world.cast import Persona
from tests.world.client import Answer, ApiClient

NEWEST = "1.39"
CONSUMER = "6ab2ae79-c8f9-4bf6-ae4b-42302a9c6bd8"
OTHER_CONSUMER = "b17d0a0e-9ad8-4bd0-9b43-3e7e51a0a9d1"
AGGREGATE = "1d0e58ff-4e8f-4a5a-a5f5-7c8a70a1f7a3"


class PlacementClient:
    """``path`` is below ``/placement``; the microversion is the newest unless told."""

    def __init__(self, persona: Persona | None = None) -> None:
        self.api = ApiClient(persona)

    def send(
        self, method: str, path: str, body: Any = None, version: str | None = NEWEST, **headers: str
    ) -> Answer:
        sent: dict[str, str | None] = {
            name.replace("_", "-"): text for name, text in headers.items()
        }
        if version is not None:
            sent["OpenStack-API-Version"] = f"placement {version}"
        return self.api.send(method, f"//placement{path}", body, microversion=None, headers=sent)

    def get(self, path: str, version: str | None = NEWEST, **headers: str) -> Answer:
        return self.send("GET", path, None, version, **headers)

    def post(self, path: str, body: Any, version: str | None = NEWEST) -> Answer:
        return self.send("POST", path, body, version)

    def put(self, path: str, body: Any = None, version: str | None = NEWEST) -> Answer:
        return self.send("PUT", path, body, version)

    def delete(self, path: str, version: str | None = NEWEST) -> Answer:
        return self.send("DELETE", path, None, version)

    # a few steps that many tests take

    def make_provider(self, name: str, parent: str | None = None, **stocks: Any) -> str:
        """A provider with these inventories: totals, or all amounts, by resource class."""
        body = {"name": name, "parent_provider_uuid": parent}
        made: str = self.post("/resource_providers", body).expect(200).json["uuid"]
        if stocks:
            self.stock(made, **stocks)
        return made

    def stock(self, provider: str, **stocks: Any) -> None:
        wanted = {
            name: stock if isinstance(stock, dict) else {"total": stock}
            for name, stock in stocks.items()
        }
        body = {
            "resource_provider_generation": self.generation(provider),
            "inventories": wanted,
        }
        self.put(f"/resource_providers/{provider}/inventories", body).expect(200)

    def generation(self, provider: str) -> int:
        found: int = self.get(f"/resource_providers/{provider}").expect(200).json["generation"]
        return found

    def set_traits(self, provider: str, *traits: str) -> None:
        body = {"resource_provider_generation": self.generation(provider), "traits": list(traits)}
        self.put(f"/resource_providers/{provider}/traits", body).expect(200)

    def set_aggregates(self, provider: str, *aggregates: str) -> None:
        body = {
            "resource_provider_generation": self.generation(provider),
            "aggregates": list(aggregates),
        }
        self.put(f"/resource_providers/{provider}/aggregates", body).expect(200)

    def allocate(
        self,
        held: dict[str, dict[str, int]],
        *,
        consumer: str = CONSUMER,
        generation: int | None = None,
        kind: str = "INSTANCE",
        project: str = "p1",
    ) -> Answer:
        body = order(held, generation=generation, kind=kind, project=project)
        return self.put(f"/allocations/{consumer}", body)

    def names(self, query: str, version: str = NEWEST) -> list[str]:
        """The names of the providers that a list shows."""
        rows = self.get(f"/resource_providers{query}", version).expect(200).json
        return [row["name"] for row in rows["resource_providers"]]


def order(
    held: dict[str, dict[str, int]],
    *,
    generation: int | None = None,
    kind: str = "INSTANCE",
    project: str = "p1",
) -> dict[str, Any]:
    """What a consumer shall hold, at the newest microversion."""
    return {
        "allocations": {provider: {"resources": amounts} for provider, amounts in held.items()},
        "project_id": project,
        "user_id": "u1",
        "consumer_generation": generation,
        "consumer_type": kind,
    }


def error(answer: Answer) -> dict[str, Any]:
    """The one error of an answer."""
    (found,) = answer.json["errors"]
    assert found["status"] == answer.status
    return dict(found)


def new_uuid() -> str:
    return str(uuid.uuid4())
