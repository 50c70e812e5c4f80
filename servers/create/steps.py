"""How the checks of a request are run: up to the first fault, or all that can be run.

A request to create servers is checked in steps that use what earlier ones found. ``until_fault``
runs a step and lets its fault end the request. ``Collected`` runs every step whose arguments are
known and remembers the faults of all; so one order of steps serves the real request and the trial.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeVar, cast

from compute_site.caller import PolicyRefused
from compute_site.faults import Fault

P = ParamSpec("P")
T = TypeVar("T")


class RunStep(Protocol):
    """Runs one step of a request."""

    def __call__(self, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T: ...


def until_fault(step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run the step; its fault is the request's."""
    return step(*args, **kwargs)


class Unknown:
    """What a step would have found that could not be run; so are all its attributes."""

    def __getattr__(self, name: str) -> Unknown:
        return self


UNKNOWN = Unknown()


class Collected:
    """Runs the steps whose arguments are known. ``faults`` are those of all steps, in the order in
    which the real request would meet them. Whoever may not do it is told nothing more.
    """

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def __call__(self, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self.is_forbidden or any(given is UNKNOWN for given in (*args, *kwargs.values())):
            return cast("T", UNKNOWN)
        try:
            return step(*args, **kwargs)
        except Fault as fault:
            self.faults.append(fault)
            return cast("T", UNKNOWN)

    @property
    def is_forbidden(self) -> bool:
        return any(isinstance(fault, PolicyRefused) for fault in self.faults)
