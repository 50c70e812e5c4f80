"""The tests themselves: what is known about their cost fits the files that there are."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from tests.world.costs import cost_of, costs
from tests.world.sharing import TOGETHER, group_of

ROOT = Path(settings.BASE_DIR)


def test_what_costs_much_or_runs_together_is_there() -> None:
    assert [path for path in (*costs(), *TOGETHER) if not (ROOT / path).exists()] == []


def test_a_process_runs_whole_files_and_all_that_use_one_site() -> None:
    assert group_of("tests/api/test_images.py::test_one[a::b]") == "tests/api/test_images.py"
    together = {group_of(f"tests/clients/{name}.py::test") for name in ("test_moves", "test_cli")}
    assert len(together) == 1


def test_what_costs_little_is_run_while_one_works() -> None:
    assert cost_of("tests/api/test_images.py::test_one") == 0
    assert cost_of("tests/clients/test_moves.py::test_one") > 0
