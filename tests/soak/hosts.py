"""``python -m tests.soak.hosts [hosts] [seconds]``: many hosts with agents; clients create, stop,
start, rebuild, save and delete servers, while agents, workers and web processes are killed.

Prints what happened as JSON; exits with 1 unless each server has exactly the guest that it should
have, on its host and nowhere else, and nothing was left open.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg

from tests.benchmarks.load import sign_in
from tests.benchmarks.site import ROOT, make_database, running_site
from tests.soak.processes import kill_web_process
from tests.soak.trouble import Workers
from tests.soak.watch import Watch

HOSTS, SECONDS, PROCESSES, CLIENTS = 200, 60.0, 4, 8
DATA = bytes(range(256)) * 400
NETWORK = "3cb9bc59-5699-4588-a4b1-b87f96708bc6"
PATIENCE_SECONDS = 120.0
POWER = {"active": 1, "stopped": 4}
SERVERS = """
    SELECT uuid::text, vm_state, host FROM servers_instance
    WHERE deleted_at IS NULL OR vm_state = 'error'
"""
OPEN_ORDERS = "SELECT task, server_id FROM servers_hostorder WHERE done_at IS NULL"
ANSWERS = """
    SELECT task, coalesce(answer ->> 'code', ''), count(*) FROM servers_hostorder GROUP BY 1, 2
