"""What is asked: random requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from tests.trials.drawing import Drawing
from tests.trials.image import values
from tests.trials.image.sides import BINARY, OLDER_PATCH, PATCH, USERS, Request
from tests.trials.service import JSON

IMAGES = (*("{image0}", "{image1}", "{image2}", "{image3}", "{image4}"), "{unknown}", "no-uuid")
SPACES = ("{namespace0}", "{namespace0}", "{namespace1}", "nowhere")
METADEFS = "metadefs/namespaces"


class Asker(Drawing):
    """Makes random requests; the same seed makes the same ones."""

    def request(self) -> Request:
        makers = (
            *((self.lists,) * 7),
            *((self.shows,) * 2),
            *((self.creates,) * 4),
            *((self.patches,) * 5),
            *((self.members,) * 3),
            *((self.tags,) * 2),
            *((self.data,) * 3),
            *((self.actions,) * 2),
            *((self.deletes,) * 1),
            *((self.metadefs,) * 5),
            *((self.metadef_lists,) * 2),
            *((self.others,) * 1),
        )
        return self.draw.choice(makers)()

    def who(self) -> str:
        return self.draw.choice(("demo", "demo", *USERS))

    def body(self, choices: Mapping[str, Sequence[Any]], needed: Mapping[str, Any]) -> Any:
        """Mostly with what is needed; sometimes no object at all."""
        if self.draw.random() < 0.04:
            return self.draw.choice(values.NOTHING)
        begin = dict(needed) if self.draw.random() < 0.9 else {}
        return begin | self.some(choices, 2)

    def query(self, choices: Mapping[str, Any]) -> str:
        return "&".join(f"{key}={quote(value, safe='{}')}" for key, value in choices.items())

    def lists(self) -> Request:
        asked = {"limit": "1000"} | self.some(values.FILTERS, 2) | self.some(values.ORDERS, 2)
        return Request("list", "GET", f"images?{self.query(asked)}", who=self.who())

    def shows(self) -> Request:
        path = f"images/{self.draw.choice(IMAGES)}"
        end = self.draw.choice(("", "", "/members", "/members/{project_other}", "/file", "/tasks"))
        return Request("show", "GET", path + end, who=self.who())

    def creates(self) -> Request:
        return Request("create", "POST", "images", self.body(values.NEW_IMAGE, {}), self.who())

    def patches(self) -> Request:
        steps: Any = self.draw.sample(values.PATCHES, self.draw.randint(1, 2))
        if self.draw.random() < 0.05:
            steps = self.draw.choice(values.NOTHING)
        older = isinstance(steps, list) and any("op" not in str(step) for step in steps)
        media = OLDER_PATCH if older else PATCH
        if self.draw.random() < 0.05:
            media = self.draw.choice((JSON, OLDER_PATCH, PATCH, "text/plain"))
        path = f"images/{self.draw.choice(('{scratch}',) * 6 + IMAGES[-3:])}"
        return Request("image", "PATCH", path, steps, self.who(), media)

    def members(self) -> Request:
        image = self.draw.choice(("{scratch}", "{scratch}", "{image0}", "{unknown}"))
        path, member = f"images/{image}/members", self.draw.choice(("{project_other}", "nobody"))
        way = self.draw.choice(("GET", "POST", "POST", "PUT", "PUT", "DELETE"))
        if way == "POST":
            body: Any = {"member": self.draw.choice(values.MEMBERS)}
        else:
            path += f"/{member}"
            body = {"status": self.draw.choice(values.STATUSES)} if way == "PUT" else None
        if way in ("POST", "PUT") and self.draw.random() < 0.08:
            body = self.draw.choice(values.NOTHING)
        return Request("image", way, path, body, self.who())

    def tags(self) -> Request:
        image = self.draw.choice(("{scratch}", "{scratch}", "{image1}", "{unknown}"))
        tag = self.draw.choice(("x", "new", "a%20b", "x" * 255, "x" * 256))
        method = "DELETE" if image == "{image1}" and tag != "x" else "PUT"
        method = self.draw.choice((method, "DELETE")) if image == "{scratch}" else method
        return Request("image", method, f"images/{image}/tags/{tag}", who=self.who())

    def data(self) -> Request:
        image = self.draw.choice(("{scratch}", "{scratch}", "{image0}", "{unknown}"))
        way = self.draw.choice(("file", "stage", "import"))
        if way == "import":
            body: Any = self.draw.choice(values.IMPORTS)
            return Request("data", "POST", f"images/{image}/import", body, self.who())
        media = self.draw.choice((BINARY, BINARY, BINARY, JSON))
        path = f"images/{image}/{way}"
        return Request("data", "PUT", path, b"e" * 512, self.who(), media)

    def actions(self) -> Request:
        image = self.draw.choice(("{scratch}", "{scratch}", "{image2}", "{unknown}", "no-uuid"))
        action = self.draw.choice(("deactivate", "reactivate", "reactivate", "bogus"))
        return Request("image", "POST", f"images/{image}/actions/{action}", who=self.who())

    def deletes(self) -> Request:
        image = self.draw.choice(("{scratch}", "{image3}", "{unknown}", "no-uuid"))
        return Request("image", "DELETE", f"images/{image}", who=self.who())

    def metadefs(self) -> Request:
        who = self.draw.choice(("admin", "admin", "admin", "demo"))
        space = self.draw.choice(("{fresh}", "{fresh}", "{fresh}", "nowhere"))
        method = self.draw.choice(("POST", "POST", "PUT", "PUT", "DELETE"))
        kind = self.draw.choice(("properties", "objects", "tags", "resource_types", ""))
        path, name = f"{METADEFS}/{space}", self.draw.choice(("p", "o", "a", "nowhere"))
        needed = {"name": self.draw.choice(("made", name))}
        if kind == "":
            new = {"namespace": "made-{salt}"} if method == "POST" else {"namespace": "{fresh}"}
            body = None if method == "DELETE" else self.body(values.NAMESPACE, new)
            return Request("metadef", method, METADEFS if method == "POST" else path, body, who)
        path += f"/{kind}"
        if method == "DELETE" and self.draw.random() < 0.3 and kind != "resource_types":
            return Request("metadef", method, path, None, who)
        if method != "POST" or (kind == "tags" and self.draw.random() < 0.5):
            path += f"/{name}"
        if method == "DELETE" or (
            kind == "tags" and path.endswith(f"/{name}") and method == "POST"
        ):
            return Request("metadef", method, path, None, who)
        if kind == "resource_types" and method == "PUT":
            method, path = "POST", f"{METADEFS}/{space}/resource_types"
        return Request("metadef", method, path, self._part(kind, method, needed), who)

    def _part(self, kind: str, method: str, needed: Mapping[str, Any]) -> Any:
        if kind == "properties":
            return self.body(values.DEFINITION, {"title": "T", "type": "string", **needed})
        if kind == "objects":
            return self.body(values.OBJECT, needed)
        if kind == "resource_types":
            return self.body(values.ASSOCIATION, needed)
        if method == "PUT":
            return self.body({"bogus": (1,)}, needed)
        names: Any = self.draw.choice((["a", "b"], ["c"], ["c", "c"]))
        return self.body({"bogus": (1,)}, {"tags": [{"name": name} for name in names]})

    def metadef_lists(self) -> Request:
        space = self.draw.choice(SPACES)
        ends = ("objects", "objects/o", "properties", "properties/p", "properties/hw:p", "tags")
        ends += ("tags/a", "resource_types", "objects/nowhere", "tags/nowhere")
        kind = self.draw.choice(("list", "list", "part", "part", "whole"))
        if kind == "list":
            asked = {"limit": "1000"} | self.some(values.METADEF_ORDERS, 2)
            return Request("namespaces", "GET", f"{METADEFS}?{self.query(asked)}", who=self.who())
        path = f"{METADEFS}/{space}"
        path += "" if kind == "whole" else f"/{self.draw.choice(ends)}"
        if kind == "whole" or "properties/" in path:
            path += self.draw.choice(
                ("", "?resource_type=OS::Nova::Flavor", "?resource_type=OS::N")
            )
        return Request("show", "GET", path, who=self.who())

    def others(self) -> Request:
        nouns = ("image", "images", "member", "members", "task", "tasks", "bogus")
        nouns += tuple(
            f"metadefs/{noun}"
            for noun in ("namespace", "namespaces", "object", "tag", "resource_type", "property")
        )
        paths = ("info/import", "info/stores", "info/usage", "metadefs/resource_types", "cache")
        paths += ("bogus", "metadefs", *(f"schemas/{noun}" for noun in nouns))
        return Request("about", "GET", self.draw.choice(paths), who=self.who())
