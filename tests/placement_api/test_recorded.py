"""What a real Placement (16.0.0) answered to random requests, and what is answered here.

Each file has one request a line, with the status, the headers and the body of the answer; of errors
their texts are left out.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.placement_api.client import PlacementClient
from tests.world.client import Answer

RECORDED = sorted((Path(__file__).parent / "recorded").glob("*.jsonl"))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_every_answer_is_that_of_placement(placement: PlacementClient, path: Path) -> None:
    wrong = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        asked = json.loads(line)
        answer = ask(placement, asked)
        shown = described(answer, asked)
        expected = {key: asked[key] for key in shown}
        if shown != expected:
            wrong.append(f"{number}: {line[:300]}\n  expected {expected}\n  answered {shown}")
    assert not wrong, "\n".join(wrong)


def ask(placement: PlacementClient, asked: dict[str, Any]) -> Answer:
    body = asked["body"].encode() if asked["raw"] else asked["body"]
    return placement.send(asked["method"], asked["path"], body, asked["version"])


def described(answer: Answer, asked: dict[str, Any]) -> dict[str, Any]:
    """The answer in the form in which it is recorded."""
    headers = {name: answer.headers.get(name) for name in asked["headers"]}
    if "last-modified" in headers:
        headers["last-modified"] = headers["last-modified"] is not None
    location = answer.headers.get("Location")
    return {
        "status": answer.status,
        "headers": headers,
        "location": location and "/" + location.split("/", 3)[3],
        "answer": canonical(json.loads(answer.content)) if answer.content else None,
    }


def canonical(value: Any) -> Any:
    """Lists in a fixed order, errors without their texts."""
    if isinstance(value, dict):
        kept = {key: part for key, part in value.items() if not is_text(key, value)}
        return {key: canonical(part) for key, part in kept.items()}
    if isinstance(value, list):
        return sorted(map(canonical, value), key=lambda part: json.dumps(part, sort_keys=True))
    return value


def is_text(key: str, value: dict[str, Any]) -> bool:
    return "status" in value and key in ("detail", "request_id")
