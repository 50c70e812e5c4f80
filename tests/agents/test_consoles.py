"""Consoles of guests: from a person's address by the proxy and the host's agent to the guest."""

from __future__ import annotations

import asyncio
import dataclasses
import http.client
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django.live_server_helper import LiveServer
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from servers.agent.consoles import Consoles
from servers.agent.failures import GuestFailed
from servers.agent.loop import Agent
from servers.console_proxy import parts, serve
from servers.models import Instance
from tests.agents.test_life import becomes, create
from tests.world.agents import at_work, jobs_at_work, join, make_agent
from tests.world.cast import make_cast
from tests.world.client import ApiClient
from tests.world.factories import make_instance
from tests.world.hosts import make_host

ANSWER_SECONDS = 20
MOST_SECONDS = 90


@pytest.fixture
def member(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> ApiClient:
    proxies = tuple({"type": kind, "url": "http://proxy/x"} for kind in ("novnc", "serial"))
    options = dataclasses.replace(settings.OPTIONS, console_proxies=proxies)
    monkeypatch.setattr(settings, "OPTIONS", options)
    return ApiClient(make_cast().member)


@pytest.fixture
def agent(live_server: LiveServer, member: ApiClient, tmp_path: Path) -> Iterator[Agent]:
    join(live_server.url, tmp_path)
    agent = make_agent(tmp_path, console_listen="127.0.0.1:0")
    with jobs_at_work(), at_work(agent):
        yield agent


def token_of(member: ApiClient, server: Instance, protocol: str, kind: str) -> str:
    body = {"remote_console": {"protocol": protocol, "type": kind}}
    path = f"/servers/{server.uuid}/remote-consoles"
    url = member.post(path, body, microversion="2.8").expect(200).json["remote_console"]["url"]
    return unquote(url).rpartition("token=")[2]


def with_proxy(do: Callable[[str], Awaitable[None]]) -> None:
    """Do it with the address of a proxy that serves."""

    async def run() -> None:
        async with await serve.start("127.0.0.1", 0) as server:
            [sock] = server.sockets
            async with asyncio.timeout(MOST_SECONDS):
                await do(f"127.0.0.1:{sock.getsockname()[1]}")

    asyncio.run(run())


@pytest.mark.parametrize(("protocol", "kind"), [("vnc", "novnc"), ("serial", "serial")])
def test_a_token_leads_to_the_console_once(
    agent: Agent, member: ApiClient, protocol: str, kind: str
) -> None:
    server = create(member)
    becomes(server, "active", 1)
    token = token_of(member, server, protocol, kind)

    async def look(proxy: str) -> None:
        url = f"ws://{proxy}/console?token={token}"
        async with connect(url, origin=f"http://{proxy}") as browser:  # type: ignore[arg-type]
            assert await browser.recv() == f"{kind} of {server.uuid}\n".encode()
            await browser.send("typed")
            assert await browser.recv() == b"typed"
        assert await closed(url) == serve.UNREACHABLE

    with_proxy(look)


async def closed(url: str) -> int | None:
    """Why the proxy ends it."""
    page = f"http://{urlsplit(url).netloc}"
    async with connect(url, origin=page) as browser:  # type: ignore[arg-type]
        with pytest.raises(ConnectionClosed) as ended:
            await browser.recv()
    return ended.value.rcvd.code if ended.value.rcvd else None


@pytest.mark.django_db(transaction=True)
def test_the_proxy_refuses_strangers(transactional_db: None) -> None:
    async def try_out(proxy: str) -> None:
        assert await closed(f"ws://{proxy}/console?token=wrong") == serve.REFUSED
        assert await closed(f"ws://{proxy}/console") == serve.REFUSED
        with pytest.raises(InvalidStatus, match="403"):
            await connect(f"ws://{proxy}/", origin="http://evil.test")  # type: ignore[arg-type]

    with_proxy(try_out)


def test_programs_are_told_nothing(transactional_db: None) -> None:
    async def try_out(proxy: str) -> None:
        async with connect(f"ws://{proxy}/console?token=wrong") as program:
            with pytest.raises(ConnectionClosed) as ended:
                await program.recv()
        assert ended.value.rcvd is None

    with_proxy(try_out)


def on_a_simulated_host() -> Instance:
    name = make_host().hypervisor_hostname
    return make_instance(vm_state="active", host=name, node=name)


def test_a_simulated_host_has_a_dark_screen(member: ApiClient) -> None:
    server = on_a_simulated_host()
    token = token_of(member, server, "vnc", "novnc")

    async def look(proxy: str) -> None:
        async with connect(f"ws://{proxy}/?token={token}", origin=f"http://{proxy}") as browser:  # type: ignore[arg-type]

            async def ask(said: bytes, length: int) -> bytes:
                await browser.send(said)
                told = b""
                while len(told) < length:
                    told += await browser.recv(decode=False)
                return told

            assert await browser.recv() == b"RFB 003.008\n"
            assert await ask(b"RFB 003.008\n", 2) == b"\1\1"
            assert await ask(b"\1", 4) == bytes(4)
            title = str(server.display_name).encode()
            told = await ask(b"\1", 24 + len(title))
            width, height = struct.unpack(">HH", told[:4])
            assert told[20:] == struct.pack(">I", len(title)) + title
            pixels = bytes(width * height * 2)
            sixteen = struct.pack(">BxxxBBBBHHHBBBxxx", 0, 16, 16, 0, 1, 31, 63, 31, 11, 5, 0)
            raw = struct.pack(">BxHi", 2, 1, 0)
            keys = struct.pack(">BBxxI", 4, 1, 65) + struct.pack(">BxxxI", 6, 3) + b"abc"
            update = struct.pack(">BBHHHH", 3, 0, 0, 0, width, height)
            shown = await ask(sixteen + raw + keys + update, 16 + len(pixels))
            assert shown[4:] == struct.pack(">HHHHi", 0, 0, width, height, 0) + pixels

    with_proxy(look)


def test_a_simulated_host_has_a_line_that_repeats(member: ApiClient) -> None:
    server = on_a_simulated_host()
    token = token_of(member, server, "serial", "serial")

    async def look(proxy: str) -> None:
        async with connect(f"ws://{proxy}/?token={token}") as browser:
            assert b"simulated" in await browser.recv(decode=False)
            await browser.send("typed")
            assert await browser.recv(decode=False) == b"typed"

    with_proxy(look)


@pytest.fixture
def parts_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where npm would have brought noVNC and xterm.js."""
    monkeypatch.setattr(settings, "STATE_DIR", tmp_path)
    for name in parts.NEEDED:
        file = parts.folder() / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("// a part", encoding="utf-8")
    return parts.folder()


def test_the_proxy_has_the_pages(parts_folder: Path) -> None:
    def get(proxy: str, path: str) -> tuple[int, str, bytes]:
        asking = http.client.HTTPConnection(proxy, timeout=ANSWER_SECONDS)
        asking.request("GET", path)
        answer = asking.getresponse()
        found = answer.status, answer.headers["Content-Type"], answer.read()
        asking.close()
        return found

    async def look(proxy: str) -> None:
        def each(path: str) -> Any:
            return asyncio.to_thread(get, proxy, path)

        assert (await each("/vnc_auto.html?path=x"))[:2] == (200, "text/html; charset=utf-8")
        assert (await each("/serial.html?token=x"))[0] == 200
        for script in ("/address.js", "/novnc/core/rfb.js", "/xterm/lib/xterm.mjs"):
            assert (await each(script))[:2] == (200, "text/javascript; charset=utf-8")
        for path in (
            "/",
            "/../serve.py",
            "/%2e%2e/serve.py",
            "/novnc",
            "/novnc/../../x",
            "/nothing",
        ):
            assert (await each(path))[0] == 404

    with_proxy(look)


def test_without_its_parts_the_proxy_says_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "STATE_DIR", tmp_path)
    with pytest.raises(CommandError, match="console_proxy --install"):
        call_command("console_proxy")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandError, match="apt install npm"):
        call_command("console_proxy", install=True)


def test_a_host_offers_no_console_unless_it_listens(tmp_path: Path) -> None:
    with pytest.raises(GuestFailed, match="console_listen"):
        Consoles("").offer(tmp_path / "vnc.sock")
    with pytest.raises(ValueError, match="ADDRESS:PORT"):
        Consoles("6090")


@pytest.mark.parametrize("question", ["CONNECT wrong HTTP/1.1", "GET / HTTP/1.1", "nonsense"])
def test_a_host_tells_nobody_without_a_path_anything(tmp_path: Path, question: str) -> None:
    consoles = Consoles("127.0.0.1:0")
    consoles.start()
    try:
        address = consoles.offer(tmp_path / "vnc.sock")
        with socket.create_connection((address["host"], address["port"]), ANSWER_SECONDS) as proxy:
            proxy.sendall(f"{question}\r\n\r\n".encode())
            assert proxy.recv(100) == b"HTTP/1.1 404 Not Found\r\n\r\n"
    finally:
        consoles.stop()
