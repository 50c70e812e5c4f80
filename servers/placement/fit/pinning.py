"""Which of a host's dedicated CPUs the CPUs of a guest's cell get (nova/virt/hardware.py)."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

from servers.hardware.numa import NumaCell
from servers.placement.fit.guest import NoFit
from servers.placement.fit.topology import HostCell

ISOLATE = "isolate"
REQUIRE = "require"

Core = Sequence[int]
"""The free threads of one core, in order."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pinning:
    cpus: Mapping[int, int]
    """The host's CPU of each guest's CPU."""
    emulator_cpus: frozenset[int] = frozenset()
    idle_cpus: frozenset[int] = frozenset()


def pin_cpus(host: HostCell, guest: NumaCell, *, emulator: bool) -> Pinning:
    """Give each dedicated CPU of the guest's cell one of the host's cell, and with ``emulator`` one
    more to the emulator's threads.

    Raises:
        NoFit: too few are free, or their cores cannot be used as the thread policy asks.
    """
    _check_count(host, guest, emulator=emulator)
    if guest.thread_policy == ISOLATE:
        return _isolate(host, guest, emulator=emulator)
    return _pack(host, guest, emulator=emulator)


def _check_count(host: HostCell, guest: NumaCell, *, emulator: bool) -> None:
    needed = len(guest.dedicated_cpus) + emulator
    free = len(host.free_cpus)
    if needed > free:
        raise NoFit(f"{_describe_need(needed, emulator=emulator)}, free: {free}")
    if not (guest.cpus or guest.dedicated_cpus):
        # Nova: only guests without dedicated CPUs have cells that are memory alone.
        raise NoFit("a cell of a guest with dedicated CPUs needs a CPU")
    if emulator and not guest.dedicated_cpus:
        # Nova: the emulator's threads lie beside the dedicated CPUs of the guest's first cell.
        raise NoFit(
            "the emulator's threads are isolated, but the guest's first cell has no dedicated CPU"
        )


def _pack(host: HostCell, guest: NumaCell, *, emulator: bool) -> Pinning:
    """The policies ``prefer`` (and none) and ``require``."""
    cores = host.cores
    required = guest.thread_policy == REQUIRE
    if required and not splits_cores(cores):
        raise NoFit("its cores have one thread each, and the guest requires several")
    free = host.free_cpus
    free_cores = [sorted(threads) for core in cores if (threads := core & free)]
    needed = sorted(guest.dedicated_cpus)
    for chosen in _packings(free_cores, len(needed), required=required):
        taken = frozenset(chosen)
        left = [cpu for core in free_cores for cpu in core if cpu not in taken] if emulator else []
        if left or not emulator:
            return Pinning(
                cpus=dict(zip(needed, chosen, strict=True)), emulator_cpus=frozenset(left[:1])
            )
    raise NoFit(
        f"{_describe_need(len(needed) + emulator, emulator=emulator)} on cores with several free"
        f" threads, free: {len(free)} on {len(free_cores)} cores"
    )


def _packings(cores: Sequence[Core], count: int, *, required: bool) -> Iterator[Core]:
    """The choices of CPUs, best first: whole cores, then ever fewer threads of each core, at last
    (unless threads of the same core are ``required``) any free threads.
    """
    most = max(map(len, cores), default=0)
    for threads in range(most, 1 if required else 0, -1):
        wide = [core[:threads] for core in cores if len(core) >= threads]
        if threads * len(wide) >= count:
            yield list(itertools.chain.from_iterable(wide))[:count]
    if not required:
        yield list(itertools.chain.from_iterable(cores))[:count]


def _isolate(host: HostCell, guest: NumaCell, *, emulator: bool) -> Pinning:
    """One thread of a core that is free as a whole for each CPU; the other threads stay idle."""
    cores = host.cores
    # Nova: where dedicated CPUs are told apart from shared ones, only hosts with one thread to a
    # core isolate.
    if splits_cores(cores) and host.shared_cpus != host.dedicated_cpus:
        raise NoFit("its cores have several threads each, and the guest must have cores of one")
    needed = sorted(guest.dedicated_cpus)
    if not needed:
        raise NoFit("a guest with isolated CPUs needs dedicated ones in each of its cells")
    free = host.free_cpus
    whole = [core for core in cores if core <= free]
    threads = max(map(len, cores))
    chosen = [core for core in whole if len(core) == threads][: len(needed)]
    beside = [core for core in whole if core not in chosen][:1] if emulator else []
    if len(chosen) < len(needed) or len(beside) < emulator:
        raise NoFit(
            f"cores needed of which every thread is free: {len(needed) + emulator}, there:"
            f" {len(whole)}"
        )
    cpus = dict(zip(needed, map(min, chosen), strict=True))
    emulator_cpus = frozenset(map(min, beside))
    return Pinning(
        cpus=cpus,
        emulator_cpus=emulator_cpus,
        idle_cpus=frozenset().union(*chosen, *beside) - emulator_cpus - frozenset(cpus.values()),
    )


def splits_cores(cores: Iterable[frozenset[int]]) -> bool:
    """Are there several threads to a core?"""
    return any(len(core) > 1 for core in cores)


def _describe_need(count: int, *, emulator: bool) -> str:
    extra = " (one for the emulator's threads)" if emulator else ""
    return f"dedicated CPUs needed: {count}{extra}"
