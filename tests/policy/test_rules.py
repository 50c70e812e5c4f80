"""What the apps declare: every rule once, with a name that fits, and every name in the code
declared.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from django.conf import settings

from compute_site.identity.models import Role
from compute_site.policy.rules import Registry, Rule, UnknownRule, registry

ROOT = Path(settings.BASE_DIR)
APPS = ("compute_site", "flavors", "quotas", "servers")
RULE_NAME = re.compile(r"os_compute_api(:[a-zA-Z_-]+)+")


def source_files() -> Iterator[Path]:
    for app in APPS:
        yield from (path for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts)


def is_policies(path: Path) -> bool:
    return path.name == "policies.py" or path.parent.name == "policies"


def policy_modules() -> list[ModuleType]:
    names = (
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in source_files()
        if is_policies(path)
    )
    return [import_module(name) for name in names]


DONE = {"list", "get", "create", "update", "delete"}
"""What is done with things of a kind: the keys of a table of its rules. Others have their names."""


def names_rules(table: dict[str, object]) -> bool:
    by_name = all(str(rule).endswith(f":{key}") for key, rule in table.items())
    return by_name or (table.keys() <= DONE and all(":" in str(rule) for rule in table.values()))


def constants(module: ModuleType) -> dict[str, str]:
    """The names of rules, by their constants; a table of rules has the keys of the table."""
    found = {}
    for name, value in vars(module).items():
        if not name.isupper():
            continue
        if isinstance(value, str) and "/" not in value:  # not an operation
            found[name] = value
        elif isinstance(value, dict) and (
            all(isinstance(key, tuple) for key in value) or names_rules(value)
        ):
            found |= {f"{name}[{key}]": one for key, one in value.items()}
    return found


@pytest.mark.parametrize("module", policy_modules(), ids=lambda module: module.__name__)
def test_every_constant_of_a_policies_module_is_declared(module: ModuleType) -> None:
    undeclared = {name for name in constants(module).values() if name not in registry}

    assert undeclared == set()


def test_every_declared_rule_has_a_constant() -> None:
    named = {value for module in policy_modules() for value in constants(module).values()}

    assert {rule.name for rule in registry} == named


def test_no_code_spells_a_rule_s_name_but_the_policies() -> None:
    spelled = [
        f"{path.relative_to(ROOT)}: {node.value}"
        for path in source_files()
        if not is_policies(path)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and RULE_NAME.fullmatch(node.value)
    ]

    assert spelled == []


def test_every_rule_says_what_it_is_for() -> None:
    assert [rule.name for rule in registry if not rule.description.strip()] == []


def test_a_rule_is_declared_once() -> None:
    rules = Registry()
    rules.declare(Rule("a:b", Role.READER, "One."))

    with pytest.raises(ValueError, match="a:b is declared twice"):
        rules.declare(Rule("a:b", Role.MEMBER, "Two."))


@pytest.mark.parametrize("name", ["", "a b", "a" * 101, "ä"])
def test_a_name_must_fit_into_a_permission(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name"):
        Registry().declare(Rule(name, Role.READER, "One."))


def test_an_unknown_rule_is_an_error_of_the_code() -> None:
    with pytest.raises(UnknownRule):
        registry["os_compute_api:nothing"]
