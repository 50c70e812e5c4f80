"""A plugin of pytest for openstackclient's own tests: the program is imported once, and each
command is a copy of this process (a fork), which spares the second that it takes to start.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import shlex
import sys
import tempfile
from collections.abc import Callable
from typing import IO, Any

import pytest


def pytest_collection_finish(session: pytest.Session) -> None:
    """What commands import is there before the first of them runs."""
    client = importlib.import_module("openstackclient")
    for module in pkgutil.walk_packages(client.__path__, "openstackclient."):
        if ".tests" not in module.name:
            importlib.import_module(module.name)
    importlib.import_module("keystoneauth1.loading").get_available_plugin_loaders()
    importlib.import_module("cliff.command")._get_distributions_by_modules()
    functional: Any = importlib.import_module("openstackclient.tests.functional.base")
    functional.execute = execute


def execute(cmd: str, *, fail_ok: bool = False) -> str:
    """As the function of this name in openstackclient's tests, in whose place it stands."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        child = os.fork()
        if not child:
            become_program(shlex.split(cmd)[1:], output, errors)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        answered, told = whole(output).decode(), whole(errors)
    if status and not fail_ok:
        failed: Any = importlib.import_module("tempest.lib.exceptions").CommandFailed
        raise failed(status, cmd, answered, told)
    return answered


def become_program(words: list[str], output: IO[bytes], errors: IO[bytes]) -> None:
    """Does what the program ``openstack`` does with these words, and does not come back."""
    status = 1
    try:
        os.setsid()  # there is no terminal that it could ask
        os.dup2(output.fileno(), 1)
        os.dup2(errors.fileno(), 2)
        sys.stdin = open(os.devnull)  # noqa: PTH123, SIM115 - until the end of the process
        sys.stdout, sys.stderr = open(1, "w"), open(2, "w")  # noqa: SIM115 - as above
        for name in [name for name in os.environ if name.startswith("OS_")]:
            del os.environ[name]
        sys.argv = ["openstack", *words]
        main: Callable[[list[str]], int] = importlib.import_module("openstackclient.shell").main
        status = main(words)
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def whole(written: IO[bytes]) -> bytes:
    written.seek(0)
    return written.read()
