"""Sends the same request many times from a bounded number of clients, and times each."""

from __future__ import annotations

import http.client
import json
import statistics
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

Request = tuple[str, str, Any]
"""Method, path, JSON body."""


class Client:
    """One connection that stays open, as clients of the SDK keep it."""

    def __init__(self, root: str, token: str, microversion: str = "2.90") -> None:
        parts = urlsplit(root)
        self.connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=120)
        self.headers = {
            "Content-Type": "application/json",
            "X-Auth-Token": token,
            "OpenStack-API-Version": f"compute {microversion}",
        }

    def send(self, request: Request) -> Any:
        method, path, body = request
        data = None if body is None else json.dumps(body).encode()
        self.connection.request(method, path, body=data, headers=self.headers)
        response = self.connection.getresponse()
        text = response.read()
        if response.status >= 400:
            raise RuntimeError(f"{method} {path}: {response.status} {text[:500]!r}")
        return text


def sign_in(root: str, name: str) -> str:
    """A token of the user of this name, whose password and project have the same name."""
    parts = urlsplit(root)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    domain = {"id": "default"}
    user = {"name": name, "password": name, "domain": domain}
    body = {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": name, "domain": domain}},
        }
    }
    connection.request(
        "POST",
        "/identity/v3/auth/tokens",
        json.dumps(body),
        {"Content-Type": "application/json"},
    )
    response = connection.getresponse()
    text = response.read()
    if response.status != 201:
        raise RuntimeError(f"no token for {name}: {response.status} {text[:500]!r}")
    return str(response.headers["X-Subject-Token"])


def measure(
    make_client: Callable[[], Client], request: Request, *, clients: int, count: int
) -> dict[str, float]:
    """Milliseconds of each request and requests per second; ``count`` requests in total."""
    times: list[float] = []
    failures: list[Exception] = []
    share = count // clients

    def work() -> None:
        client = make_client()
        mine = []
        try:
            for _ in range(share):
                began = time.perf_counter()
                client.send(request)
                mine.append((time.perf_counter() - began) * 1000)
        except Exception as error:  # noqa: BLE001 - told below, in the main thread
            failures.append(error)
        times.extend(mine)

    threads = [threading.Thread(target=work) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    if failures:
        raise failures[0]
    ordered = sorted(times)
    return {
        "n": len(ordered),
        "clients": clients,
        "p50_ms": round(statistics.median(ordered), 2),
        "p95_ms": round(ordered[int(len(ordered) * 0.95)], 2),
        "mean_ms": round(statistics.fmean(ordered), 2),
        "requests_per_second": round(len(ordered) / seconds, 1),
    }
