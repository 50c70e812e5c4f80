"""The names under which both sides' things are spoken of: ``<port 7>`` is one port on each."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

NOWHERE = "<nowhere>"
NOBODY = "11111111-2222-4333-8444-555555555555"
NAME = re.compile(r"<[^>]*>")


class Names:
    """``kinds`` are the names of what there is, by kind. A pair is ours and theirs."""

    def __init__(self, projects: Mapping[str, tuple[str, str]]) -> None:
        self.ids: dict[str, tuple[str, str]] = {NOWHERE: (NOBODY, NOBODY)}
        self.known: tuple[dict[str, str], dict[str, str]] = ({}, {})
        self.kinds: dict[str, list[str]] = {}
        for who, pair in projects.items():
            self._add(f"<project {who}>", pair)

    def learn(self, noun: str, ours: Any, theirs: Any) -> None:
        """A thing that both have made."""
        if not all(isinstance(one, dict) and "id" in one for one in (ours, theirs)):
            return
        name = f"<{noun} {len(self.ids)}>"
        self._add(name, (ours["id"], theirs["id"]))
        self.kinds.setdefault(noun, []).append(name)
        if noun == "security_group":
            rules = (_by_kind(one.get("security_group_rules", ())) for one in (ours, theirs))
            for pair in zip(*rules, strict=False):
                self.learn("security_group_rule", *pair)

    def forget(self, name: str) -> None:
        for names in self.kinds.values():
            if name in names:
                names.remove(name)

    def put_in(self, value: Any, side: int) -> Any:
        """The value with the ids of one side."""
        if isinstance(value, str):
            return self.ids[value][side] if value in self.ids else value
        if isinstance(value, dict):
            return {key: self.put_in(one, side) for key, one in value.items()}
        if isinstance(value, list):
            return [self.put_in(one, side) for one in value]
        return value

    def put_in_path(self, path: str, side: int) -> str:
        return NAME.sub(lambda found: urllib.parse.quote(self.ids[found[0]][side]), path)

    def take_out(self, value: Any, side: int) -> Any:
        """The value with names for ids."""
        if isinstance(value, str):
            return self.known[side].get(value, value)
        if isinstance(value, dict):
            return {key: self.take_out(one, side) for key, one in value.items()}
        if isinstance(value, list):
            return [self.take_out(one, side) for one in value]
        return value

    def _add(self, name: str, pair: tuple[str, str]) -> None:
        self.ids[name] = pair
        for known, row_id in zip(self.known, pair, strict=True):
            known[row_id] = name


def _by_kind(rules: Any) -> list[Any]:
    return sorted(rules, key=lambda rule: (rule["direction"], rule["ethertype"]))
