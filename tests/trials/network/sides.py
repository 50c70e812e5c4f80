"""The two network services that are asked."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from tests.trials.service import Answer, Service, ask


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """Words in angle brackets stand for things that each side has under ids of its own.
    ``faulty_twice``: it has been shown that it has several faults.
    """

    who: str
    method: str
    path: str
    body: Any = None
    faulty_twice: bool = False

    def __str__(self) -> str:
        told = "" if self.body is None else json.dumps(self.body)[:300]
        return f"{self.who} {self.method} {self.path[:120]} {told}"


class Side(Service):
    """A network service; two members, whose projects are made for the trial."""

    def __init__(self, identity: str, network: str, password: str, salt: str) -> None:
        super().__init__(identity, password)
        self.network = network
        for who in ("member", "other"):
            self.make_member(who, f"trial-{who}-{salt}")
        unlimited = dict.fromkeys(
            (
                *("network", "subnet", "subnetpool", "port", "router", "floatingip"),
                *("security_group", "security_group_rule", "rbac_policy"),
            ),
            -1,
        )
        for project in self.projects.values():
            self.send("admin", "PUT", f"quotas/{project}", {"quota": unlimited})

    def send(self, who: str, method: str, path: str, body: Any = None) -> Answer:
        token = {"X-Auth-Token": self.tokens[who]}
        return ask(method, f"{self.network}/v2.0/{path}", body, token)[0]
