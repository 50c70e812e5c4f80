"""Screen and serial line of a real guest, through the proxy: by clients that speak the protocols,
and in a browser.
"""

from __future__ import annotations

import asyncio
import dataclasses
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from openstack.compute.v2.server import Server
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from servers.console_proxy import parts
from tests.guests.machines import ROOT, wait_until
from tests.guests.world import MARKS, World, environment_of
from tests.world.chromium import start_chromium

pytestmark = MARKS
RFB = b"RFB 003.008\n"
NO_PASSWORD = 1
ANSWER_SECONDS = 60
LIT = """
const canvas = document.querySelector("#screen canvas");
if (!canvas || !canvas.width) return 0;
const seen = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
let lit = 0;
for (let at = 0; at < seen.length; at += 4) if (seen[at] + seen[at + 1] + seen[at + 2] > 300) lit++;
return lit;
"""


@dataclasses.dataclass(frozen=True)
class Proxy:
    """``pages``: npm has brought noVNC and xterm.js."""

    address: str
    pages: bool


@pytest.fixture(scope="module")
def proxy(world: World) -> Iterator[Proxy]:
    host = world.hosts[0].bridge.address
    command = (sys.executable, "manage.py", "console_proxy")
    environment = environment_of(world.state)
    done = subprocess.run(
        [*command, "--install"], cwd=ROOT, env=environment, capture_output=True, check=False
    )
    for name in parts.NEEDED if done.returncode else ():
        stub = world.state / "console" / "node_modules" / name
        stub.parent.mkdir(parents=True, exist_ok=True)
        stub.touch()
    log = world.folder / "proxy.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, "--host", host, "--port", "6080"],
            cwd=ROOT,
            env=environment | {"PYTHONUNBUFFERED": "1"},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: "Consoles are served" in log.read_text(), told=log.read_text)
        yield Proxy(f"{host}:6080", pages=not done.returncode)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def token_of(world: World, server: Server, protocol: str, kind: str) -> str:
    body = {"remote_console": {"protocol": protocol, "type": kind}}
    path = f"/servers/{server.id}/remote-consoles"
    answer = world.demo.compute.post(path, json=body, microversion="2.8")
    assert answer.status_code == 200, answer.text
    return unquote(answer.json()["remote_console"]["url"]).rpartition("token=")[2]


def test_the_screen_speaks_rfb_to_who_has_a_token_once(
    world: World, guest: Server, proxy: Proxy
) -> None:
    token = token_of(world, guest, "vnc", "novnc")

    async def look() -> None:
        url = f"ws://{proxy.address}/console?token={token}"
        async with asyncio.timeout(ANSWER_SECONDS), connect(url) as line:
            screen = Stream(line)
            assert await screen.read(len(RFB)) == RFB
            await line.send(RFB)
            [count] = await screen.read(1)
            assert NO_PASSWORD in await screen.read(count)
            await line.send(bytes([NO_PASSWORD]))
            assert await screen.read(4) == bytes(4)
            await line.send(b"\1")
            width, height = struct.unpack("!HH", await screen.read(4))
            assert (width >= 640, height >= 400) == (True, True)
        with pytest.raises(ConnectionClosed):
            async with connect(url) as line:
                await line.recv()

    asyncio.run(look())


class Stream:
    """Bytes, however they are cut into messages."""

    def __init__(self, line: ClientConnection) -> None:
        self.line = line
        self.come = b""

    async def read(self, size: int) -> bytes:
        while len(self.come) < size:
            message = await self.line.recv()
            assert isinstance(message, bytes)
            self.come += message
        found, self.come = self.come[:size], self.come[size:]
        return found


def test_the_serial_line_carries_what_is_typed(world: World, guest: Server, proxy: Proxy) -> None:
    token = token_of(world, guest, "serial", "serial")

    async def look() -> None:
        url = f"ws://{proxy.address}/console?token={token}"
        async with asyncio.timeout(ANSWER_SECONDS), connect(url) as line:
            await line.send(b"\n")
            seen = b""
            while b"login:" not in seen and b"# " not in seen:
                message = await line.recv()
                seen += message if isinstance(message, bytes) else message.encode()

    asyncio.run(look())


def test_a_browser_shows_screen_and_serial_line_and_types_on_both(
    world: World, guest: Server, proxy: Proxy, tmp_path: Path
) -> None:
    if not proxy.pages:
        pytest.skip("npm cannot bring noVNC and xterm.js: its registry is out of reach")
    world.ssh(guest, "rm -f /run/typed")
    with start_chromium(tmp_path / "profile") as chrome:
        wait = WebDriverWait(chrome, ANSWER_SECONDS)

        chrome.get(
            f"http://{proxy.address}/vnc.html?token={token_of(world, guest, 'vnc', 'novnc')}"
        )
        wait.until(lambda _: chrome.execute_script(LIT) > 100)
        chrome.switch_to.active_element.send_keys("\necho novnc > /run/typed\n")
        wait_until(
            lambda: world.ssh(guest, "cat /run/typed 2>/dev/null; true") == "novnc",
            told=lambda: world.console(guest)[-500:],
        )

        token = token_of(world, guest, "serial", "serial")
        chrome.get(f"http://{proxy.address}/serial.html?token={token}")
        chrome.switch_to.active_element.send_keys("\n")
        wait.until(lambda _: "login:" in lines_of(chrome) or "#" in lines_of(chrome))
        failed = [one for one in chrome.get_log("browser") if one["source"] == "javascript"]
        assert failed == []


def lines_of(chrome: Chrome) -> str:
    return str(chrome.find_element(By.CSS_SELECTOR, ".xterm-rows").text)
