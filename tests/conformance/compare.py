"""Makes an answer comparable with a recorded one, and lists what differs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)?")
REQUEST_ID = re.compile(r"req-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
RESERVATION = re.compile(r"r-[a-z0-9]{8}")
MISSING = "<missing>"
SORTED_BY_NAME = ("servers", "server_groups")
SORTED = ("tags", "hosts")


class Invented:
    """Knows what the service made up, and puts a token in its place."""

    def __init__(self, service_url: str, sent: str, known: set[str]) -> None:
        self.service_url = service_url
        self.sent = sent
        self.known = known | set(UUID.findall(sent))
        self.saved: dict[str, str] = {}
        """Variable by value."""

    def text(self, value: str) -> str:
        if value in self.saved:
            return f"<{self.saved[value]}>"
        if value.startswith(self.service_url):
            value = "<url>" + value.removeprefix(self.service_url)
        if RESERVATION.fullmatch(value):
            return "<reservation>"
        value = REQUEST_ID.sub("<request-id>", value)
        value = UUID.sub(self._uuid, value)
        return TIME.sub("<time>", value)

    def _uuid(self, match: re.Match[str]) -> str:
        found = match[0]
        if found in self.saved:
            return f"<{self.saved[found]}>"
        return found if found in self.known else "<uuid>"

    def value(self, value: Any, key: str = "") -> Any:
        """The same value with tokens; ``key`` is the name it stands under."""
        if isinstance(value, dict):
            return {self.text(name): self.value(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return self._list([self.value(item) for item in value], key)
        if not isinstance(value, str):
            return value
        if key == "adminPass" and json.dumps(value) not in self.sent:
            return "<password>"
        if key == "user_id" and value:
            return "<user>"
        return self.text(value)

    @staticmethod
    def _list(items: list[Any], key: str) -> list[Any]:
        if key in SORTED_BY_NAME and all(isinstance(item, dict) for item in items):
            return sorted(items, key=lambda item: str(item.get("name")))
        return sorted(items, key=str) if key in SORTED else items


def find_place(value: Any, place: str) -> Any:
    """``server.links.0.href`` of a value, or MISSING; keys may hold dots."""
    if not place:
        return value
    if isinstance(value, dict):
        for key, item in value.items():
            if place == key or place.startswith(f"{key}."):
                return find_place(item, place[len(key) + 1 :])
    if isinstance(value, list):
        index, _, rest = place.partition(".")
        if index.isdigit() and int(index) < len(value):
            return find_place(value[int(index)], rest)
    return MISSING


def differences(
    expected: Any, got: Any, *, partial: bool, ignored: frozenset[str], place: str = ""
) -> Iterator[str]:
    """A line for each place where two bodies differ."""
    if place in ignored:
        return
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in expected if partial else expected | got:
            below = f"{place}.{key}" if place else key
            yield from differences(
                expected.get(key, MISSING),
                got.get(key, MISSING),
                partial=partial,
                ignored=ignored,
                place=below,
            )
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for one, other in zip(expected, got, strict=True):
            yield from differences(one, other, partial=partial, ignored=ignored, place=f"{place}.*")
    elif expected != got or isinstance(expected, bool) != isinstance(got, bool):
        yield f"body {place}: expected {json.dumps(expected)}, got {json.dumps(got)}"
