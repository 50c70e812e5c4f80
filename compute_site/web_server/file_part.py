"""Files that are sent as they are: the kernel copies them to the client, and no thread waits."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from typing import Any
from wsgiref.util import FileWrapper

AT_ONCE = 4 * 1024 * 1024
"""Bytes that one client gets before the others have their turn."""


class FilePart:
    """A file from where it stands, as ``wsgi.file_wrapper`` takes it (PEP 3333). ``left`` are the
    bytes to be sent: at most those to its end.
    """

    def __init__(self, file: Any) -> None:
        self.file = file
        self.offset = int(file.tell())
        self.descriptor = os.dup(file.fileno())  # the application closes its own before the end
        self.left = max(os.fstat(self.descriptor).st_size - self.offset, 0)

    def send_to(self, sock: int, most: int) -> int:
        """Send as much as the client takes now; the number of bytes.

        Raises:
            BlockingIOError: it takes nothing now.
            OSError: it is gone, or the file has become shorter.
        """
        sent = os.sendfile(sock, self.descriptor, self.offset, min(self.left, most))
        if not sent:
            raise OSError("The file is shorter than it was.")
        self.offset += sent
        self.left -= sent
        return sent

    def release(self) -> None:
        """Nothing more is sent of it."""
        os.close(self.descriptor)

    def close(self) -> None:
        """The application is through with it."""
        self.file.close()


def wrap_file(file: Any, block_size: int = 8192) -> FilePart | Iterable[bytes]:
    """``wsgi.file_wrapper``: what is no file of the system is read like anything else."""
    try:
        return FilePart(file)
    except (AttributeError, io.UnsupportedOperation):
        return FileWrapper(file, block_size)
