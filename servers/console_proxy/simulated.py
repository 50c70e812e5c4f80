"""Consoles of guests that do not exist: a dark screen by RFB, and a serial line that repeats what
it hears.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

from servers.models import ConsoleToken

VERSION = b"RFB 003.008\n"
OLD_VERSION = b"RFB 003.003\n"
WITHOUT_PASSWORD = 1
WIDTH, HEIGHT = 320, 200
PIXEL_FORMAT = struct.pack(">BBBBHHHBBBxxx", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
BITS_AT_FIRST = 32
SET_PIXEL_FORMAT, SET_ENCODINGS, ASK_UPDATE, KEY, POINTER, CUT_TEXT = 0, 2, 3, 4, 5, 6
LENGTHS = {SET_PIXEL_FORMAT: 19, SET_ENCODINGS: 3, ASK_UPDATE: 9, KEY: 7, POINTER: 5, CUT_TEXT: 7}
"""Bytes of each message of the client after the first, without texts and lists."""
LONGEST_TEXT = 1 << 20
PIECE = 1 << 12

_running: set[asyncio.Task[None]] = set()
"""What asyncio itself would forget."""


async def connect(console: ConsoleToken) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """The way to such a console; it ends when this end is closed."""
    ours, theirs = socket.socketpair()
    serving = asyncio.create_task(_serve(theirs, console))
    _running.add(serving)
    serving.add_done_callback(_running.discard)
    return await asyncio.open_connection(sock=ours)


async def _serve(end: socket.socket, console: ConsoleToken) -> None:
    reader, writer = await asyncio.open_connection(sock=end)
    try:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            if console.console_type == "serial":
                await _repeat(reader, writer, str(console.instance.display_name))
            else:
                await _show_screen(reader, writer, str(console.instance.display_name))
    finally:
        writer.close()


async def _repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str) -> None:
    writer.write(f"{name} is on a simulated host, which repeats what it hears.\r\n".encode())
    while heard := await reader.read(PIECE):
        writer.write(heard)
        await writer.drain()


async def _show_screen(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str
) -> None:
    writer.write(VERSION)
    if await reader.readexactly(len(VERSION)) == OLD_VERSION:
        writer.write(struct.pack(">I", WITHOUT_PASSWORD))
    else:
        writer.write(bytes((1, WITHOUT_PASSWORD)))
        await reader.readexactly(1)
        writer.write(struct.pack(">I", 0))  # it is well
    await reader.readexactly(1)
    title = name.encode()
    screen = struct.pack(">HH", WIDTH, HEIGHT) + PIXEL_FORMAT
    writer.write(screen + struct.pack(">I", len(title)) + title)
    bits = BITS_AT_FIRST
    while True:
        kind = (await reader.readexactly(1))[0]
        if kind not in LENGTHS:
            return
        message = await reader.readexactly(LENGTHS[kind])
        if kind == SET_PIXEL_FORMAT:
            bits = message[3]
        elif kind == SET_ENCODINGS:
            await reader.readexactly(4 * int.from_bytes(message[1:]))
        elif kind == CUT_TEXT:
            length = int.from_bytes(message[3:])
            if length > LONGEST_TEXT:
                return
            await reader.readexactly(length)
        elif kind == ASK_UPDATE and not message[0]:  # nothing changes, so all of it or nothing
            header = struct.pack(">BxHHHHHi", 0, 1, 0, 0, WIDTH, HEIGHT, 0)
            writer.write(header + bytes(WIDTH * HEIGHT * bits // 8))
        await writer.drain()
