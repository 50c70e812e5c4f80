"""Whether and how a guest fits on the NUMA cells and PCI devices of one host: pure rules, no
database, no HTTP.

``fit_on_host(host, demand)`` is the entry. The host is a ``HostTopology``: of a checked form
(``reading``), or of its own JSON form, which carries what guests use. The demand is read off the
columns of a request spec (``GuestDemand.from_json``). The answer is a ``GuestPlacement``, kept with
the server as JSON, or a ``Misfit`` with its reason. ``claim`` and ``give_back`` are the host with
the guest and without; ``claim_all`` is the host as it must be with the guests that it has.

Nothing here changes what it is given. Two who fit guests on one host at a time must agree who is
first: the later one claims on the host that the earlier one left, and ``CannotClaim`` tells that
its fit is out of date.
"""

from __future__ import annotations

from servers.placement.fit.demand import DeviceRequest, DeviceSpec, GuestDemand
from servers.placement.fit.devices import DeviceChoice
from servers.placement.fit.guest import ChosenDevices, GuestPlacement, Misfit, NoFit, PlacedCell
from servers.placement.fit.numa_fit import fit_numa
from servers.placement.fit.pci_device import PciDevice, free_devices
from servers.placement.fit.topology import HostCell, HostLimits, HostTopology, Pages
from servers.placement.fit.usage import CannotClaim, NotHeld, claim, claim_all, give_back

__all__ = [
    "CannotClaim",
    "ChosenDevices",
    "DeviceChoice",
    "DeviceRequest",
    "DeviceSpec",
    "GuestDemand",
    "GuestPlacement",
    "HostCell",
    "HostLimits",
    "HostTopology",
    "Misfit",
    "NoFit",
    "NotHeld",
    "Pages",
    "PciDevice",
    "PlacedCell",
    "claim",
    "claim_all",
    "fit_on_host",
    "free_devices",
    "give_back",
]


def fit_on_host(host: HostTopology, demand: GuestDemand) -> GuestPlacement | Misfit:
    """How the guest would lie on the host as it is now."""
    try:
        if demand.numa is not None:
            return fit_numa(host, demand, demand.numa)
        return GuestPlacement(devices=DeviceChoice(host, demand.devices).choose(None))
    except NoFit as error:
        return Misfit(_sentence(str(error)))


def _sentence(reason: str) -> str:
    return f"{reason[0].upper()}{reason[1:]}."
