"""The requests that are measured."""

from __future__ import annotations

from typing import Any

SERVERS = "/compute/v2.1/servers"
SERVER = {
    "name": "bench",
    "flavorRef": "1",
    "imageRef": "155d900f-4e14-4e4c-a73d-069cbf4541e6",
    "networks": [{"uuid": "3cb9bc59-5699-4588-a4b1-b87f96708bc6"}],
}


def create(count: int) -> tuple[str, str, Any]:
    counts = {} if count == 1 else {"min_count": count, "max_count": count}
    return "POST", SERVERS, {"server": {**SERVER, **counts}}


REQUESTS: dict[str, tuple[str, str, Any]] = {
    "create_1": create(1),
    "create_10": create(10),
    "create_100": create(100),
    "list_detail_50": ("GET", f"{SERVERS}/detail?limit=50", None),
    "list_detail_1000": ("GET", f"{SERVERS}/detail?limit=1000", None),
}
