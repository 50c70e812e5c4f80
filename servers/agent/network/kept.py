"""What the agent keeps of networks on disk: which NICs are plugged, and what the site has told."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from servers.agent.files import read_json, write_durably
from servers.agent.network.protocol import NetworkFailed
from servers.agent.network.rules import LARGEST_NUMBER
from servers.agent.network.state import Network


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PluggedPort:
    """``number`` stands for the port in filters, as long as it is plugged; ``nic`` is what was told
    of it when it was plugged.
    """

    port_id: str
    server_id: str
    network_id: str
    number: int
    nic: Mapping[str, Any]


class Kept:
    """Files below a folder: ``ports``, ``networks``, and ``guests`` with what these are told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("ports", "networks", "guests"):
            (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        self.ports = {
            str(value["port_id"]): PluggedPort(**value) for value in _values(folder / "ports")
        }
        known = _values(folder / "networks")
        self.told: dict[str, Mapping[str, Any]] = {
            str(one["told"]["id"]): one["told"] for one in known if one["told"]
        }
        self.zones: dict[str, int] = {str(one["id"]): int(one["zone"]) for one in known}

    # NICs

    def plug(self, server_id: str, nic: Mapping[str, Any]) -> None:
        port_id, network_id = str(nic["port_id"]), str(nic["network_id"])
        before = self.ports.get(port_id)
        number = before.number if before else _free(one.number for one in self.ports.values())
        port = PluggedPort(
            port_id=port_id,
            server_id=server_id,
            network_id=network_id,
            number=number,
            nic=dict(nic),
        )
        if port != before:
            write_durably(self.folder / "ports" / f"{port_id}.json", dataclasses.asdict(port))
        self.ports[port_id] = port
        self._zone(network_id)

    def unplug(self, port_id: str) -> None:
        self.ports.pop(port_id, None)
        (self.folder / "ports" / f"{port_id}.json").unlink(missing_ok=True)

    # networks

    def note_network(self, told: Mapping[str, Any]) -> None:
        network_id = str(told["id"])
        self.told[network_id] = told
        self._zone(network_id)
        self._write(network_id)

    def networks(self) -> dict[str, Network]:
        """Those that are needed, with the ports that are plugged."""
        return {network_id: self._network(network_id) for network_id in sorted(self.needed())}

    def needed(self) -> set[str]:
        """The networks of this host's guests, and those behind the routers of these."""
        wanted = {port.network_id for port in self.ports.values()}
        ways = list(wanted)
        while ways:
            for router in self.told.get(ways.pop(), {}).get("routers", ()):
                behind = {str(one["network_id"]) for one in router["interfaces"]}
                new = {one for one in behind if one in self.told} - wanted
                wanted |= new
                ways += new
        return wanted

    def drop_networks(self, wanted: Collection[str]) -> None:
        """Forget all but these."""
        for network_id in {*self.told, *self.zones} - set(wanted):
            self.told.pop(network_id, None)
            self.zones.pop(network_id, None)
            (self.folder / "networks" / f"{network_id}.json").unlink(missing_ok=True)

    def _network(self, network_id: str) -> Network:
        """What the site has told of it; where it has not yet, what its NICs tell."""
        plugged = {key: one for key, one in self.ports.items() if one.network_id == network_id}
        told = self.told.get(network_id) or _first_told(plugged.values())
        listed = {str(one["id"]): one for one in told.get("ports", ())}
        ports = [listed.get(key) or _port_of(one) for key, one in sorted(plugged.items())]
        places = {str(one["id"]): one for one in told.get("places", ())}
        for port in ports:
            places.setdefault(str(port["id"]), {**port, "host": ""})
        return Network.read({**told, "ports": ports, "places": list(places.values())})

    def _zone(self, network_id: str) -> None:
        if network_id not in self.zones:
            self.zones[network_id] = _free(self.zones.values())
            self._write(network_id)

    def _write(self, network_id: str) -> None:
        value = {
            "id": network_id,
            "zone": self.zones[network_id],
            "told": self.told.get(network_id),
        }
        write_durably(self.folder / "networks" / f"{network_id}.json", value)

    # guests

    def note_guest(self, server_id: str, told: Mapping[str, Any]) -> None:
        write_durably(self.folder / "guests" / f"{server_id}.json", told)

    def find_guest(self, server_id: str) -> Mapping[str, Any] | None:
        found = read_json(self.folder / "guests" / f"{server_id}.json")
        return found if isinstance(found, dict) else None

    def forget_guest(self, server_id: str) -> None:
        (self.folder / "guests" / f"{server_id}.json").unlink(missing_ok=True)


def _values(folder: Path) -> list[Any]:
    found = [read_json(path) for path in sorted(folder.glob("*.json"))]
    return [one for one in found if isinstance(one, dict)]


def _free(taken: Iterable[int]) -> int:
    """The least number from 1 on that is not taken."""
    held = set(taken)
    number = next(one for one in range(1, len(held) + 2) if one not in held)
    if number > LARGEST_NUMBER:
        raise NetworkFailed("this host has too many NICs")
    return number


def _first_told(ports: Iterable[PluggedPort]) -> dict[str, Any]:
    nics = [port.nic for port in ports]
    subnets = {str(subnet["id"]): subnet for nic in nics for subnet in nic["subnets"]}
    first = nics[0]
    return {
        "id": first["network_id"],
        "version": "",
        "mtu": first["mtu"],
        "network_type": first["network_type"],
        "segmentation_id": first["segmentation_id"],
        "physical_network": first.get("physical_network"),
        "subnets": list(subnets.values()),
    }


def _port_of(port: PluggedPort) -> dict[str, Any]:
    nic = port.nic
    return {
        "id": port.port_id,
        "server_id": port.server_id,
        "mac": nic["mac"],
        "addresses": [one for subnet in nic["subnets"] for one in subnet["addresses"]],
        "port_security": nic["port_security"],
        "rules": nic["rules"],
        "pairs": nic["address_pairs"],
    }
