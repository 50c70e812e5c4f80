"""A headless Chromium that a test drives: Debian's ``chromium`` and ``chromium-driver``."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.world.cast import Cast

ARGUMENTS = (
    "--headless",
    "--no-sandbox",  # it may run as root
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,1000",
)
WAIT_SECONDS = 20
ANOTHER_PAGE_IS_THERE = """
return performance.timeOrigin !== arguments[0] && document.readyState === "complete"
"""


class Browser:
    """What a person does at a site: open, read, type, choose, press."""

    def __init__(self, chrome: Chrome, root: str) -> None:
        self.chrome = chrome
        self.root = root

    def open(self, path: str) -> None:
        self.chrome.get(self.root + path)

    @property
    def path(self) -> str:
        return self.chrome.current_url.removeprefix(self.root)

    @property
    def text(self) -> str:
        """What can be read on the page."""
        return self.find("body").text

    def find(self, selector: str) -> WebElement:
        return self.chrome.find_element(By.CSS_SELECTOR, selector)

    def has(self, selector: str) -> bool:
        return bool(self.chrome.find_elements(By.CSS_SELECTOR, selector))

    def named(self, name: str) -> WebElement:
        """The control of a form with this name."""
        return self.find(f'[name="{name}"]')

    def type(self, name: str, text: str) -> None:
        control = self.named(name)
        control.clear()
        control.send_keys(text)

    def choose(self, name: str, text: str) -> None:
        Select(self.named(name)).select_by_visible_text(text)

    def follow(self, text: str, *, within: str = "#content") -> None:
        """Press the link with this text."""
        self.press(self.find(within).find_element(By.LINK_TEXT, text))

    def press(self, target: WebElement | str) -> None:
        """Press what leads to another page, and wait for that page."""
        with self.next_page():
            (self.find(target) if isinstance(target, str) else target).click()

    def wait_for(self, selector: str) -> None:
        """Wait for what a script puts on the page."""
        WebDriverWait(self.chrome, WAIT_SECONDS).until(lambda _: self.has(selector))

    @contextlib.contextmanager
    def next_page(self) -> Iterator[None]:
        """Wait until what is done here has led to another page."""
        before = self.chrome.execute_script("return performance.timeOrigin")
        yield
        # While one page replaces the other, the driver may find neither.
        WebDriverWait(self.chrome, WAIT_SECONDS, ignored_exceptions=[WebDriverException]).until(
            lambda chrome: chrome.execute_script(ANOTHER_PAGE_IS_THERE, before)
        )

    @property
    def complaints(self) -> list[str]:
        """What the browser itself found wrong: scripts that failed, files that are missing, and
        what the content policy forbids.
        """
        return [
            entry["message"]
            for entry in self.chrome.get_log("browser")
            if entry["level"] == "SEVERE"
            and (entry["source"] in ("javascript", "security") or "/static/" in entry["message"])
        ]


@contextlib.contextmanager
def start_chromium(profile: Path) -> Iterator[Chrome]:
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert program, "install chromium"
    assert driver, "install chromium-driver"
    options = ChromeOptions()
    options.binary_location = program
    for argument in (*ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = Chrome(options=options, service=Service(driver))
    try:
        yield chrome
    finally:
        chrome.quit()


def log_in(browser: Browser, cast: Cast) -> None:
    """Sign in to the admin as the cloud's admin."""
    browser.open("/admin/")
    browser.type("username", cast.admin.name)
    browser.type("password", cast.admin.password)
    browser.press('[type="submit"]')
    assert browser.path == "/admin/"
