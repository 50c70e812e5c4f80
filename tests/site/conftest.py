"""Folders for sites that run in processes of their own, and a browser."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer
from selenium.webdriver import Chrome

from tests.world.cast import Cast
from tests.world.chromium import Browser, start_chromium


@pytest.fixture
def state() -> Iterator[Path]:
    """A state folder that is to be made. Whoever runs PostgreSQL for root reaches it, which is not
    so for ``tmp_path``.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "state"


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with start_chromium(tmp_path_factory.mktemp("profile")) as chrome:
        yield chrome


@pytest.fixture
def browser(
    transactional_db: None, live_server: LiveServer, chrome: Chrome, cast: Cast
) -> Iterator[Browser]:
    """A browser in which nobody is logged in. What it finds wrong on a page fails the test."""
    browser = Browser(chrome, live_server.url)
    browser.open("/healthz")
    chrome.delete_all_cookies()
    yield browser
    assert browser.complaints == []
