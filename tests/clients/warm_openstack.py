"""The command ``openstack``, loaded once: to load it takes longer than what it does.

Each line on standard input is one call, ``{"words": […], "environment": {…}}``; a forked process
runs the unmodified command with them. The answer is a line with its status and what it wrote.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import sys
import tempfile
from typing import IO, Any

# what the commands load when they need it
import openstack.block_storage.v3._proxy
import openstack.compute.v2._proxy
import openstack.identity.v3._proxy
import openstack.image.v2._proxy
import openstack.network.v2._proxy
from openstackclient import shell

LOADED = openstack
GROUPS = ("server create", "volume create", "token issue", "image create", "network create")
"""Commands whose help loads what all of their groups need."""


def load() -> None:
    """Run the command as far as it goes without a cloud: it finds out which commands there are."""
    with contextlib.redirect_stdout(io.StringIO()):
        for group in GROUPS:
            shell.main([*group.split(), "--help"])
    logging.getLogger().handlers.clear()  # each call makes its own


def call(words: list[str], environment: dict[str, str]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            become_the_command(words, environment, out, err)
        _, status = os.waitpid(child, 0)
        return {
            "status": os.waitstatus_to_exitcode(status),
            "out": written(out),
            "err": written(err),
        }


def become_the_command(
    words: list[str], environment: dict[str, str], out: IO[bytes], err: IO[bytes]
) -> None:
    status = 1
    try:
        os.environ.update(environment)
        sys.argv = ["openstack"]
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # the calls come from there
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        status = shell.main(words)
        sys.stdout.flush()
    finally:
        os._exit(status)  # nothing of the parent's is to be ended twice


def written(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


load()
for line in sys.stdin:
    sys.stdout.write(json.dumps(call(**json.loads(line))) + "\n")
    sys.stdout.flush()
