"""Whatever is too long or too large in a cloud file is refused with its place and key."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from compute_site.cloudfile.errors import CloudFileError
from compute_site.cloudfile.load import load_cloud, sections
from compute_site.neighbours.image.models import Image
from tests.cloudfile.test_load import CLOUD

pytestmark = pytest.mark.django_db
HUGE = "x" * 100_000


def texts(document: dict[str, Any]) -> Iterator[tuple[str, int, str]]:
    """Where texts stand: section, number of the entry, key."""
    for section in sections():
        entries = document.get(section.name)
        if not isinstance(entries, list):
            continue
        for key in section.keys:
            for index, entry in enumerate(entries):
                if isinstance(entry.get(key), str):
                    yield section.name, index, key
                    break


def problems_of(document: dict[str, Any]) -> list[str]:
    try:
        load_cloud(document)
    except CloudFileError as error:
        return error.problems
    return []


@pytest.mark.parametrize("name", sorted({name for name, _, _ in texts(CLOUD)}))
def test_a_text_of_usual_length_is_kept_or_named(name: str) -> None:
    """No column is shorter than what its section lets through."""
    for section, index, key in texts(CLOUD):
        if section != name:
            continue
        document = copy.deepcopy(CLOUD)
        document[name][index][key] = "x" * 200
        for problem in problems_of(document):
            assert "]" in problem, key
            assert "key " in problem, key


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({f"p{number}": "x" for number in range(129)}, "properties"),
        ({"os_type": "x" * 65536}, "os_type"),
        ({"a": "x" * 40000, "b": "x" * 40000}, "properties"),
        ({"os_type": ["linux"]}, "os_type"),
        ({"tags": [f"t{number}" for number in range(129)]}, "tags"),
        ({"tags": ["x" * 256]}, "tags"),
    ],
)
def test_what_is_too_much_for_an_image_is_named(given: dict[str, Any], key: str) -> None:
    document = copy.deepcopy(CLOUD)
    document["images"].append({"name": "full", **given})
    with pytest.raises(CloudFileError) as caught:
        load_cloud(document)
    [told] = caught.value.problems
    assert told.startswith(f"images[1] (full), key {key}: ")
    assert not Image.objects.exists()


def test_every_text_that_is_too_long_is_named() -> None:
    document = copy.deepcopy(CLOUD)
    places = list(texts(CLOUD))
    for name, index, key in places:
        document[name][index][key] = HUGE
    problems = problems_of(document)
    for name, index, key in places:
        assert any(
            text.startswith(f"{name}[{index}]") and f"key {key}:" in text for text in problems
        ), (name, key)
    assert max(map(len, problems)) < 300
    assert not Image.objects.exists()
