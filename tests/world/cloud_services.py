"""A Neutron and a Cinder in memory, as far as compute asks them, for the cloud on loopback."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.world.cast import ALPHA
from tests.world.elsewhere import Asked, Cloud, Told, cloud_elsewhere

Row = dict[str, Any]
CREATED = "2026-01-01T00:00:00.000000"


class Neighbours:
    """The networks, ports, volumes, attachments and snapshots of the cloud, by id."""

    def __init__(self, cloud: Cloud) -> None:
        self.networks: dict[str, Row] = {}
        self.ports: dict[str, Row] = {}
        self.volumes: dict[str, Row] = {}
        self.attachments: dict[str, Row] = {}
        self.snapshots: dict[str, Row] = {}
        self.slow = 0
        """How often a new volume is still being made when somebody looks."""
        self.writes_images: bool | None = True
        """Can images be written over volumes? ``None``: it is not even begun."""
        self.ends_moves = True
        """Can volumes in use be moved to their end?"""
        self.unbound_hosts: set[str] = set()
        self.second_bindings = False
        """Can a port be bound on another host while it is bound on one?"""
        self.bindings: dict[tuple[str, str], Row] = {}
        """The second ones, by port and host."""
        tell = cloud.tell
        cloud.tell = lambda asked: self.tell(asked) or tell(asked)  # type: ignore[method-assign]

    def tell(self, asked: Asked) -> Told | None:
        url = urlsplit(asked.path)
        words = [word for word in url.path.split("/") if word]
        if words[3:4] == ["bindings"] and self.second_bindings:
            return self._binding(asked, words[2], words[4:])
        if words[:1] == ["v2.0"]:
            return self._network(asked, words[1:], parse_qs(url.query))
        if words[:1] == ["v3"] and words[1:2] != ["auth"]:
            return self._volume(asked, words[1:], parse_qs(url.query))
        return None

    # networks

    def make_network(self) -> str:
        network_id = str(uuid.uuid4())
        self.networks[network_id] = {
            "id": network_id,
            "name": "private",
            "project_id": ALPHA,
            "shared": False,
            "router:external": False,
            "subnets": ["s"],
            "provider:network_type": "vxlan",
        }
        return network_id

    def make_port(self, network_id: str, **values: Any) -> str:
        return str(self._new_port({"network_id": network_id, "project_id": ALPHA, **values})["id"])

    def _new_port(self, values: Row) -> Row:
        number = len(self.ports) + 10
        port = {
            "id": str(uuid.uuid4()),
            "device_id": "",
            "device_owner": "",
            "binding:host_id": "",
            "mac_address": f"fa:16:3e:00:00:{number % 256:02x}",
            "fixed_ips": [{"subnet_id": "s", "ip_address": f"10.0.0.{number % 256}"}],
            "security_groups": [],
            "status": "DOWN",
            "created_at": CREATED,
            **values,
        }
        self.ports[port["id"]] = self._bound(port)
        return port

    def _bound(self, port: Row) -> Row:
        host = port["binding:host_id"]
        port["binding:vif_type"] = self._taken_by(host) if host else "unbound"
        return port

    def _taken_by(self, host: str) -> str:
        return "ovs" if host not in self.unbound_hosts else "binding_failed"

    def _network(self, asked: Asked, words: list[str], query: dict[str, list[str]]) -> Told:
        kind, rest = words[0], words[1:]
        if kind == "quotas":
            quota = {"port": {"limit": 100, "used": len(self.ports), "reserved": 0}}
            return Told(200, {"quota": quota})
        rows = {"networks": self.networks, "ports": self.ports}.get(kind, {})
        key = kind.replace("-", "_")
        if asked.method == "POST" and kind == "ports" and not rest:
            return Told(201, {key: [self._new_port(row) for row in asked.json[key]]})
        if not rest:
            return Told(200, {key: [row for row in rows.values() if _fits(row, query)]})
        if rest[0] not in rows or rest[1:]:
            return Told(404, {"NeutronError": {"type": "NotFound", "message": "not there"}})
        if asked.method == "DELETE":
            del rows[rest[0]]
            return Told(204)
        if asked.method == "PUT":
            rows[rest[0]].update(asked.json["port"])
            self._bound(rows[rest[0]])
        return Told(200, {key.removesuffix("s"): rows[rest[0]]})

    def _binding(self, asked: Asked, port_id: str, rest: list[str]) -> Told:
        if asked.method == "POST":
            binding = asked.json["binding"]
            if (port_id, binding["host"]) in self.bindings:
                return Told(409, {"NeutronError": {"type": "Exists", "message": "it is there"}})
            binding |= {"vif_type": self._taken_by(binding["host"])}
            self.bindings[port_id, binding["host"]] = binding
            return Told(201, {"binding": binding})
        if (port_id, rest[0]) not in self.bindings:
            return Told(404, {"NeutronError": {"type": "NotFound", "message": "not there"}})
        if asked.method == "PUT" and not rest[1:]:
            self.bindings[port_id, rest[0]] |= asked.json["binding"]
            return Told(200, {"binding": self.bindings[port_id, rest[0]]})
        port, binding = self.ports[port_id], self.bindings.pop((port_id, rest[0]))
        if asked.method == "PUT":
            old = {"host": port["binding:host_id"], "profile": port.get("binding:profile", {})}
            self.bindings[port_id, old["host"]] = old
            port |= {f"binding:{key}": binding[key] for key in ("profile", "vif_type")}
            port["binding:host_id"] = binding["host"]
        return Told(200, {"port_binding": binding})

    # volumes

    def make_volume(self, **values: Any) -> str:
        return str(self._new_volume({"size": 1, **values})["id"])

    def _new_volume(self, values: Row, status: str = "available") -> Row:
        volume = {
            "id": str(uuid.uuid4()),
            "name": "",
            "description": None,
            "status": status,
            "bootable": "true",
            "multiattach": False,
            "availability_zone": "nova",
            "volume_type": None,
            "metadata": {},
            "os-vol-tenant-attr:tenant_id": ALPHA,
            "looks": self.slow,
            **values,
        }
        self.volumes[volume["id"]] = volume
        return volume

    def _volume(self, asked: Asked, words: list[str], query: dict[str, list[str]]) -> Told:
        kind, rest = words[0], words[1:]
        answer: Callable[..., Told] = getattr(self, f"_{asked.method.lower()}_{kind}")
        return answer(asked, rest, query)

    def _show(self, volume: Row) -> Row:
        if volume["status"] == "creating":
            volume["looks"] -= 1
            if volume["looks"] < 0:
                volume["status"] = "available"
        elif volume["status"] == "downloading":
            shown = dict(volume)
            volume["status"] = "reserved" if self.writes_images else "error"
            return {**shown, "attachments": []}
        held = [
            {"attachment_id": one["id"], "server_id": one["instance"], "device": None}
            for one in self.attachments.values()
            if one["volume_id"] == volume["id"]
        ]
        return {**volume, "attachments": held}

    def _get_volumes(self, asked: Asked, rest: list[str], query: dict[str, list[str]]) -> Told:
        if rest[0] != "detail":
            volume = self.volumes.get(rest[0])
            missing = Told(404, {"itemNotFound": {"message": "no such volume"}})
            return Told(200, {"volume": self._show(volume)}) if volume else missing
        wanted = json.loads(query.get("metadata", ["{}"])[0].replace("'", '"'))
        found = [one for one in self.volumes.values() if wanted.items() <= one["metadata"].items()]
        return Told(200, {"volumes": [self._show(one) for one in found]})

    def _post_volumes(self, asked: Asked, rest: list[str], query: dict[str, list[str]]) -> Told:
        if not rest:
            return Told(202, {"volume": self._new_volume(asked.json["volume"], "creating")})
        volume = self.volumes[rest[0]]
        if rest[1:] == ["metadata"]:
            volume["metadata"].update(asked.json["metadata"])
            return Told(200, {"metadata": volume["metadata"]})
        [[action, values]] = asked.json.items()
        if action == "os-reimage":
            return self._reimage(volume, values["image_id"])
        if action == "os-migrate_volume_completion":
            return self._end_move(volume, values["new_volume"], failed=values["error"])
        status = {"os-begin_detaching": "detaching", "os-roll_detaching": "in-use"}[action]
        if not volume.get("migration_status"):  # else it shows nothing of this
            volume["status"] = status
        return Told(202)

    def _end_move(self, volume: Row, new_id: str, *, failed: bool) -> Told:
        """The old volume keeps its id, and gets what the new one has."""
        held = [one for one in self.attachments.values() if one["volume_id"] == volume["id"]]
        if new_id not in self.volumes:
            return Told(404, {"itemNotFound": {"message": "no such volume"}})
        if not self.ends_moves or (not failed and held):
            return Told(400, {"badRequest": {"message": f"it is {volume['status']}"}})
        del self.volumes[new_id]
        volume["status"] = "in-use"
        volume["migration_status"] = "error" if failed else "success"
        for entry in self.attachments.values():
            if entry["volume_id"] == new_id:
                entry["volume_id"] = volume["id"]
        return Told(200, {"save_volume_id": volume["id"]})

    def _reimage(self, volume: Row, image_id: str) -> Told:
        """The image is there when somebody has looked once."""
        held = [one for one in self.attachments.values() if one["volume_id"] == volume["id"]]
        if self.writes_images is None or volume["status"] != "reserved" or len(held) > 1:
            return Told(409, {"conflictingRequest": {"message": f"it is {volume['status']}"}})
        volume["status"], volume["image"] = "downloading", image_id
        return Told(202)

    def _delete_volumes(self, asked: Asked, rest: list[str], query: dict[str, list[str]]) -> Told:
        volume = self.volumes[rest[0]]
        if rest[1:]:
            del volume["metadata"][rest[2]]
        elif volume["status"] != "available":
            return Told(400, {"badRequest": {"message": f"it is {volume['status']}"}})
        else:
            del self.volumes[rest[0]]
        return Told(202)

    def _get_attachments(self, asked: Asked, rest: list[str], query: dict[str, list[str]]) -> Told:
        wanted = {"instance": query.get("instance_id"), "volume_id": query.get("volume_id")}
        filters = {name: values for name, values in wanted.items() if values}
        found = [one for one in self.attachments.values() if _fits(one, filters)]
        return Told(200, {"attachments": found})

    def _post_attachments(self, asked: Asked, rest: list[str], query: dict[str, list[str]]) -> Told:
        if rest:
            entry = self.attachments[rest[0]]
            entry["status"] = "attached"
            self.volumes[entry["volume_id"]]["status"] = "in-use"
            return Told(204)
        asked_for = asked.json["attachment"]
        volume = self.volumes[asked_for["volume_uuid"]]
        own = [one for one in self.attachments.values() if one["volume_id"] == volume["id"]]
        again = any(one["instance"] == asked_for["instance_uuid"] for one in own)
        if volume["status"] != "available" and not again:
            return Told(400, {"badRequest": {"message": f"it is {volume['status']}"}})
        if not own:
            volume["status"] = "reserved"
        entry = {
            "id": str(uuid.uuid4()),
            "volume_id": volume["id"],
            "instance": asked_for["instance_uuid"],
            "status": "reserved",
        }
        self.attachments[entry["id"]] = entry
        return Told(200, {"attachment": entry})

    def _put_attachments(self, asked: Asked, rest: list[str], query: dict[str, list[str]]) -> Told:
        self.attachments[rest[0]]["status"] = "attaching"
        return Told(200, {"attachment": self.attachments[rest[0]]})

    def _delete_attachments(
        self, asked: Asked, rest: list[str], query: dict[str, list[str]]
    ) -> Told:
        entry = self.attachments.pop(rest[0], None)
        if entry is None:
            return Told(404, {"itemNotFound": {"message": "no such attachment"}})
        left = [
            one["status"]
            for one in self.attachments.values()
            if one["volume_id"] == entry["volume_id"]
        ]
        status = "in-use" if "attached" in left else "reserved" if left else "available"
        self.volumes[entry["volume_id"]]["status"] = status
        return Told(200, {"attachments": []})

    def _get_snapshots(self, asked: Asked, rest: list[str], query: dict[str, list[str]]) -> Told:
        wanted = {"volume_id": query["volume_id"]}
        found = [one for one in self.snapshots.values() if _fits(one, wanted)]
        return Told(200, {"snapshots": found})

    def _post_snapshots(self, asked: Asked, rest: list[str], query: dict[str, list[str]]) -> Told:
        snapshot = {"id": str(uuid.uuid4()), "status": "available", **asked.json["snapshot"]}
        self.snapshots[snapshot["id"]] = snapshot
        return Told(202, {"snapshot": snapshot})

    def _delete_snapshots(self, asked: Asked, rest: list[str], query: dict[str, list[str]]) -> Told:
        del self.snapshots[rest[0]]
        return Told(202)


def _fits(row: Row, query: dict[str, list[str]]) -> bool:
    return all(_is_among(row, name, values) for name, values in query.items())


def _is_among(row: Row, name: str, values: list[str]) -> bool:
    return name not in row or str(row[name]) in values


@contextlib.contextmanager
def neighbours_elsewhere() -> Iterator[Neighbours]:
    """The networks and volumes of this site are those of such a cloud."""
    with cloud_elsewhere(
        image_service="compute_site.neighbours.image.local",
        network_service="compute_site.neighbours.network.openstack",
        volume_service="compute_site.neighbours.volume.openstack",
    ) as cloud:
        yield Neighbours(cloud)
