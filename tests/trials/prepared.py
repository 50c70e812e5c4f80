"""A service in which things are made that requests are about, the same ones on both sides."""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import Any, ClassVar

from tests.trials.service import Answer, Service

UNKNOWN = "00000000-0000-4000-8000-000000000000"


class PreparedService(Service):
    """``names``: what this side has for what stands in braces in requests."""

    request: ClassVar[type]
    """What is sent to it."""

    def __init__(self, identity: str, root: str, password: str) -> None:
        super().__init__(identity, password)
        self.root = root
        self.names = {"unknown": UNKNOWN, "scratch": UNKNOWN}
        self.names["project_admin"] = self.projects["admin"]

    def make_member(self, who: str, name: str) -> None:
        super().make_member(who, name)
        self.names[f"project_{who}"] = self.projects[who]

    @abstractmethod
    def send(self, request: Any) -> Answer:
        """Ask with what this side has for the names."""

    def need(self, *request: Any, **more: Any) -> Any:
        """A request that has to succeed."""
        answer = self.send(self.request("world", *request, **more))
        if answer.status >= 300:
            raise SystemExit(f"{self.root}: {request}: {answer}")
        return answer.json

    def fill_in(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self.fill_in(key): self.fill_in(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.fill_in(item) for item in value]
        if isinstance(value, str) and re.search(r"\{\w+\}", value):
            return value.format_map(self.names)
        return value
