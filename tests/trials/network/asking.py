"""What is asked: random requests about what there is."""

from __future__ import annotations

import urllib.parse
from typing import Any

from tests.trials.network.sides import Request
from tests.trials.network.values import (
    ANYWHERE,
    CHANGED,
    FILTERS,
    KEYS,
    NEEDED,
    NEW,
    SELDOM,
    SORTED_BY,
    Draw,
)

WEIGHTS = {
    "network": 4,
    "subnet": 8,
    "port": 8,
    "security_group": 3,
    "security_group_rule": 6,
    "router": 3,
    "floatingip": 2,
    "subnetpool": 4,
    "address_scope": 2,
    "address_group": 2,
    "rbac_policy": 3,
}
TAGGED = ("network", "subnet", "port", "security_group", "router", "subnetpool")


def many(noun: str) -> str:
    return "rbac-policies" if noun == "rbac_policy" else f"{noun.replace('_', '-')}s"


class Asker:
    """Makes random requests; the same seed and the same answers make the same ones."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw

    def request(self) -> tuple[str, Request]:
        """The kind of thing that it is about, and the request."""
        draw = self.draw
        who = draw.random.choices(["member", "admin", "other"], [10, 3, 1])[0]
        noun = draw.random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        ways = (
            *((self.create, 45), (self.change, 20), (self.delete, 8), (self.show, 7)),
            *((self.list, 10), (self.join, 4), (self.tag, 4), (self.extend, 2)),
        )
        way = draw.random.choices([way for way, _ in ways], [weight for _, weight in ways])[0]
        return way(who, noun)

    def create(self, who: str, noun: str) -> tuple[str, Request]:
        return noun, Request(who, "POST", many(noun), self.body(noun, new=True))

    def change(self, who: str, noun: str) -> tuple[str, Request]:
        path = f"{many(noun)}/{self.draw.one(noun)}"
        return noun, Request(who, "PUT", path, self.body(noun, new=False))

    def delete(self, who: str, noun: str) -> tuple[str, Request]:
        return noun, Request(who, "DELETE", f"{many(noun)}/{self.draw.one(noun)}")

    def show(self, who: str, noun: str) -> tuple[str, Request]:
        query = self.draw.of("", "", "?fields=id&fields=name", "?fields=colour")
        return noun, Request(who, "GET", f"{many(noun)}/{self.draw.one(noun)}{query}")

    def list(self, who: str, noun: str) -> tuple[str, Request]:
        return noun, Request(who, "GET", f"{many(noun)}{self.query()}")

    def join(self, who: str, _: str) -> tuple[str, Request]:
        draw = self.draw
        subnet, port = {"subnet_id": draw.one("subnet")}, {"port_id": draw.one("port")}
        body = draw.of(subnet, port, subnet | port, {}, {"subnet_id": "x"}, {"colour": 1})
        verb = draw.of("add", "add", "remove")
        path = f"routers/{draw.one('router')}/{verb}_router_interface"
        return "router", Request(who, "PUT", path, body)

    def tag(self, who: str, _: str) -> tuple[str, Request]:
        draw = self.draw
        noun = draw.of(*TAGGED)
        path = f"{many(noun)}/{draw.one(noun)}/tags"
        one = f"{path}/{draw.of('a', 'b', 'x' * 60, 'x' * 61)}"
        method, where, body = draw.of(
            *(("PUT", path, {"tags": draw.tags()}), ("PUT", one, None), ("DELETE", one, None)),
            *(("GET", one, None), ("GET", path, None)),
        )
        return noun, Request(who, method, where, body)

    def extend(self, who: str, _: str) -> tuple[str, Request]:
        draw = self.draw
        second = draw.random.randrange(20, 60)
        ranges = draw.of([f"10.{second}.0.0/16"], ["fd00:9::/64"], ["10.8.0.0/16"], [], None, ["x"])
        verb = draw.of("add", "add", "remove")
        noun, key = draw.of(("subnetpool", "prefixes"), ("address_group", "addresses"))
        path = f"{many(noun)}/{draw.one(noun)}/{verb}_{key}"
        return noun, Request(who, "PUT", path, {key: ranges})

    def body(self, noun: str, *, new: bool) -> Any:
        draw = self.draw
        fields = {**KEYS[noun], **(NEW if new else CHANGED).get(noun, {})}
        if draw.chance(0.2):
            fields |= SELDOM.get(noun, {})
        if draw.chance(0.05):
            fields |= ANYWHERE
        needed = NEEDED.get(noun, {}) if new else {}
        share = 0.25 if new else 0.35
        told = {key: field(draw) for key, field in fields.items() if draw.chance(share)}
        told |= {key: field(draw) for key, field in needed.items() if not draw.chance(0.03)}
        self.untangle(told)
        if draw.chance(0.015):
            return draw.of({}, [], "x", {noun: None}, {noun: []}, {"other": told})
        return {noun: dict(sorted(told.items()))}

    def untangle(self, told: dict[str, Any]) -> None:
        """Leave out most of what contradicts the rest, so that enough of it is good."""
        draw = self.draw
        if "protocol" not in told and draw.chance(0.9):
            told.pop("port_range_min", None)
            told.pop("port_range_max", None)
        remotes = [key for key in told if key.startswith("remote_")]
        if len(remotes) > 1 and draw.chance(0.9):
            for key in remotes[1:]:
                told.pop(key)
        if draw.chance(0.9):
            pooled = "subnetpool_id" in told and draw.chance(0.7)
            for key in ("cidr",) if pooled else ("subnetpool_id", "prefixlen"):
                told.pop(key, None)
        if isinstance(told.get("cidr"), str) and "ip_version" in told and draw.chance(0.9):
            told["ip_version"] = 6 if ":" in told["cidr"] else 4

    def query(self) -> str:
        draw = self.draw
        asked = [(key, FILTERS[key](draw)) for key in draw.random.sample(sorted(FILTERS), 2)]
        asked = asked[: draw.of(0, 1, 1, 2)]
        if draw.chance(0.2):
            asked.append(("fields", draw.of("id", "name", "colour", "tenant_id", "status")))
        if draw.chance(0.15):
            asked += [
                ("sort_key", draw.of(*SORTED_BY)),
                ("sort_dir", draw.of("asc", "desc", "up")),
            ]
        if draw.chance(0.1):
            asked.append(("limit", draw.of("1", "2", "0", "-1", "x")))
        pairs = (
            f"{key}={value if '<' in value else urllib.parse.quote(value)}" for key, value in asked
        )
        return f"?{'&'.join(pairs)}" if asked else ""
