"""What is asked: random requests about domains and their settings, projects, people, roles, the
catalogue and who sees it, limits, trusts, application credentials, and what is kept for users.

A thing that an earlier request made stands in braces, such as ``{project 12}``; each side puts in
its own id. What was not made is put in as ``nothing``. The number 0 has what is there from the
start: who asks, the project of the token, and the role ``member``.
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
    "policy": ("type",),
    "credential": ("type", "user_id"),
    "trust": ("trustor_user_id", "trustee_user_id"),
    "application_credential": ("name",),
    "endpoint_group": ("name",),
}
KINDS = tuple(FILTERS)
BLOBS = ("x", "GEZDGNBV" * 4)
"""The second one is a secret of an authenticator."""
SEVERAL = ("registered_limit", "limit")
"""One request makes several."""
NAMED_BY = {
    "domain_id": "domain",
    "parent_id": "project",
    "parent_region_id": "region",
    "service_id": "service",
    "region_id": "region",
    "project_id": "project",
    "user_id": "user",
    "trustor_user_id": "user",
    "trustee_user_id": "user",
}
PLACES: Mapping[str, str] = {
    "policy": "policies",
    "trust": "OS-TRUST/trusts",
    "application_credential": "users/{user 0}/application_credentials",
    "endpoint_group": "OS-EP-FILTER/endpoint_groups",
}
"""Where things are whose path is not their plural."""
BEYOND: Mapping[str, tuple[str, str]] = {
    "ec2": ("credential", "access"),
    "access_rule": ("access_rule", "id"),
}
"""What other requests make: under which noun, and what names it."""
BAD: Mapping[str, tuple[Any, ...]] = {
    "url": ("http://h/$(foo)s", "nourl"),
    "interface": ("other",),
    "trustor_user_id": ("x",),
    "roles": ([],),
    "expires_at": ("2001-01-31T12:00:00Z", "x"),
    "remaining_uses": (0,),
    "redelegation_count": (4,),
    "filters": ({}, {"colour": "x"}, {"interface": "other"}),
}
"""Values that these members never have."""
CHANGED: Mapping[str, tuple[str, ...]] = {
    "region": ("description", "parent_region_id"),
    "limit": ("resource_limit", "description"),
    "credential": ("blob",),
}
"""Of these kinds no other members change."""
GROUPS = ("identity", "ldap", "security_compliance", "other")


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """``makes``: the kind of what it makes, which is known by its number from then on. ``faults``:
    how many things may be wrong with it.
    """

    number: int
    kind: str
    method: str
    path: str
    body: Any = None
    makes: str = ""
    faults: int = 0

    @property
    def made(self) -> str:
        """The name of what it makes."""
        return f"{self.makes} {self.number}"

    def __str__(self) -> str:
        return f"{self.number}: {self.method} {self.path} {str(self.body)[:200]}"


class Asker(Drawing):
    """Makes random requests; the same seed makes the same ones."""

    def __init__(self, seed: int, salt: str) -> None:
        super().__init__(seed)
        self.salt = salt
        self.number, self.faults = 0, 0
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
            *((self.config,) * 5),
            *((self.filtered,) * 6),
            *((self.policies,) * 8),
            *((self.ec2,) * 4),
            *((self.access_rules,) * 2),
            *((self.trust_roles,) * 2),
        )
        self.number, self.faults = self.number + 1, 0
        found: Request = self.draw.choice(makers)()
        if found.makes:
            self.made[found.makes].append(self.number)
        return found

    def sent(self, kind: str, method: str, path: str, body: Any = None, makes: str = "") -> Request:
        return Request(self.number, kind, method, path, body, makes, self.faults)

    def name(self) -> str:
        return f"t{self.salt}-{self.draw.randrange(40)}"

    def one(self, kind: str) -> str:
        if self.draw.random() < 0.05 or not self.made[kind]:
            return self.draw.choice(("nothing", "0" * 32))
        return f"{{{kind} {self.draw.choice(self.made[kind][-25:])}}}"

    def creates(self) -> Request:
        kind = self.draw.choice(KINDS)
        body = self.body(kind, new=True)
        sent = {f"{kind}s": [body]} if kind in SEVERAL else {kind: body}
        return self.sent(kind, "POST", f"/{place(kind)}", sent, kind)

    def changes(self) -> Request:
        kind = self.draw.choice(KINDS)
        body = {kind: self.body(kind, new=False)}
        return self.sent(kind, "PATCH", f"/{place(kind)}/{self.one(kind)}", body)

    def deletes(self) -> Request:
        kind = self.draw.choice(KINDS)
        return self.sent(kind, "DELETE", f"/{place(kind)}/{self.one(kind)}")

    def shows(self) -> Request:
        kind = self.draw.choice(KINDS)
        return self.sent(
            kind, self.draw.choice(("GET", "HEAD")), f"/{place(kind)}/{self.one(kind)}"
        )

    def lists(self) -> Request:
        kind = self.draw.choice(KINDS)
        key = self.draw.choice(FILTERS[kind])
        return self.sent(plural(kind), "GET", f"/{place(kind)}?{key}={self.value(key)}")

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
        self.faults += len(tag) > 1
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

    def config(self) -> Request:
        """Settings of a domain, a group or one of them."""
        path = f"/domains/{self.one('domain')}/config"
        group, option = self.draw.choice(GROUPS), self.draw.choice(("url", "driver", "odd"))
        group_path, option_path = f"{path}/{group}", f"{path}/{group}/{option}"
        where = self.draw.choice((path, path, group_path, option_path))
        method = self.draw.choice(("PUT", "PUT", "PATCH", "GET", "HEAD", "DELETE"))
        if method == "PUT":
            where = path
        if method not in ("PUT", "PATCH"):
            return self.sent("config", method, where)
        value = self.draw.choice(("x", "ldap://x", *ODD) if self.draw.random() < 0.3 else ("x",))
        told = {option: value}
        body = told if where == option_path else {group: told}
        return self.sent("config", method, where, {"config": body})

    def filtered(self) -> Request:
        """Endpoints, and groups of them, that projects are given."""
        project, endpoint, group = (
            f"{kind}s/{self.one(kind)}" for kind in ("project", "endpoint", "endpoint_group")
        )
        base = "/OS-EP-FILTER"
        kind, path = self.draw.choice(
            (
                *(("pair", f"{base}/{project}/{endpoint}"),) * 3,
                *(("pair", f"{base}/{group}/{project}"),) * 3,
                ("endpoints", f"{base}/{project}/endpoints"),
                ("endpoint_groups", f"{base}/{project}/endpoint_groups"),
                ("projects", f"{base}/{endpoint}/projects"),
                ("projects", f"{base}/{group}/projects"),
                ("endpoints", f"{base}/{group}/endpoints"),
            )
        )
        methods = ("PUT", "PUT", "GET", "HEAD", "DELETE") if kind == "pair" else ("GET",)
        return self.sent(kind, self.draw.choice(methods), path)

    def policies(self) -> Request:
        """The policies of endpoints, of services, and of services in regions."""
        policy, endpoint, service, region = (
            self.one(kind) for kind in ("policy", "endpoint", "service", "region")
        )
        base = f"/policies/{policy}/OS-ENDPOINT-POLICY"
        kind, path = self.draw.choice(
            (
                *(("pair", f"{base}/endpoints/{endpoint}"),) * 2,
                *(("pair", f"{base}/services/{service}"),) * 2,
                *(("pair", f"{base}/services/{service}/regions/{region}"),) * 2,
                ("endpoints", f"{base}/endpoints"),
                *(("nearest", f"/endpoints/{endpoint}/OS-ENDPOINT-POLICY/policy"),) * 2,
            )
        )
        methods = ("PUT", "PUT", "PUT", "GET", "HEAD", "DELETE") if kind == "pair" else ("GET",)
        return self.sent(kind, self.draw.choice(methods), path)

    def ec2(self) -> Request:
        """Pairs of keys."""
        path = f"/users/{self.draw.choice(('{user 0}', self.one('user')))}/credentials/OS-EC2"
        way = self.draw.choice(("POST", "POST", "LIST", "GET", "DELETE"))
        if way == "POST":
            project = self.draw.choice((self.one("project"), "{project 0}"))
            body = {"tenant_id": project} if self.draw.random() < 0.9 else {"tenant_id": None}
            return self.sent("ec2", "POST", path, body, "ec2")
        if way == "LIST":
            return self.sent("credentials", "GET", path)
        return self.sent("ec2", way, f"{path}/{self.one('ec2')}")

    def access_rules(self) -> Request:
        """Those that were made with application credentials."""
        path = f"/users/{self.draw.choice(('{user 0}',) * 4 + (self.one('user'),))}/access_rules"
        way = self.draw.choice(("LIST", "GET", "GET", "DELETE"))
        if way == "LIST":
            return self.sent("rules", "GET", path)
        made = self.made["application_credential"][-25:]
        rule = f"{{access_rule {self.draw.choice(made)}}}" if made else "nothing"
        return self.sent("access_rule", way, f"{path}/{rule}")

    def trust_roles(self) -> Request:
        path = f"/OS-TRUST/trusts/{self.one('trust')}/roles"
        if self.draw.random() < 0.4:
            return self.sent("roles", "GET", path)
        role = self.draw.choice(("{role 0}", self.one("role")))
        return self.sent("trust_role", self.draw.choice(("GET", "HEAD")), f"{path}/{role}")

    def body(self, kind: str, *, new: bool) -> dict[str, Any]:
        """Members of a new thing, or some to be changed; one of them is odd at times."""
        found = {
            name: make()
            for name, (often, seldom, make) in self.choices(kind).items()
            if self.draw.random() < (often if new else seldom)
        }
        odd = [name for name in found if name != "id"]
        if odd and self.draw.random() < 0.25:
            found[self.draw.choice(odd)] = self.draw.choice(ODD)
            self.faults += 1
        self.faults += not found
        if self.draw.random() < 0.05:
            found["colour"] = self.draw.choice(("red", 5, None))
            self.faults += 1
        self.faults += sum(value in BAD.get(key, ()) for key, value in found.items())
        if not new and kind in CHANGED:
            self.faults += not set(found) <= set(CHANGED[kind])
        return found

    def times(self) -> Any:
        return self.draw.choice(("2099-01-31T12:00:00.000000Z", "2001-01-31T12:00:00Z", "x", None))

    def roles(self) -> Any:
        member = {"id": "{role 0}"}
        return self.draw.choice(
            ([member], [member], [{"name": "member"}], [member, member], [], [{"id": "nothing"}])
        )

    def rules(self) -> Any:
        """Access rules."""
        path, method = self.draw.choice(("/v2.1/**", "/*", "x")), self.draw.choice(("GET", "BREW"))
        good = {"service": "compute", "method": "GET", "path": f"/v2.1/{self.number}"}
        return self.draw.choice(
            ([good], [good], [good, good], [{**good, "path": path}], [{**good, "method": method}])
        )

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
            "policy": {
                "type": (1, 0.4, lambda: self.draw.choice(("application/json", "x"))),
                "blob": (1, 0.6, lambda: self.draw.choice(("{}", "rules"))),
            },
            "credential": {
                "user_id": (1, 0.05, lambda: self.draw.choice(("{user 0}", self.one("user")))),
                "project_id": (0.6, 0.05, lambda: self.one("project")),
                "type": (1, 0.1, lambda: self.draw.choice(("cert", "totp", "ec2", "x"))),
                "blob": (
                    1,
                    0.8,
                    lambda: self.draw.choice((*BLOBS, f'{{"access": "{self.name()}"}}')),
                ),
            },
            "trust": {
                "trustor_user_id": (1, 0, lambda: self.draw.choice(("{user 0}",) * 9 + ("x",))),
                "trustee_user_id": (1, 0, lambda: self.one("user")),
                "project_id": (0.95, 0, lambda: "{project 0}"),
                "impersonation": (1, 0, lambda: self.draw.choice((True, False))),
                "roles": (0.95, 0, self.roles),
                "expires_at": (0.3, 0, self.times),
                "remaining_uses": (0.3, 0, lambda: self.draw.choice((1, 5, 0, None))),
                "allow_redelegation": (0.2, 0, lambda: self.draw.choice((True, False))),
                "redelegation_count": (0.2, 0, lambda: self.draw.choice((0, 1, 3, 4))),
            },
            "application_credential": {
                **name,
                **told,
                "roles": (0.5, 0.1, self.roles),
                "expires_at": (0.3, 0.1, self.times),
                "unrestricted": (0.2, 0.1, lambda: self.draw.choice((True, False))),
                "secret": (0.2, 0.1, lambda: "secret"),
                "access_rules": (0.5, 0.1, self.rules),
            },
            "endpoint_group": {
                **name,
                **told,
                "filters": (1, 0.3, self.filters),
            },
        }[kind]

    def filters(self) -> Any:
        """Which endpoints a group has."""
        service, region = ({f"{one}_id": self.one(one)} for one in ("service", "region"))
        side = {"interface": self.draw.choice(("public", "admin", "other"))}
        return self.draw.choice((service, region, side, {**service, **side}, {}, {"colour": "x"}))


def plural(kind: str) -> str:
    return PLACES.get(kind, f"{kind}s").rpartition("/")[2]


def place(kind: str) -> str:
    return PLACES.get(kind, f"{kind}s")
