"""The serial console in a browser, by the real xterm.js; the guest is a pretended one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from django.conf import settings
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from servers.agent.loop import Agent
from servers.console_proxy import parts
from tests.agents.test_consoles import ANSWER_SECONDS, agent, member, token_of, with_proxy
from tests.agents.test_life import becomes, create
from tests.world.chromium import start_chromium
from tests.world.client import ApiClient

__all__ = ["agent", "member"]
pytestmark = pytest.mark.guests


def test_a_browser_shows_the_serial_line(
    agent: Agent, member: ApiClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "STATE_DIR", tmp_path / "state")
    parts.install()
    server = create(member)
    becomes(server, "active", 1)
    token = token_of(member, server, "serial", "serial")

    def look(proxy: str) -> None:
        with start_chromium(tmp_path / "profile") as chrome:
            chrome.get(f"http://{proxy}/serial.html?token={token}")
            wait = WebDriverWait(chrome, ANSWER_SECONDS)
            wait.until(lambda _: f"serial of {server.uuid}" in lines_of(chrome))
            chrome.switch_to.active_element.send_keys("typed")
            wait.until(lambda _: "typed" in lines_of(chrome))
            problems = [one for one in chrome.get_log("browser") if one["level"] == "SEVERE"]
            assert [one for one in problems if "favicon" not in one["message"]] == []

    async def in_thread(proxy: str) -> None:
        await asyncio.to_thread(look, proxy)

    with_proxy(in_thread)


def lines_of(chrome: Chrome) -> str:
    return str(chrome.find_element(By.CSS_SELECTOR, ".xterm-rows").text)
