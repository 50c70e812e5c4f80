"""Sends recorded cases to the site in-process and says how its answers differ from Nova's."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from django.test import Client, TestCase

from tests.conformance.compare import MISSING, UUID, Invented, differences, find_place

HERE = Path(__file__).parent
WORLD = HERE / "world.yaml"
COMPUTE = "/compute/v2.1"
SERVICE_URL = "http://testserver/compute"
VARIABLE = re.compile(r"\{([A-Za-z_][\w.-]*)\}")
REPEATED = re.compile(r"\{(.)\*(\d+)\}", re.DOTALL)
MOST_TRIES = 50
CLIENT = Client()  # shared: making one loads the middleware anew

Case = dict[str, Any]
Step = dict[str, Any]


def read_cases() -> dict[str, list[Case]]:
    """All cases by group."""
    groups: dict[str, list[Case]] = {}
    for path in sorted((HERE / "cases").glob("*.jsonl")):
        for line in path.read_text().splitlines():
            case = json.loads(line)
            groups.setdefault(case["group"], []).append(case)
    return groups


@dataclasses.dataclass(frozen=True)
class World:
    """The projects by name, the personas' tokens by name, and the ids that were there before."""

    projects: dict[str, str]
    tokens: dict[str, str]
    known: set[str]

    @classmethod
    def log_in(cls) -> World:
        """A token for everybody in the loaded world."""
        text = WORLD.read_text()
        data = yaml.safe_load(text)
        return cls(
            projects={project["name"]: project["id"] for project in data["projects"]},
            tokens={user["name"]: _issue_token(user) for user in data["users"]},
            known=set(UUID.findall(text)),
        )


def _issue_token(user: dict[str, Any]) -> str:
    domain = {"id": "default"}
    person = {"name": user["name"], "password": user["password"], "domain": domain}
    project = {"name": user["projects"][0]["project"], "domain": domain}
    identity = {"methods": ["password"], "password": {"user": person}}
    body = {"auth": {"identity": identity, "scope": {"project": project}}}
    response = CLIENT.post("/identity/v3/auth/tokens", body, content_type="application/json")
    assert response.status_code == 201, response.content
    return str(response["X-Subject-Token"])


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def fault(self) -> str | None:
        """The outer key of an error's envelope; ``None`` where there is no such envelope."""
        if isinstance(self.body, dict) and len(self.body) == 1:
            key, inner = next(iter(self.body.items()))
            if isinstance(inner, dict) and inner.get("code") == self.status and "message" in inner:
                return str(key)
        return None

    @property
    def message(self) -> str:
        return str(self.body[self.fault]["message"]) if self.fault else ""


class Run:
    """One case. ``work`` does what a worker would do meanwhile."""

    def __init__(self, world: World, case: Case, work: Callable[[], None] | None = None) -> None:
        self.world = world
        self.case = case
        self.work = work
        self.client = CLIENT
        self.variables = {f"project.{name}": found for name, found in world.projects.items()}
        self.invented = Invented(SERVICE_URL, json.dumps([case["steps"]]), world.known)

    def differences(self) -> list[str]:
        """What differs, a line each; empty where the case agrees."""
        found: list[str] = []
        ordered = sorted(self.case["steps"], key=lambda step: bool(step.get("cleanup")))
        for step in ordered:
            number = self.case["steps"].index(step) + 1
            answer = self.take(step)
            lines = [f"step {number} {line}" for line in self.compare(step, answer)]
            if lines and answer.message:
                lines.append(f"step {number} says: {answer.message[:200]}")
            found += lines
        return found

    def take(self, step: Step) -> Answer:
        answer = self.send(step)
        for _ in range(MOST_TRIES):
            if self.work is not None:
                self.work()
            wanted = step.get("until", {})
            if all(self._at(answer, place) in good for place, good in wanted.items()):
                break
            answer = self.send(step)
        for name, place in step.get("save", {}).items():
            value = find_place(answer.body, place)
            if value != MISSING and isinstance(value, str | int):
                self.variables[name] = str(value)
                if isinstance(value, str):
                    self.invented.saved[value] = name
        return answer

    @staticmethod
    def _at(answer: Answer, place: str) -> Any:
        return answer.status if place == "status" else find_place(answer.body, place)

    def send(self, step: Step) -> Answer:
        path = self.fill(step["path"])
        headers: dict[str, str | None] = {"Accept": "application/json"}
        if step.get("as"):
            headers["X-Auth-Token"] = self.world.tokens[step["as"]]
        if step.get("microversion") is not None:
            headers["OpenStack-API-Version"] = f"compute {step['microversion']}"
        data = b""
        if step.get("raw") is not None:
            data = self.fill(step["raw"]).encode()
        elif "body" in step:
            data = json.dumps(self.fill(step["body"])).encode()
        content_type = "application/json" if data else ""
        headers |= self.fill(step.get("headers") or {})
        content_type = headers.pop("Content-Type", content_type) or ""
        # what follows the commit is done where the transaction of a test never commits
        with TestCase.captureOnCommitCallbacks(execute=True):
            response: Any = self.client.generic(
                step["method"],
                f"/compute{path[1:]}" if path.startswith("//") else COMPUTE + path,
                data,
                content_type=content_type,
                headers={name: value for name, value in headers.items() if value is not None},
            )
        try:
            body = json.loads(response.content)
        except ValueError:
            body = None
        received = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, received, body)

    def fill(self, value: Any) -> Any:
        """Put saved values in the place of ``{name}``, N times x in the place of ``{x*N}``."""
        if isinstance(value, str):
            value = VARIABLE.sub(lambda match: self.variables.get(match[1], match[0]), value)
            return REPEATED.sub(lambda match: match[1] * int(match[2]), value)
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        if isinstance(value, dict):
            return {self.fill(key): self.fill(item) for key, item in value.items()}
        return value

    def compare(self, step: Step, answer: Answer) -> Iterator[str]:
        expect = step.get("expect")
        if expect is None:
            return
        if answer.status != expect["status"]:
            yield f"status: expected {expect['status']}, got {answer.status}"
            return
        if answer.fault != expect.get("fault"):
            yield f"fault: expected {expect.get('fault')}, got {answer.fault}"
        for name, value in expect.get("headers", {}).items():
            got = self._header(name.lower(), answer)
            if not _same_header(name.lower(), value, got):
                yield f"header {name}: expected {value}, got {got}"
        if "body" in expect:
            yield from differences(
                expect["body"],
                self.invented.value(answer.body),
                partial=bool(step.get("partial")),
                ignored=frozenset(step.get("ignore", ())),
            )

    def _header(self, name: str, answer: Answer) -> str | None:
        value = answer.headers.get(name)
        if value is None:
            return None
        if name == "content-type":
            return value.partition(";")[0].strip()
        return self.invented.text(value)


def _same_header(name: str, expected: str | None, got: str | None) -> bool:
    if name == "vary" and expected and got:  # a service may vary by more than Nova does
        return set(expected.lower().split(", ")) <= set(got.lower().split(", "))
    return expected == got
