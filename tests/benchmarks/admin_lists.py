"""Times every list of the admin, with all its filters, searches and pages, at 100,000 rows; prints
JSON.
"""

from __future__ import annotations

import html
import http.client
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

from tests.benchmarks.site import make_database, run_part, running_site

ROWS = int(os.environ.get("BENCH_ROWS", "100000"))
BAR_MS = 500
GIVEN_UP = 503
"""What takes longer than a statement may; the time tells."""
NAME = "console"
WORDS = ("server-77777", "filled", "10.16.200.10", "5f5a0000-0000-4000-8000-000000000001")
LINK = re.compile(r'href="(\?[^"]*)"')
TYPED = re.compile(r'<input type="search" name="([^"]+)"')


class Operator:
    """A browser that is logged in, with one connection that stays open."""

    def __init__(self, root: str) -> None:
        parts = urlsplit(root)
        self.connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=120)
        self.cookies: dict[str, str] = {}

    def log_in(self, name: str) -> None:
        page = self.send("GET", "/admin/login/")
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        if found is None:
            raise RuntimeError("the login page has no form")
        form = f"username={name}&password={name}&csrfmiddlewaretoken={found[1]}&next=/admin/"
        self.send("POST", "/admin/login/", form)

    def send(self, method: str, path: str, form: str | None = None) -> str:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, body=form, headers=headers)
        response = self.connection.getresponse()
        text = response.read().decode()
        for cookie in response.headers.get_all("Set-Cookie") or ():
            name, _, rest = cookie.partition("=")
            self.cookies[name] = rest.partition(";")[0]
        if response.status not in (200, 302, GIVEN_UP):
            raise RuntimeError(f"{method} {path}: {response.status} {text[:300]!r}")
        return text

    def time(self, path: str) -> tuple[float, str]:
        """Milliseconds (the better of two tries) and the page."""
        tries = []
        for _ in range(2):
            began = time.perf_counter()
            page = self.send("GET", path)
            tries.append((time.perf_counter() - began) * 1000)
        return round(min(tries), 1), page


def variants(page: str) -> Iterator[str]:
    """The queries that a list offers: filters, orders, pages, and words to search for."""
    yield from sorted({html.unescape(link) for link in LINK.findall(page)})
    if 'id="searchbar"' in page:
        yield from (f"?q={quote(word)}" for word in WORDS)
    for name in TYPED.findall(page):
        if name != "q":
            yield from (f"?{name}={word}" for word in ("lists", "rack0500", "nowhere"))


def time_lists(operator: Operator) -> dict[str, dict[str, object]]:
    """For each list of the admin the time of its first page and of the slowest one."""
    index = operator.send("GET", "/admin/")
    lists = sorted(set(re.findall(r'href="(/admin/[a-z]+/[a-z]+/)"', index)))
    times: dict[str, dict[str, object]] = {}
    for url in lists:
        first, page = operator.time(url)
        all_times = {query: operator.time(url + query)[0] for query in variants(page)}
        slowest = max(all_times, key=lambda query: all_times[query], default="")
        times[url] = {
            "first_ms": first,
            "pages": 1 + len(all_times),
            "slowest_ms": max(first, *all_times.values()) if all_times else first,
            "slowest": slowest,
            "above_bar": {query: ms for query, ms in all_times.items() if ms > BAR_MS},
        }
        print(url, json.dumps(times[url]), file=sys.stderr)
    return times


def main() -> None:
    url = make_database()
    with running_site(url) as root:
        servers = run_part("rows", url, BENCH_ROWS=str(ROWS), BENCH_OPERATOR=NAME)
        operator = Operator(root)
        operator.log_in(NAME)
        pages = {"dashboard": "/admin/"} | {
            f"server {state}": f"/admin/servers/instance/{key}/change/"
            for state, key in dict(servers).items()
        }
        results = {
            "rows": ROWS,
            "pages_ms": {name: operator.time(path)[0] for name, path in pages.items()},
            "lists": time_lists(operator),
        }
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
