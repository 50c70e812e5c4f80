"""``manage.py quickstart``: one command to a running compute endpoint."""

from __future__ import annotations

import gc
import os
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from compute_site.identity.models import Project
from compute_site.quickstart import (
    Account,
    Client,
    Processes,
    QuickstartError,
    Stopped,
    check_port,
    first_server,
    stopping_by_signal,
    wait_until_ready,
    write_clouds_yaml,
)

DEMO_CLOUD = settings.BASE_DIR / "compute_site" / "cloudfile" / "demo.yaml"
ACCOUNTS = {
    "demo": Account("demo", "demo", "demo"),
    "admin": Account("admin", "admin", "admin"),
}

WHAT_NEXT = """
The site serves on {root}. Try, in another terminal:

  export OS_CLIENT_CONFIG_FILE={clouds} OS_CLOUD=demo
  openstack server create --image cirros --flavor m1.tiny --network private --wait second
  (the command comes with: pip install python-openstackclient)

  curl -su demo:demo {root}/compute/v2.1/servers/detail

  browsable API   {root}/compute/v2.1/servers   (sign in as demo, password demo)
  admin           {root}/admin/                 (admin, password admin)
  documentation   {root}/docs/

Logs are in {logs}. Ctrl-C ends everything; the data stays in {state}.
"""


class Command(BaseCommand):
    help = "Start the whole site with a demo cloud and create a first server."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8774)
        parser.add_argument("--web-processes", type=int, default=2)
        parser.add_argument(
            "--no-first-server", action="store_true", help="create no server at the start"
        )
        parser.add_argument(
            "--exit", action="store_true", help="end after the first server instead of serving on"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        self.began = time.monotonic()
        root = f"http://{options['host']}:{options['port']}"
        processes = Processes(child_environment(), settings.STATE_DIR / "log")
        try:
            with stopping_by_signal():
                check_port(options["host"], options["port"])
                self.find_database()
                self.start_web_server(processes, options)  # loads while the database is migrated
                self.migrate()
                processes.start("worker", "manage.py", "worker")
                self.load_cloud()
                self.show(root, processes, with_server=not options["no_first_server"])
                while not options["exit"]:
                    processes.check()
                    time.sleep(0.5)
        except QuickstartError as error:
            raise CommandError(str(error)) from error
        except Stopped:
            self.say("stopping")
        finally:
            processes.stop()

    def say(self, text: str) -> None:
        self.stdout.write(f"[{time.monotonic() - self.began:6.2f} s] {text}")
        self.stdout.flush()

    def find_database(self) -> None:
        kind = "DATABASE_URL" if os.environ.get("DATABASE_URL") else "embedded PostgreSQL"
        try:
            connection.ensure_connection()
        except OperationalError as error:
            raise QuickstartError(f"The database does not answer: {error}") from error
        self.say(f"database: {kind}, {connection.settings_dict['NAME']}")

    def migrate(self) -> None:
        gc.disable()  # Django makes its models anew at each step; looking for garbage is a third
        try:
            call_command("migrate", verbosity=0, interactive=False)
        except OperationalError as error:
            raise QuickstartError(f"The database does not answer: {error}") from error
        finally:
            gc.enable()
        self.say("database: migrated")

    def load_cloud(self) -> None:
        if Project.objects.exists():
            self.say("cloud: kept as it is")
        else:
            call_command("loadcloud", str(DEMO_CLOUD), verbosity=0)
            self.say("cloud: the demo cloud is loaded")
        connection.close()

    def start_web_server(self, processes: Processes, options: dict[str, Any]) -> None:
        processes.start(
            "web server",
            *("-m", "granian", "--interface", "wsgi", "compute_site.wsgi:application"),
            *("--host", options["host"], "--port", str(options["port"])),
            *("--workers", str(options["web_processes"]), "--blocking-threads", "4"),
            *("--backpressure", "64", "--no-ws"),
        )

    def show(self, root: str, processes: Processes, *, with_server: bool) -> None:
        client = Client(root, ACCOUNTS["demo"])
        wait_until_ready(client, processes)
        self.say("web server and worker run")
        if with_server:
            client.sign_in()
            first_server(client, self.say)
        clouds = settings.STATE_DIR / "clouds.yaml"
        write_clouds_yaml(clouds, root, ACCOUNTS)
        self.stdout.write(
            WHAT_NEXT.format(
                root=root, clouds=clouds, logs=settings.STATE_DIR / "log", state=settings.STATE_DIR
            )
        )
        self.stdout.flush()


def child_environment() -> dict[str, str]:
    """The environment of the worker and the web server: this very database and site."""
    database = settings.DATABASES["default"]
    host, name = quote(database["HOST"], safe=""), quote(database["NAME"], safe="")
    who = ":".join(quote(database[key], safe="") for key in ("USER", "PASSWORD") if database[key])
    port = f":{database['PORT']}" if database["PORT"] else ""
    embedded = f"postgresql://{who}@{port}/{name}?host={host}"
    python_path = os.pathsep.join(
        filter(None, (str(Path(settings.BASE_DIR)), os.environ.get("PYTHONPATH")))
    )
    return {
        **os.environ,
        "DATABASE_URL": os.environ.get("DATABASE_URL") or embedded,
        "DJANGO_SETTINGS_MODULE": "compute_site.settings",
        "PYTHONPATH": python_path,
    }
