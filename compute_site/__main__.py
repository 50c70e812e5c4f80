"""``compute-site``, or ``python -m compute_site``: the site's commands in one, wherever it is
installed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

COMMANDS = {
    "run": ("quickstart", "the whole site on this machine: database, worker, web server"),
    "stop": ("stop", "end what run has started"),
    "reset": ("reset", "delete its data, after asking"),
    "migrate": ("migrate", "make the tables of the database, or bring them to this release"),
    "loadcloud": ("loadcloud", "make the cloud as a file describes it"),
    "worker": ("worker", "schedule and build servers"),
    "manage": ("", "any other command of Django's manage.py, such as createsuperuser"),
    "web": ("", "the web server, with gunicorn's options"),
    "agent": ("", "on a host: join a site (agent join), and run its guests (agent run)"),
}
AGENT = ("-m", "servers.agent")
GUNICORN = ("-m", "gunicorn", "-c", "python:compute_site.web_server.configuration")


def main() -> None:
    name, *rest = sys.argv[1:] or ["help"]
    if name == "web":
        os.execv(sys.executable, [sys.executable, *GUNICORN, *rest])  # noqa: S606
    if name == "agent":
        os.execv(sys.executable, [sys.executable, *AGENT, *rest])  # noqa: S606
    if name == "run" and "--ephemeral" in rest:
        from compute_site.quickstart.ephemeral import main as run  # noqa: PLC0415 - the others

        run(rest)
    elif name in COMMANDS:
        command = COMMANDS[name][0]
        manage([f"compute-site {name}", *([command] if command else []), *rest])
    elif name in ("help", "-h", "--help"):
        print(_usage())  # noqa: T201
    else:
        sys.exit(f"compute-site: there is no command {name}.\n\n{_usage()}")


def manage(words: Sequence[str]) -> None:
    """Django's command line; what we foresee ends without a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "compute_site.settings")
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - web needs none

    from compute_site.db.embedded import DatabaseError  # noqa: PLC0415
    from compute_site.options import OptionError  # noqa: PLC0415

    try:
        execute_from_command_line(list(words))
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the output, such as head, has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)  # as a program that the signal SIGPIPE ends
    except (DatabaseError, OptionError) as error:
        sys.exit(f"compute-site: {error}")


def _usage() -> str:
    lines = "\n".join(f"  {name:10} {what}" for name, (_, what) in COMMANDS.items())
    return f"compute-site COMMAND [--help]\n\n{lines}"


if __name__ == "__main__":
    main()
