"""Sends the same random requests to this site's network API and to a real Neutron, and compares.

``python -m tests.trials.network --count 1000 --seed 7`` makes the requests of a seed always alike,
as long as both answer alike. It compares the status, and of good answers the values of all keys
that both have, and the rows of lists. What differs for a known reason is counted by its reason
(``known.py``); the rest is shown, and makes the command fail.

Both sides need the user ``admin`` in a project of that name; two projects with a member each are
made for the trial. What was made is deleted at the end. An interrupt (Ctrl-C) ends it, and
shows what there is; another one leaves what is not deleted yet.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import sys
from collections.abc import Callable, Iterator
from typing import Any

from tests.trials.command import make_parser, make_salt
from tests.trials.network.asking import Asker, many
from tests.trials.network.differences import differs
from tests.trials.network.known import KNOWN
from tests.trials.network.names import NAME, Names
from tests.trials.network.sides import Request, Side
from tests.trials.network.values import NEEDED, Draw
from tests.trials.reasons import find_reason
from tests.trials.service import Answer
from tests.trials.tally import Tally, place_of

BROKEN = 500
IN_ORDER = (
    *("rbac_policy", "floatingip", "router", "port", "subnet", "network", "security_group_rule"),
    *("security_group", "address_group", "subnetpool", "address_scope"),
)


class Comparison(Tally):
    def add(self, request: Request, ours: Answer, theirs: Answer) -> None:
        """Answers may differ in several things, each for a reason of its own."""
        found = differs(request, ours, theirs)
        self.alike += not found
        for what in found:
            reason = find_reason(KNOWN, request, ours, theirs, what)
            if reason is not None:
                self.name(reason, f"{what}\n      {request}", ours, theirs)
                continue
            kind = f"{request.method} {place_of(request.path, NAME)} {what.partition(':')[0]}"
            self.note(kind, f"{what}\n      {request}", ours, theirs)


class Trial:
    """Two services in which the same is done."""

    def __init__(self, ours: Side, theirs: Side, seed: int) -> None:
        self.sides = (ours, theirs)
        self.names = Names(
            {who: (project, theirs.projects[who]) for who, project in ours.projects.items()}
        )
        self.asker = Asker(Draw(seed, self.names))
        self.tally = Comparison()
        self.number = 0

    def send(self, request: Request) -> tuple[Answer, Answer]:
        """Both answers, with their own ids."""
        ours, theirs = (
            side.send(
                request.who,
                request.method,
                self.names.put_in_path(request.path, number),
                self.names.put_in(request.body, number),
            )
            for number, side in enumerate(self.sides)
        )
        return ours, theirs

    def prepare(self, seed: int) -> None:
        """A network that leads out and one of the member, with a subnet each, and a group."""
        outside = {"name": "outside", "router:external": True}
        self.make("admin", "network", outside)
        self.make("member", "network", {"name": "inside"})
        self.make("member", "security_group", {"name": "group"})
        ranges = (f"172.24.{seed % 200}.0/24", "10.1.0.0/24")
        pairs = zip(("admin", "member"), self.names.kinds["network"], ranges, strict=True)
        for who, network, cidr in list(pairs):
            keys = {"network_id": network, "cidr": cidr, "ip_version": 4}
            self.make(who, "subnet", keys)

    def make(self, who: str, noun: str, keys: dict[str, Any]) -> None:
        answers = self.send(Request(who, "POST", many(noun), {noun: keys}))
        if any(answer.status != 201 for answer in answers):
            raise SystemExit(f"{noun} {keys}: {answers[0]}, theirs {answers[1]}")
        self.names.learn(noun, *(answer.json[noun] for answer in answers))

    def run(self, count: int) -> None:
        for self.number in range(1, count + 1):
            noun, request = self.asker.request()
            ours, theirs = self.send(request)
            if ours.status == theirs.status < 300:
                self.follow(noun, request, ours, theirs)
            elif ours.status != theirs.status:
                self.undo(noun, request, ours, theirs)
                if 400 <= ours.status < 500 and 400 <= theirs.status < 500:
                    twice = self.is_faulty_twice(noun, request)
                    request = dataclasses.replace(request, faulty_twice=twice)
            named = (
                Answer(answer.status, self.names.take_out(answer.json, number))
                for number, answer in enumerate((ours, theirs))
            )
            self.tally.add(request, *named)

    def is_faulty_twice(self, noun: str, request: Request) -> bool:
        """Do both refuse it alike (or Neutron breaks) without some of what may be its faults?"""
        told = [one.status for one in self.send(request)]
        less = request  # without what was none of them
        for repair in repairs(noun, request):
            for asked in (request,) if less is request else (request, less):
                repaired = repair(asked)
                ours, theirs = self.send(repaired)
                if ours.status >= 400 and theirs.status in (ours.status, BROKEN):
                    return True
                if request.method == "POST" or ours.status != theirs.status:
                    self.undo(noun, repaired, ours, theirs)
                if request.method != "POST" and (ours.status < 300) != (theirs.status < 300):
                    return False  # what it is about is gone
            if [ours.status, theirs.status] == told:
                less = repaired
        return False

    def follow(self, noun: str, request: Request, ours: Answer, theirs: Answer) -> None:
        """Note what has come or gone on both sides."""
        if request.method == "POST":
            self.names.learn(noun, ours.json.get(noun), theirs.json.get(noun))
            told = request.body.get(noun) if isinstance(request.body, dict) else None
            if noun == "port" and isinstance(told, dict) and told.get("tags"):
                made = f"ports/{theirs.json[noun]['id']}/tags"  # Neutron leaves them out
                self.sides[1].send("admin", "PUT", made, {"tags": told["tags"]})
        elif request.method == "DELETE" and "/tags" not in request.path:
            self.names.forget(request.path.rpartition("/")[2])

    def undo(self, noun: str, request: Request, ours: Answer, theirs: Answer) -> None:
        """Where one side has done something and the other has not, let both have the same."""
        row = request.path.split("/")[1].partition("?")[0] if "/" in request.path else ""
        done = [answer.status < 300 for answer in (ours, theirs)]
        if request.method == "POST":
            for side, answer in zip(self.sides, (ours, theirs), strict=True):
                made = answer.json.get(noun) if isinstance(answer.json, dict) else None
                if answer.status == 201 and isinstance(made, dict):
                    side.send("admin", "DELETE", f"{many(noun)}/{made['id']}")
        elif any(done) and request.path.endswith("add_router_interface"):
            path = request.path.replace("add_router", "remove_router")
            self.send(Request("admin", "PUT", path, request.body))
        elif any(done) and request.method in ("PUT", "DELETE"):
            self.send(Request("admin", "DELETE", f"{many(noun)}/{row}"))
            self.names.forget(row)

    def clean(self) -> None:
        """Delete what was made."""
        made = [name for name in self.names.ids if not name.startswith(("<project", "<nowhere"))]
        for noun in IN_ORDER:
            for name in [name for name in made if name.startswith(f"<{noun} ")]:
                if noun == "router":
                    self.empty_router(name)
                self.send(Request("admin", "DELETE", f"{many(noun)}/{name}"))

    def empty_router(self, name: str) -> None:
        self.send(Request("admin", "PUT", f"routers/{name}", {"router": {"routes": []}}))
        for side, row_id in zip(self.sides, self.names.ids[name], strict=True):
            ports = side.send("admin", "GET", f"ports?device_id={row_id}").json["ports"]
            for port in ports:
                body = {"port_id": port["id"]}
                side.send("admin", "PUT", f"routers/{row_id}/remove_router_interface", body)


def repairs(noun: str, request: Request) -> Iterator[Callable[[Request], Request]]:
    """Each leaves out what may be a fault: who asks, all keys of a change, a key that the thing can
    do without, or an entry of a list.
    """
    if request.who != "admin":
        yield lambda asked: dataclasses.replace(asked, who="admin")
    if request.method == "PUT" and isinstance(request.body, dict):
        yield lambda asked: dataclasses.replace(asked, body={noun: {}})
    if isinstance(request.body, dict) and "tags" in request.body:
        yield lambda asked: dataclasses.replace(asked, body={"tags": []})
    told = request.body.get(noun) if isinstance(request.body, dict) else None
    if not isinstance(told, dict):
        return
    needed = NEEDED.get(noun, {}) if request.method == "POST" else {}
    for key, value in told.items():
        if key not in needed:
            yield functools.partial(_without, noun, key)
        if isinstance(value, list) and len(value) > 1:
            for number in range(len(value)):
                less = [*value[:number], *value[number + 1 :]]
                yield functools.partial(_without, noun, key, less=less)


def _without(noun: str, key: str, request: Request, less: list[Any] | None = None) -> Request:
    told = {name: value for name, value in request.body.get(noun, {}).items() if name != key}
    return dataclasses.replace(request, body={noun: told if less is None else {**told, key: less}})


def main() -> int:
    parser = make_parser("network", __doc__, count=1000, shown=60)
    parser.add_argument("--identity", default="http://127.0.0.1:8833/v3")
    parser.add_argument("--neutron", default="http://127.0.0.1:8834")
    parser.add_argument("--their-password", default="admin", help="of the user admin there")
    asked = parser.parse_args()
    salt = make_salt()
    ours = Side(f"{asked.ours}/identity/v3", f"{asked.ours}/network", asked.our_password, salt)
    theirs = Side(asked.identity, asked.neutron, asked.their_password, salt)
    trial = Trial(ours, theirs, asked.seed)
    trial.prepare(asked.seed)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            trial.run(asked.count)
    finally:
        with contextlib.suppress(KeyboardInterrupt):
            trial.clean()
    return trial.tally.show(trial.number, asked.shown, asked.samples)


if __name__ == "__main__":
    sys.exit(main())
