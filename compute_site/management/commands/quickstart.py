"""``manage.py quickstart``: one command to a running compute endpoint."""

from __future__ import annotations

import contextlib
import gc
import os
import shlex
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.utils import timezone

from compute_site import cloudfile
from compute_site.cloudfile.errors import CloudFileError
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
from compute_site.quickstart.guests import first
from compute_site.quickstart.guests.host import (
    claim_machine,
    end_guests,
    environment_of,
    join,
    start_agent,
    wait_until_up,
)
from compute_site.quickstart.guests.image import is_made, make_image
from compute_site.quickstart.guests.machine import (
    check_machine,
    install_packages,
    is_emulating,
    update_lists,
)
from compute_site.quickstart.guests.uplink import make_uplink
from compute_site.quickstart.listening import ALLOWED_HOSTS, Listener, find_listener
from compute_site.quickstart.running import announced
from compute_site.quickstart.start import (
    Client,
    Processes,
    QuickstartError,
    Stopped,
    Terminal,
    first_server,
    read_clouds_yaml,
    stopping_by_signal,
    wait_until_ready,
    write_clouds_yaml,
)

DEMO_CLOUD = Path(cloudfile.__file__).with_name("demo.yaml")
FIRST_USER = "demo"

NEW_PASSWORDS = """
Others can reach the site, so that no password is one that everybody knows. These are shown once;
{clouds}, which only you may read, keeps them:

{lines}
"""
OWN_CLOUD = """
The site serves on {root} with the cloud of {file}.

  export OS_CLIENT_CONFIG_FILE={clouds} OS_CLOUD={names}

  what there is   {root}/
  logs            {logs}

Ctrl-C ends everything; the data stays in {state}.
"""
SECOND = "openstack server create --image cirros --flavor m1.tiny --network private --wait second"
SECOND_GUEST = (
    f"openstack server create --image {first.IMAGE} --flavor {first.FLAVOR} \\\n"
    f"      --network {first.NETWORK} --key-name {first.KEY} --security-group {first.GROUP} "
    "--wait second"
)
STEPS = ("database", "tables", "cloud", "web server and worker")
STEPS_OF_GUESTS = ("this machine as a host", "image of a small guest")
WITH_GUESTS = """
This machine is host {host} of the site, in zone {zone}, where servers go for which no zone is
named: real guests{emulated}.
The images of the demo cloud have no data, and are for its simulated hosts (--availability-zone
rack1).
{guest}
When the site ends, its guests on this machine end as well; those that ran start again with it.
"""
OF_GUEST = """
Log in to the first guest:

  {login}
"""
EMULATED = ", emulated, as the processor here has neither vmx nor svm"
STEPS_OF_MAKE = 2
WHAT_NEXT = """
The site serves on {root}. Try, in another terminal:

  export OS_CLIENT_CONFIG_FILE={clouds} OS_CLOUD=demo
  {command}
  (the command comes with: pip install python-openstackclient)

  curl -su {basic} {root}/compute/v2.1/servers/detail

  browsable API   {root}/compute/v2.1/servers   (sign in as demo{of_demo})
  admin           {root}/admin/                 (sign in as admin{of_admin})
  documentation   {root}/docs/
  all of this     {root}/

Logs are in {logs}. Ctrl-C ends everything; the data stays in {state}.
"""


