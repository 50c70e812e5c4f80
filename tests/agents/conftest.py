from __future__ import annotations

import dataclasses

import pytest
from django.conf import settings


@pytest.fixture(autouse=True, scope="session")
def _disks_on_their_way(tmp_path_factory: pytest.TempPathFactory) -> None:
    place = tmp_path_factory.mktemp("moves")
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, move_store_dir=place)
