"""Who may import whom: read off the source, so that a wrong home shows at once."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REMOTE = ("image", "network", "volume")


def sources(folder: str) -> Iterator[Path]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        if "migrations" not in path.parts:
            yield path


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return found


def offenders(folder: str, forbidden: tuple[str, ...]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(folder)
        for name in sorted(imports(path))
        if name.startswith(tuple(f"{start}." for start in forbidden)) or name in forbidden
    ]


def test_hardware_rules_are_pure() -> None:
    assert (
        offenders("servers/hardware", ("django", "servers.models", "compute_site.neighbours")) == []
    )


def test_the_fit_on_a_host_is_pure() -> None:
    forbidden = ("django", "rest_framework", "servers.models", "compute_site.db")
    assert offenders("servers/placement/fit", forbidden) == []


def test_remote_services_are_reached_by_settings_only() -> None:
    """But for what one module of a service imports of another."""
    own = tuple(f"compute_site/neighbours/{name}/openstack/" for name in REMOTE)
    modules = tuple(f"compute_site.neighbours.{name}.openstack" for name in REMOTE)
    found = [
        line
        for folder in ("compute_site", "servers", "flavors", "quotas")
        for line in offenders(folder, modules)
        if not line.startswith(own)
    ]
    assert found == []


def test_versions_are_written_in_serializers_only() -> None:
    allowed_parts = {"microversions", "serializers", "views"}  # views: since and until of a URL
    allowed_files = {
        "compute_site/api/view.py",
        "compute_site/settings.py",  # the version of the OpenAPI document
        "compute_site/quickstart/start.py",  # a client of the API
        "servers/hardware/features.py",  # the version of a TPM
    }
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.value}"
        for folder in ("compute_site", "servers", "flavors", "quotas")
        for path in sources(folder)
        if not allowed_parts & {part.removesuffix(".py") for part in path.parts}
        and str(path.relative_to(ROOT)) not in allowed_files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"2\.\d+", node.value)
    ]
    assert found == []