class Command(BaseCommand):
    help = "Start the whole site with a demo cloud and create a first server."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8774)
        parser.add_argument("--web-processes", type=int, default=2)
        parser.add_argument(
            "--cloud",
            type=Path,
            help="a cloud file to load instead of the demo cloud (docs/cloudfile.md); the cloud is "
            "made to match it at each start, and no first server is created",
        )
        parser.add_argument(
            "--since",
            type=float,
            help="seconds since 1970 when the command was given, if a program before us "
            f"has done {STEPS_OF_MAKE} steps of the way (make does)",
        )
        parser.add_argument(
            "--no-first-server", action="store_true", help="create no server at the start"
        )
        parser.add_argument(
            "--guests",
            action="store_true",
            help="make this machine a host that runs real guests, and the first server one; needs "
            "root and Debian, and installs packages (docs/guests.md)",
        )
        parser.add_argument(
            "--exit", action="store_true", help="end after the first server instead of serving on"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        since = options["since"]
        self.began = time.monotonic() - (max(0.0, time.time() - since) if since else 0.0)
        self.steps_before = STEPS_OF_MAKE if since else 0
        self.cloud_file: Path = options["cloud"] or DEMO_CLOUD
        self.with_server = not (options["no_first_server"] or options["cloud"])
        self.with_guests: bool = options["guests"]
        self.steps = self.choose_steps()
        try:
            with stopping_by_signal():
                listener = find_listener(options["host"], options["port"])
                with announced(settings.STATE_DIR, listener.port):
                    self.serve(listener, options)
        except (QuickstartError, CloudFileError) as error:
            raise CommandError(str(error)) from error
        except Stopped:
            self.say("stopped")

    def serve(self, listener: Listener, options: dict[str, Any]) -> None:
        processes, terminal = Processes({}, settings.STATE_DIR / "log"), Terminal()
        try:
            listener.check()
            if self.with_guests:
                self.prepare_machine()
            self.step("database")
            self.find_database()
            processes.environment = child_environment(listener)
            if self.with_guests:
                processes.environment = environment_of(settings.STATE_DIR, processes.environment)
            if listener.is_private:
                # loads while the database is migrated; others wait until no password is known
                self.start_web_server(processes, listener, options)
            self.step("tables")
            self.migrate()
            processes.start("worker", "-m", "compute_site", "worker", "--processes", "1")
            self.step("cloud")
            accounts = self.load_cloud(listener)
            self.step("web server and worker")
            if not listener.is_private:
                self.start_web_server(processes, listener, options)
            self.show(listener, accounts, processes)
            while not options["exit"]:
                if revive_embedded_server(settings.STATE_DIR):
                    self.say("the embedded PostgreSQL had ended and is started again")
                processes.revive(self.say)
                terminal.check()
                time.sleep(0.5)
        finally:
            processes.stop()
            if self.with_guests:
                end_guests(settings.STATE_DIR, self.say)

    def choose_steps(self) -> tuple[str, ...]:
        before = ("packages of guests",) if self.with_guests else ()
        after = STEPS_OF_GUESTS if self.with_guests else ()
        first = ("first guest",) if self.with_guests else ("first server",)
        return (*before, *STEPS, *after, *(first if self.with_server else ()))

    def prepare_machine(self) -> None:
        check_machine()
        claim_machine(settings.STATE_DIR)
        self.step("packages of guests")
        install_packages(self.say)

    def step(self, name: str) -> None:
        """Say what is being done now, with its number."""
        number = self.steps_before + self.steps.index(name) + 1
        self.say(f"{number}/{self.steps_before + len(self.steps)} {name}")

    def say(self, text: str) -> None:
        with contextlib.suppress(OSError):  # the terminal was closed
            self.stdout.write(f"[{time.monotonic() - self.began:6.2f} s] {text}")
            self.stdout.flush()

    def find_database(self) -> None:
        kind = "DATABASE_URL" if os.environ.get("DATABASE_URL") else "embedded PostgreSQL"
        try:
            connection.ensure_connection()
        except OperationalError as error:
            raise QuickstartError(f"The database does not answer: {error}") from error
        self.say(f"    {kind}, {connection.settings_dict['NAME']}")

    def migrate(self) -> None:
        gc.disable()  # Django makes its models anew at each step; looking for garbage is a third
        try:
            call_command("migrate", verbosity=0, interactive=False)
        except OperationalError as error:
            raise QuickstartError(f"The database does not answer: {error}") from error
        finally:
            gc.enable()
            gc.collect()
        self.say("    they are as this release wants them")

    def load_cloud(self, listener: Listener) -> Accounts:
        """Make the demo cloud unless there is one; who can sign in, kept before it is made."""
        with alone(Lock.CLOUD):
            made = self.make_cloud if self.cloud_file == DEMO_CLOUD else self.make_own_cloud
            accounts = made(listener)
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
            self.say("    kept as it is")
        else:
            accounts = choose_accounts(known, kept, private=listener.is_private)
            self.keep(listener, accounts, kept)
            load_cloud(with_passwords(document, accounts))
            self.say("    the demo cloud is loaded")
        return accounts

    def make_own_cloud(self, listener: Listener) -> Accounts:
        """Make the cloud match the operator's file; its passwords are the operator's."""
        try:
            document = parse(self.cloud_file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise QuickstartError(f"{self.cloud_file} cannot be read: {error}") from error
        load_cloud(document)
        accounts = read_accounts(document)
        write_clouds_yaml(self.clouds, listener.own_root, accounts)
        self.say(f"    as {self.cloud_file} says")
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

    def show(self, listener: Listener, accounts: Accounts, processes: Processes) -> None:
        client = Client(listener.own_root, accounts.get(FIRST_USER))
        wait_until_ready(client, processes)
        self.say("    both run")
        about_guests = ""
        if self.with_guests:
            about_guests = self.run_guests(listener, client, processes)
        elif self.with_server:
            self.step("first server")
            client.sign_in()
            first_server(client, self.say)
        if self.cloud_file != DEMO_CLOUD:
            self.stdout.write(self.about_own_cloud(listener, accounts) + about_guests)
            self.stdout.flush()
            return
        open_words = {
            name: f", password {account.password}" if account.password == name else ""
            for name, account in accounts.items()
        }
        of_demo, of_admin = (open_words.get(name, "") for name in ("demo", "admin"))
        self.stdout.write(
            WHAT_NEXT.format(
                root=listener.shown_root,
                clouds=self.clouds,
                command=SECOND_GUEST if self.with_guests and self.with_server else SECOND,
                basic="demo:demo" if of_demo else "demo",
                of_demo=of_demo,
                of_admin=of_admin,
                logs=settings.STATE_DIR / "log",
                state=settings.STATE_DIR,
            )
            + about_guests
        )
        self.stdout.flush()

    def run_guests(self, listener: Listener, client: Client, processes: Processes) -> str:
        """Make this machine a host, and the first server a guest on it; what to say of it."""
        self.step("this machine as a host")
        before = make_uplink()
        host = join(settings.STATE_DIR, listener.own_root)
        connection.close()
        begun = timezone.now()
        start_agent(settings.STATE_DIR, processes)
        wait_until_up(host, processes, since=begun)
        emulated = EMULATED if is_emulating() else ""
        self.say(f"    {host} is up{emulated}")
        self.step("image of a small guest")
        folder = settings.STATE_DIR / "guests"
        if not is_made(folder / "image"):
            self.say("    it is made of Debian's packages, once")
            update_lists()
        image = make_image(folder / "image")
        self.say(f"    {image}")
        words = ""
        if self.with_server:
            self.step("first guest")
            client.sign_in()
            guest = first.first_guest(client, image, folder, before=before, say=self.say)
            words = OF_GUEST.format(login=shlex.join(guest.login))
        return WITH_GUESTS.format(host=host, zone=first.ZONE, emulated=emulated, guest=words)

    def about_own_cloud(self, listener: Listener, accounts: Accounts) -> str:
        return OWN_CLOUD.format(
            root=listener.shown_root,
            file=self.cloud_file,
            clouds=self.clouds,
            names=" or ".join(accounts) or "(no user has a password there)",
            logs=settings.STATE_DIR / "log",
            state=settings.STATE_DIR,
        )


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