"""


class Agents:
    """Processes with many agents each, of which one after the other is killed and replaced."""

    def __init__(self, root: str, folders: Sequence[Path]) -> None:
        self.root = root
        self.parts = [list(folders[number::PROCESSES]) for number in range(PROCESSES)]
        self.processes = [self._start(part) for part in self.parts]
        for process in self.processes:
            assert process.stdout is not None
            while process.stdout.readline() not in (b"all work\n", b""):
                pass

    def _start(self, folders: Sequence[Path]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.soak.agents", self.root, *map(str, folders)]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)

    def kill(self, number: int) -> None:
        process = self.processes[number % PROCESSES]
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
        self.processes[number % PROCESSES] = self._start(self.parts[number % PROCESSES])

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


class Client:
    """Does things with servers of its own."""

    def __init__(self, root: str, token: str, image: str, seed: int) -> None:
        self.root, self.token, self.image = root, token, image
        self.chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.seen: Counter[str] = Counter()
        self.refusals: set[str] = set()

    def ask(self, method: str, path: str, body: Any = None, raw: bytes | None = None) -> Any:
        """The JSON; ``None`` where there is none, or no answer."""
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        kind = "application/json" if raw is None else "application/octet-stream"
        headers = {
            "X-Auth-Token": self.token,
            "Content-Type": kind,
            "OpenStack-API-Version": "compute 2.37",
        }
        url = f"{self.root}{path}"
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
                text = response.read()
                self.seen[f"{method} {response.status}"] += 1
                return json.loads(text) if text else {}
        except urllib.error.HTTPError as error:
            self.seen[f"{method} {error.code}"] += 1
            if error.code != 409:  # the server is in another state
                self.refusals.add(error.read().decode()[:300])
            error.close()
        except (OSError, http.client.HTTPException):
            self.seen["no answer"] += 1
        return None

    def work(self, until: float) -> None:
        while time.monotonic() < until:
            server = self._create()
            if server is None:
                time.sleep(0.5)
                continue
            for _ in range(self.chance.randrange(4)):
                if not self._settle(server, until):
                    break
                self.ask("POST", f"/compute/v2.1/servers/{server}/action", self._action())
            if self.chance.random() < 0.5:
                self.ask("DELETE", f"/compute/v2.1/servers/{server}")

    def _create(self) -> str | None:
        body = {
            "name": "soak",
            "imageRef": self.image,
            "flavorRef": "1",
            "networks": [{"uuid": NETWORK}],
        }
        answer = self.ask("POST", "/compute/v2.1/servers", {"server": body})
        return str(answer["server"]["id"]) if answer else None

    def _action(self) -> dict[str, Any]:
        actions: tuple[dict[str, Any], ...] = (
            {"os-stop": None},
            {"os-start": None},
            {"reboot": {"type": "HARD"}},
            {"rebuild": {"imageRef": self.image}},
            {"createImage": {"name": "saved"}},
        )
        return self.chance.choice(actions)

    def _settle(self, server: str, until: float) -> bool:
        """Wait until nothing goes on; ``False``: it does not end in time."""
        while time.monotonic() < until:
            answer = self.ask("GET", f"/compute/v2.1/servers/{server}")
            if answer and answer["server"]["OS-EXT-STS:task_state"] is None:
                return True
            time.sleep(0.2)
        return False


def make_hosts(url: str, folder: Path, number: int) -> list[Path]:
    """Hosts that may join, and their folders with the tokens."""
    command = [sys.executable, "-m", "tests.soak.host_tokens", str(number)]
    environment = {**os.environ, "DATABASE_URL": url}
    done = subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    tokens = json.loads(done.stdout)
    for name, token in tokens.items():
        (folder / name).mkdir()
        (folder / name / "token").write_text(token)
    return [folder / name for name in tokens]


def make_image(client: Client) -> str:
    body = {"name": "image", "disk_format": "raw", "container_format": "bare"}
    image = str(client.ask("POST", "/image/v2/images", body)["id"])
    client.ask("PUT", f"/image/v2/images/{image}/file", raw=DATA)
    return image


def find_wrongs(session: psycopg.Connection[Any], folder: Path) -> Iterator[str]:
    """What is not as it should be, when all has settled."""
    places: dict[str, list[tuple[str, int]]] = {}
    for path in folder.glob("*/pretend/*/power"):
        power = int(path.read_text())
        places.setdefault(path.parent.name, []).append((path.parents[2].name, power))
    for server, vm_state, host in session.execute(SERVERS).fetchall():
        found = places.pop(server, [])
        if vm_state not in POWER:
            yield f"server {server} is {vm_state}"
        elif found != [(host, POWER[vm_state])]:
            yield f"server {server} is {vm_state} on {host}; its guests are {found}"
    yield from (f"a guest without a server: {server} {found}" for server, found in places.items())
    for task, server in session.execute(OPEN_ORDERS).fetchall():
        yield f"an order is open: {task} {server}"


def settle(session: psycopg.Connection[Any], watch: Watch, folder: Path) -> tuple[float, list[str]]:
    """Wait until nothing is wrong, for a while; the seconds that took, and what still is."""
    began = time.monotonic()
    watch.settle()
    while True:
        wrong = list(find_wrongs(session, folder))
        if not wrong or time.monotonic() - began > PATIENCE_SECONDS:
            return time.monotonic() - began, wrong
        time.sleep(1)


def make_trouble(agents: Agents, workers: Workers, until: float) -> Counter[str]:
    made: Counter[str] = Counter()
    while time.monotonic() < until:
        time.sleep(5)
        turn = sum(made.values())
        if turn % 3 == 0:
            agents.kill(made["agents killed"])
            made["agents killed"] += 1
        elif turn % 3 == 1:
            workers.kill_next()
            made["workers killed"] += 1
        else:
            kill_web_process()
            made["web processes killed"] += 1
    return made


def main() -> int:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else HOSTS
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else SECONDS
    url = make_database()
    cloud = Path(__file__).with_name("hosts.yaml")
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as ends:
        folder = Path(name)
        os.environ["COMPUTE_SITE_IMAGE_STORE_DIR"] = str(folder / "images")
        root = ends.enter_context(running_site(url, cloud=cloud))
        token = sign_in(root, "soak")
        began = time.monotonic()
        agents = Agents(root, make_hosts(url, folder, number))
        ends.callback(agents.stop)
        joined = time.monotonic() - began
        workers = Workers(url)
        ends.callback(workers.stop)
        watch = Watch(url)
        watch.wait_for_workers()
        image = make_image(Client(root, token, "", 0))
        clients = [Client(root, token, image, seed) for seed in range(CLIENTS)]
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=client.work, args=(until,)) for client in clients]
        for thread in threads:
            thread.start()
        made = make_trouble(agents, workers, until)
        for thread in threads:
            thread.join()
        with psycopg.connect(url, autocommit=True) as session:
            settled, wrong = settle(session, watch, folder)
            answers = {f"{a} {b}".strip(): c for a, b, c in session.execute(ANSWERS).fetchall()}
    if not answers:
        wrong.append("no order was given")
    report = {
        "hosts": number,
        "seconds_to_join": round(joined, 1),
        "seconds": seconds,
        "seconds_to_settle": round(settled, 1),
        **made,
        "orders": dict(sorted(answers.items())),
        "answers": dict(sum((client.seen for client in clients), Counter[str]())),
        "refusals": sorted(set().union(*(client.refusals for client in clients)))[:5],
        "wrong": len(wrong),
        "for_example": wrong[:20],
    }
    print(json.dumps(report, indent=2))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
