"""Connects browsers' WebSockets to the consoles that their tokens are for."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from asgiref.sync import sync_to_async
from django.db import connection
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from compute_site.faults import Fault
from servers.actions.remote_console import find_console
from servers.console_proxy import simulated
from servers.console_proxy.pages import POLICY, find_file
from servers.drivers.choose import driver_name_at
from servers.models import ConsoleToken
from servers.models.service import SIMULATED_DRIVERS

logger = logging.getLogger(__name__)
QUIET = logging.getLogger(f"{__name__}.websockets")
QUIET.setLevel(logging.WARNING)  # else a line for each file of a page

PIECE = 1 << 16
CONNECT_SECONDS = 10.0
LONGEST_ANSWER = 4096
REFUSED, UNREACHABLE = 4001, 4002
"""Why a WebSocket is closed: the token is not good, or the host has no such console (any more)."""


class NoConsole(Exception):
    """The host does not connect."""


async def start(host: str, port: int) -> Server:
    """Serve pages and consoles there until the server is closed."""
    return await serve(
        lead,
        host,
        port,
        process_request=answer_page,
        select_subprotocol=choose_subprotocol,
        max_size=1 << 20,
        compression=None,
        logger=QUIET,
    )


def answer_page(connection: ServerConnection, request: Request) -> Response | None:
    """A page or a part of one; ``None``: this shall become a WebSocket."""
    parts = urlsplit(request.path)
    if "Upgrade" in request.headers:
        if not _is_of_this_site(request.headers):
            return connection.respond(HTTPStatus.FORBIDDEN, "Another site asks.\n")
        return None
    found = find_file(parts.path)
    if found is None:
        return connection.respond(HTTPStatus.NOT_FOUND, "There is no such page.\n")
    content, kind = found
    headers = Headers(
        {
            "Content-Type": kind,
            "Content-Length": str(len(content)),
            "Content-Security-Policy": POLICY,
            "Referrer-Policy": "no-referrer",  # the address has the token
            "X-Content-Type-Options": "nosniff",
            "Connection": "close",
        }
    )
    return Response(HTTPStatus.OK.value, HTTPStatus.OK.phrase, headers, content)


def _is_of_this_site(headers: Headers) -> bool:
    """Browsers name the site of the page that asks; it is the one that they ask."""
    origin = headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == headers.get("Host")


def choose_subprotocol(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    binary = Subprotocol("binary")
    return binary if binary in offered else None


async def lead(connection: ServerConnection) -> None:
    """Carry bytes between the browser and the console until one of them ends."""
    query = parse_qs(urlsplit(connection.request.path if connection.request else "").query)
    try:
        console, is_simulated = await sync_to_async(_find)(query.get("token", [""])[0])
        reader, writer = await (simulated.connect if is_simulated else connect)(console)
    except Fault as fault:
        if _is_page(connection):
            await connection.close(REFUSED, fault.detail[:120])
        else:  # Nova: the connection ends without a word
            connection.transport.close()
        return
    except (NoConsole, OSError, TimeoutError) as error:
        logger.warning("a console cannot be reached: %s", error)
        await connection.close(UNREACHABLE, "The host does not have this console.")
        return
    logger.info("console of %s (%s) opened", console.instance.uuid, console.console_type)
    try:
        ways = [
            asyncio.create_task(_to_browser(reader, connection)),
            asyncio.create_task(_to_console(connection, writer)),
        ]
        _, others = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in others:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        await connection.close()


def _is_page(connection: ServerConnection) -> bool:
    """Does a browser ask? It names the site, and its page tells why a connection ends."""
    return connection.request is not None and "Origin" in connection.request.headers


def _find(token: str) -> tuple[ConsoleToken, bool]:
    """The console, and whether its host is simulated; in another thread, which keeps no session of
    the database.
    """
    try:
        console = find_console(token)
        return console, driver_name_at(console.node) in SIMULATED_DRIVERS
    finally:
        connection.close()


async def connect(console: ConsoleToken) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """The way to the console: the host is asked to connect, if it wants to be, as by proxies of
    Nova.

    Raises:
        NoConsole, OSError, TimeoutError: it does not.
    """
    async with asyncio.timeout(CONNECT_SECONDS):
        reader, writer = await asyncio.open_connection(console.host, console.port)
        if console.internal_access_path:
            try:
                await _ask_for(console.internal_access_path, reader, writer)
            except BaseException:
                writer.close()
                raise
    return reader, writer


async def _ask_for(path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(f"CONNECT {path} HTTP/1.1\r\n\r\n".encode())
    try:
        answer = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        raise NoConsole("the host ends the connection") from None
    status = answer.split(b" ", 2)[1:2]
    if status != [b"200"] or len(answer) > LONGEST_ANSWER:
        raise NoConsole("the host refuses")


async def _to_browser(reader: asyncio.StreamReader, connection: ServerConnection) -> None:
    with contextlib.suppress(ConnectionClosed, OSError):
        while piece := await reader.read(PIECE):
            await connection.send(piece)


async def _to_console(connection: ServerConnection, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionClosed, OSError):
        async for message in connection:
            writer.write(message.encode() if isinstance(message, str) else message)
            await writer.drain()
