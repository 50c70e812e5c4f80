"""``manage.py quickstart``: one command to a running compute endpoint."""

from __future__ import annotations

import gc
import os
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from compute_site.cloudfile.load import load_cloud, parse
from compute_site.db.embedded import find_database_url, revive_embedded_server
from compute_site.db.locks import Lock, alone
from compute_site.identity.models import Project
from compute_site.quickstart.demo_accounts import (
    Accounts,
    choose_accounts,
    find_accounts,
    read_accounts,
    set_passwords,
    with_passwords,
)
from compute_site.quickstart.listening import ALLOWED_HOSTS, Listener, find_listener
from compute_site.quickstart.start import (
    Client,
    Processes,
    QuickstartError,
    Stopped,
    first_server,
    read_clouds_yaml,
    stopping_by_signal,
    wait_until_ready,
    write_clouds_yaml,
)

DEMO_CLOUD = settings.BASE_DIR / "compute_site" / "cloudfile" / "demo.yaml"
FIRST_USER = "demo"

NEW_PASSWORDS = """
Others can reach the site, so that no password is one that everybody knows. These are shown once;
{clouds}, which only you may read, keeps them:

{lines}
"""
WHAT_NEXT = """
The site serves on {root}. Try, in another terminal:

  export OS_CLIENT_CONFIG_FILE={clouds} OS_CLOUD=demo
  openstack server create --image cirros --flavor m1.tiny --network private --wait second
  (the command comes with: pip install python-openstackclient)

  curl -su {basic} {root}/compute/v2.1/servers/detail

  browsable API   {root}/compute/v2.1/servers   (sign in as demo{of_demo})
  admin           {root}/admin/                 (sign in as admin{of_admin})
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
        try:
            with stopping_by_signal():
                listener = find_listener(options["host"], options["port"])
                self.serve(listener, options)
        except QuickstartError as error:
            raise CommandError(str(error)) from error
        except Stopped:
            self.say("stopping")

    def serve(self, listener: Listener, options: dict[str, Any]) -> None:
        processes = Processes(child_environment(listener), settings.STATE_DIR / "log")
        try:
            listener.check()
            self.find_database()
            if listener.is_private:
                # loads while the database is migrated; others wait until no password is known
                self.start_web_server(processes, listener, options)
            self.migrate()
            processes.start("worker", "manage.py", "worker", "--processes", "1")
            accounts = self.load_cloud(listener)
            if not listener.is_private:
                self.start_web_server(processes, listener, options)
            self.show(listener, accounts, processes, with_server=not options["no_first_server"])
            while not options["exit"]:
                if revive_embedded_server(settings.STATE_DIR):
                    self.say("the embedded PostgreSQL had ended and is started again")
                processes.revive(self.say)
                time.sleep(0.5)
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

    def load_cloud(self, listener: Listener) -> Accounts:
        """Make the demo cloud unless there is one; who can sign in, kept before it is made."""
        with alone(Lock.CLOUD):
            accounts = self.make_cloud(listener)
        connection.close()
        return accounts

    def make_cloud(self, listener: Listener) -> Accounts:
        document = parse(DEMO_CLOUD.read_text(encoding="utf-8"))
        known, kept = read_accounts(document), read_clouds_yaml(self.clouds)
        if Project.objects.exists():
            accounts = find_accounts(known, kept, private=listener.is_private)
            self.keep(listener, accounts, kept)
            if not listener.is_private:
                set_passwords(known, accounts)
            self.say("cloud: kept as it is")
        else:
            accounts = choose_accounts(known, kept, private=listener.is_private)
            self.keep(listener, accounts, kept)
            load_cloud(with_passwords(document, accounts))
            self.say("cloud: the demo cloud is loaded")
        return accounts

    @property
    def clouds(self) -> Path:
        return settings.STATE_DIR / "clouds.yaml"

    def keep(self, listener: Listener, accounts: Accounts, kept: Accounts) -> None:
        """Keep what clients need to sign in, and show the passwords that are new and secret."""
        write_clouds_yaml(self.clouds, listener.own_root, accounts)
        new = (
            [] if listener.is_private else [a for a in accounts.values() if a not in kept.values()]
        )
        if new:
            lines = "\n".join(f"  {account.user:10} {account.password}" for account in new)
            self.stdout.write(NEW_PASSWORDS.format(clouds=self.clouds, lines=lines))

    def start_web_server(
        self, processes: Processes, listener: Listener, options: dict[str, Any]
    ) -> None:
        processes.start(
            "web server",
            *("-m", "gunicorn", "-c", "python:compute_site.web_server.configuration"),
            *("--bind", listener.bound),
            *("--workers", str(options["web_processes"]), "--log-level", "warning"),
        )

    def show(
        self, listener: Listener, accounts: Accounts, processes: Processes, *, with_server: bool
    ) -> None:
        client = Client(listener.own_root, accounts.get(FIRST_USER))
        wait_until_ready(client, processes)
        self.say("web server and worker run")
        if with_server:
            client.sign_in()
            first_server(client, self.say)
        open_words = {
            name: f", password {account.password}" if account.password == name else ""
            for name, account in accounts.items()
        }
        of_demo, of_admin = (open_words.get(name, "") for name in ("demo", "admin"))
        self.stdout.write(
            WHAT_NEXT.format(
                root=listener.shown_root,
                clouds=self.clouds,
                basic="demo:demo" if of_demo else "demo",
                of_demo=of_demo,
                of_admin=of_admin,
                logs=settings.STATE_DIR / "log",
                state=settings.STATE_DIR,
            )
        )
        self.stdout.flush()


def child_environment(listener: Listener) -> dict[str, str]:
    """The environment of the worker and the web server: this very database and site."""
    python_path = os.pathsep.join(
        filter(None, (str(Path(settings.BASE_DIR)), os.environ.get("PYTHONPATH")))
    )
    allowed = listener.allowed_hosts(settings.OPTIONS.allowed_hosts, os.environ)
    others = {name: text for name, text in os.environ.items() if name != f"{ALLOWED_HOSTS}_FILE"}
    return {
        **others,
        ALLOWED_HOSTS: ",".join(allowed),
        "DATABASE_URL": find_database_url(settings.STATE_DIR),
        "DJANGO_SETTINGS_MODULE": "compute_site.settings",
        "PYTHONPATH": python_path,
    }
