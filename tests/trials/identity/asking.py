"""What is asked: random requests about domains, projects, people, roles, the catalogue and limits.

A thing that an earlier request made stands in braces, such as ``{project 12}``; each side puts in
its own id. What was not made is put in as ``nothing``.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from tests.trials.drawing import Drawing

ODD = (None, "", 5, True, [], {}, "x" * 300, "a\nb", -1, "default", "ünï", "0" * 32)
"""What members and values are at times."""
FILTERS: Mapping[str, tuple[str, ...]] = {
    "domain": ("name", "enabled"),
    "project": ("name", "enabled", "domain_id", "parent_id", "is_domain", "tags", "not-tags-any"),
    "user": ("name", "enabled", "domain_id"),
    "group": ("name", "domain_id"),
    "role": ("name", "domain_id"),
    "region": ("parent_region_id",),
    "service": ("name", "type"),
    "endpoint": ("service_id", "interface", "region_id"),
    "registered_limit": ("service_id", "resource_name", "region_id"),
    "limit": ("service_id", "resource_name", "project_id"),
}
KINDS = tuple(FILTERS)
SEVERAL = ("registered_limit", "limit")
"""One request makes several."""
NAMED_BY = {
    "domain_id": "domain",
    "parent_id": "project",
    "parent_region_id": "region",
    "service_id": "service",
    "region_id": "region",
    "project_id": "project",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """``makes``: the kind of what it makes, which is known by its number from then on."""

    number: int
    kind: str
    method: str
    path: str
    body: Any = None
    makes: str = ""

    def __str__(self) -> str:
        return f"{self.number}: {self.method} {self.path} {str(self.body)[:200]}"


class Asker(Drawing):
    """Makes random requests; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.nonce = f"t{seed}"
        self.number = 0
        self.made: dict[str, list[int]] = collections.defaultdict(list)

    def request(self) -> Request:
        makers = (
            *((self.creates,) * 30),
            *((self.changes,) * 12),
            *((self.deletes,) * 8),
            *((self.shows,) * 8),
            *((self.lists,) * 10),
            *((self.grants,) * 14),
            *((self.members,) * 6),
            *((self.implied,) * 3),
            *((self.assignments,) * 3),
            *((self.tags,) * 3),
            *((self.others,) * 3),
        )
        self.number += 1
        found: Request = self.draw.choice(makers)()
        if found.makes:
            self.made[found.makes].append(self.number)
        return found

    def sent(self, kind: str, method: str, path: str, body: Any = None, makes: str = "") -> Request:
        return Request(self.number, kind, method, path, body, makes)

    def name(self) -> str:
        return f"{self.nonce}-{self.draw.randrange(40)}"

    def one(self, kind: str) -> str:
        if self.draw.random() < 0.05 or not self.made[kind]:
            return self.draw.choice(("nothing", "0" * 32))
        return f"{{{kind} {self.draw.choice(self.made[kind][-25:])}}}"

    def creates(self) -> Request:
        kind = self.draw.choice(KINDS)
        body = self.body(kind, new=True)
        sent = {f"{kind}s": [body]} if kind in SEVERAL else {kind: body}
        return self.sent(kind, "POST", f"/{kind}s", sent, kind)

    def changes(self) -> Request:
        kind = self.draw.choice(KINDS)
        body = {kind: self.body(kind, new=False)}
        return self.sent(kind, "PATCH", f"/{kind}s/{self.one(kind)}", body)

    def deletes(self) -> Request:
        kind = self.draw.choice(KINDS)
        return self.sent(kind, "DELETE", f"/{kind}s/{self.one(kind)}")

    def shows(self) -> Request:
        kind = self.draw.choice(KINDS)
        return self.sent(kind, self.draw.choice(("GET", "HEAD")), f"/{kind}s/{self.one(kind)}")

    def lists(self) -> Request:
        kind = self.draw.choice(KINDS)
        key = self.draw.choice(FILTERS[kind])
        return self.sent(f"{kind}s", "GET", f"/{kind}s?{key}={self.value(key)}")

    def value(self, key: str) -> str:
        """What a list is filtered by."""
        if key in NAMED_BY:
            return self.one(NAMED_BY[key])
        if key in ("enabled", "is_domain"):
            return self.draw.choice(("true", "false", "1", "0", "True"))
        if key == "interface":
            return self.draw.choice(("public", "admin"))
        return self.draw.choice(("a", "a,b", "c")) if "tags" in key else self.name()

    def grants(self) -> Request:
        place = self.draw.choice(
            (f"/projects/{self.one('project')}", f"/domains/{self.one('domain')}", "/system")
        )
        holder = self.draw.choice((f"/users/{self.one('user')}", f"/groups/{self.one('group')}"))
        inherited = place != "/system" and self.draw.random() < 0.3
        begin, end = ("/OS-INHERIT", "/inherited_to_projects") if inherited else ("", "")
        if self.draw.random() < 0.25:
            return self.sent("roles", "GET", f"{begin}{place}{holder}/roles{end}")
        method = self.draw.choice(("PUT", "PUT", "HEAD", "DELETE", "GET"))
        role = self.one("role")
        return self.sent("grant", method, f"{begin}{place}{holder}/roles/{role}{end}")

    def members(self) -> Request:
        method = self.draw.choice(("PUT", "PUT", "HEAD", "DELETE"))
        return self.sent("member", method, f"/groups/{self.one('group')}/users/{self.one('user')}")

    def implied(self) -> Request:
        method = self.draw.choice(("PUT", "GET", "HEAD", "DELETE"))
        return self.sent("implied", method, f"/roles/{self.one('role')}/implies/{self.one('role')}")

    def assignments(self) -> Request:
        key = self.draw.choice(
            ("user.id", "group.id", "scope.project.id", "scope.domain.id", "role.id")
        )
        kind = key.removeprefix("scope.").removesuffix(".id")
        more = self.draw.choice(("", "effective&", "include_names&"))
        path = f"/role_assignments?{more}{key}={self.one(kind)}"
        return self.sent("role_assignments", "GET", path)

    def tags(self) -> Request:
        method = self.draw.choice(("PUT", "DELETE", "GET", "HEAD"))
        tag = self.draw.choice(("a", "b", "q", "x" * 300))
        return self.sent("tag", method, f"/projects/{self.one('project')}/tags/{tag}")

    def others(self) -> Request:
        kind, path = self.draw.choice(
            (
                ("groups", f"/users/{self.one('user')}/groups"),
                ("projects", f"/users/{self.one('user')}/projects"),
                ("users", f"/groups/{self.one('group')}/users"),
            )
        )
        return self.sent(kind, "GET", path)

    def body(self, kind: str, *, new: bool) -> dict[str, Any]:
        """Members of a new thing, or some to be changed; one of them is odd at times."""
        found = {
            name: make()
            for name, (often, seldom, make) in self.choices(kind).items()
            if self.draw.random() < (often if new else seldom)
        }
        if found and self.draw.random() < 0.25:
            found[self.draw.choice(list(found))] = self.draw.choice(ODD)
        if self.draw.random() < 0.05:
            found["colour"] = self.draw.choice(("red", 5, None))
        return found

    def choices(self, kind: str) -> Mapping[str, tuple[float, float, Callable[[], Any]]]:
        """Member → how often a new thing has it, how often a change, and what it is."""
        name = {"name": (1, 0.4, self.name)}
        told = {"description": (0.4, 0.4, lambda: self.draw.choice(("d", "", "long " * 10)))}
        enabled = {"enabled": (0.3, 0.3, lambda: self.draw.choice((True, False)))}
        domain = {"domain_id": (0.3, 0.3, lambda: self.one("domain"))}
        service = {"service_id": (1, 0.1, lambda: self.one("service"))}
        region = {"region_id": (0.3, 0.3, lambda: self.one("region"))}
        number = lambda: self.draw.choice((0, 5, -1, 100))  # noqa: E731
        words = lambda: self.draw.sample(("a", "b", "c"), 2)  # noqa: E731
        urls = ("http://x", "https://h/$(project_id)s", "http://h/$(foo)s", "nourl")
        sides = ("public", "internal", "admin", "other")
        return {
            "domain": {**name, **told, **enabled},
            "project": {
                **name,
                **told,
                **enabled,
                **domain,
                "parent_id": (0.3, 0.3, lambda: self.one("project")),
                "tags": (0.2, 0.2, words),
            },
            "user": {
                **name,
                **enabled,
                **domain,
                "password": (0.5, 0.5, lambda: "pw"),
                "email": (0.2, 0.2, lambda: "a@b"),
            },
            "group": {**name, **told, **domain},
            "role": {**name, **told, "domain_id": (0.2, 0.2, lambda: self.one("domain"))},
            "region": {
                **told,
                "parent_region_id": (0.3, 0.3, lambda: self.one("region")),
                "id": (0.3, 0.05, self.name),
            },
            "service": {
                **told,
                **enabled,
                "type": (1, 0.4, self.name),
                "name": (0.6, 0.6, self.name),
            },
            "endpoint": {
                **service,
                **region,
                **enabled,
                "interface": (1, 0.3, lambda: self.draw.choice(sides)),
                "url": (1, 0.3, lambda: self.draw.choice(urls)),
            },
            "registered_limit": {
                **service,
                **region,
                "resource_name": (1, 0.2, self.name),
                "default_limit": (1, 0.6, number),
            },
            "limit": {
                **service,
                "resource_name": (1, 0.05, self.name),
                "resource_limit": (1, 0.7, number),
                "project_id": (0.8, 0.05, lambda: self.one("project")),
                "domain_id": (0.2, 0, lambda: self.one("domain")),
            },
        }[kind]
