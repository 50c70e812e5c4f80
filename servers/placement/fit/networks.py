"""Are a guest's networks near the cells it would lie on? (hosts whose virtual switch has cells)"""

from __future__ import annotations

from collections.abc import Iterable

from servers.placement.fit.demand import GuestDemand
from servers.placement.fit.guest import NoFit
from servers.placement.fit.topology import HostCell


def check_networks(
    cells: Iterable[HostCell], chosen: Iterable[HostCell], demand: GuestDemand
) -> None:
    """A network whose card is near some cells needs one of them; one without such a card does not
    matter.

    Raises:
        NoFit: a network is near other cells than those ``chosen``.
    """
    if not (demand.physnets or demand.tunneled):
        return
    there, near = tuple(cells), tuple(chosen)
    elsewhere = demand.physnets & _physnets(there) - _physnets(near)
    if elsewhere:
        raise NoFit(f"the physical networks {', '.join(sorted(elsewhere))} are near other cells")
    told = any(cell.tunneled for cell in there)
    if demand.tunneled and told and not any(cell.tunneled for cell in near):
        raise NoFit("the tunneled networks are near other cells")


def _physnets(cells: Iterable[HostCell]) -> frozenset[str]:
    return frozenset().union(*(cell.physnets for cell in cells))
