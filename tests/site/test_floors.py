"""The house has floors: a package imports only from floors below its own, so there is no circle.

Each entry is a package or a module; a floor may hold several that do not know each other. Read off
the source, with every import counted, those inside of functions too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOPS = ("compute_site", "flavors", "quotas", "servers")

FLOORS: list[set[str]] = [
    # a program of its own, on other machines
    {"servers.agent"},
    # the ground: what every project of this kind needs
    {"compute_site.faults"},
    {"compute_site.values"},
    {"compute_site.options"},
    {
        "compute_site.caller",
        "compute_site.request_id",
        "compute_site.secrets",
        "compute_site.waiting",
    },
    {"compute_site.db"},
    {"compute_site.settings"},
    {"compute_site.cloudfile", "compute_site.idempotency", "compute_site.metrics"},
    # who asks, and what they may do
    {"compute_site.identity"},
    {"compute_site.policy"},
    # the toolkit of HTTP and of the admin
    {"compute_site.api", "compute_site.health"},
    {"compute_site.console"},
    # the services beside compute
    {"compute_site.neighbours"},
    # flavors and quotas
    {"flavors", "quotas"},
    # servers, from what they are to what is done with them
    {"servers.errors", "servers.hardware", "servers.policies", "servers.models"},
    {"servers.kept_image"},
    {"servers.usage", "servers.lifecycle"},
    {"servers.host_orders"},
    {"servers.drivers"},
    {"servers.keypairs", "servers.read"},
    {"servers.placement"},
    {"servers.hosts"},
    {"servers.holdings", "servers.injections", "servers.machine", "servers.statistics"},
    {
        "servers.attachments",
        "servers.create",
        "servers.edit",
        "servers.server_groups",
        "servers.usage_report",
    },
    {"servers.actions", "servers.build", "servers.delete", "servers.proxies"},
    {"servers.moves"},
    {"servers.worker", "servers.dry_run"},
    {"servers.serializers", "servers.cloudfile"},
    {"servers.console_proxy"},
    {"servers.views", "servers.admin", "servers.apps", "servers.management"},
    # the roof: the site as a whole
    {
        "compute_site.compute_urls",
        "compute_site.quickstart",
        "compute_site.web_server",
    },
    {
        "compute_site.__main__",
        "compute_site.apps",
        "compute_site.management",
        "compute_site.pytest_plugin",
        "compute_site.urls",
        "compute_site.wsgi",
    },
]
FLOOR_OF = {room: number for number, floor in enumerate(FLOORS) for room in floor}

HTTP_ROOMS = (
    *("serializers", "views", "admin", "forms", "api", "console"),
    *("service_view", "quota_admin", "openapi"),
)
"""Where requests and answers are known; everything else is the domain."""
DOMAIN = (
    *("servers.", "flavors.", "quotas."),
    *(
        "compute_site.cloudfile.",
        "compute_site.db.",
        "compute_site.idempotency.",
        "compute_site.identity.",
        "compute_site.neighbours.",
        "compute_site.policy.",
    ),
)
HTTP = ("rest_framework", "django.http", "drf_spectacular")


def modules() -> Iterator[tuple[str, Path]]:
    for top in TOPS:
        for path in sorted((ROOT / top).rglob("*.py")):
            if "migrations" not in path.parts:
                parts = path.relative_to(ROOT).with_suffix("").parts
                yield ".".join(part for part in parts if part != "__init__"), path


def imported(path: Path) -> set[str]:
    """The modules that a file imports, and the names it takes from them as if they were modules."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room_of(name: str) -> str | None:
    """The entry of ``FLOORS`` that a module belongs to."""
    parts = name.split(".")
    return next(
        (room for end in (2, 1) if (room := ".".join(parts[:end])) in FLOOR_OF),
        None,
    )


SOURCES = dict(modules())


def test_every_module_has_a_room() -> None:
    assert [name for name in SOURCES if name not in TOPS and room_of(name) is None] == []


def test_every_room_is_there() -> None:
    rooms = {room_of(name) for name in SOURCES}
    assert sorted(FLOOR_OF.keys() - rooms) == []


def test_the_architecture_tells_of_every_room() -> None:
    """But for what every Django project has."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    usual = {"__main__", "apps", "wsgi"}
    untold = [
        room
        for room in FLOOR_OF
        if (name := room.split(".")[-1]) not in usual and not re.search(rf"\b{name}(/|\.py)", page)
    ]
    assert untold == []


def test_imports_go_down() -> None:
    upward = [
        f"{name} (floor {FLOOR_OF[room]}) imports {target} (floor {FLOOR_OF[other]})"
        for name, path in SOURCES.items()
        if (room := room_of(name)) is not None
        for target in sorted(imported(path))
        if target.split(".")[0] in TOPS
        and (other := room_of(target)) is not None
        and other != room
        and FLOOR_OF[other] >= FLOOR_OF[room]
    ]
    assert upward == []


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in SOURCES
        if name.startswith(DOMAIN) and not set(name.split(".")) & set(HTTP_ROOMS)
    ],
)
def test_the_domain_knows_nothing_of_http(name: str) -> None:
    found = [target for target in imported(SOURCES[name]) if target.startswith(HTTP)]
    assert found == []


def test_the_services_beside_compute_do_not_know_their_apis() -> None:
    above = {"api", "admin", "cloudfile"}
    found = [
        f"{name} imports {target}"
        for name, path in SOURCES.items()
        if name.startswith("compute_site.neighbours.") and not above & set(name.split("."))
        for target in sorted(imported(path))
        if target.startswith("compute_site.neighbours.") and ".api." in f"{target}."
    ]
    assert found == []


def module_of(target: str) -> str | None:
    """The module that an imported name lies in."""
    parts = target.split(".")
    names = (".".join(parts[:end]) for end in range(len(parts), 0, -1))
    return next((name for name in names if name in SOURCES), None)


def test_no_folder_imports_another_one_that_imports_it() -> None:
    """At every depth; a package and what lies in it do not count as two."""
    arrows = {
        (name, found)
        for name, path in SOURCES.items()
        for target in imported(path)
        if (found := module_of(target)) is not None
    }
    for depth in range(2, 6):
        folders = {
            (".".join(one.split(".")[:depth]), ".".join(other.split(".")[:depth]))
            for one, other in arrows
        }
        circles = {
            (one, other)
            for one, other in folders
            if one < other and (other, one) in folders and not other.startswith(f"{one}.")
        }
        assert circles == set()
