from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from django.conf import settings

from tests.world.agents import stop_listening


@pytest.fixture(autouse=True, scope="session")
def _deaf_in_the_end(django_db_setup: None) -> Iterator[None]:
    yield
    stop_listening()


@pytest.fixture(autouse=True, scope="session")
def _disks_on_their_way(tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.mktemp("moves")
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, move_store_dir=place)
