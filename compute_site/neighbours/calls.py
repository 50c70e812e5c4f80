"""Marks the calls of a protocol that change something by when they may run.

Calls that only read have no mark: they may run anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Call = TypeVar("Call", bound=Callable[..., Any])

WHEN = "when"
JOINS, OUTSIDE = "joins the transaction", "outside of transactions"


def joins_transaction(call: Call) -> Call:
    """The call may run inside our transaction, and is undone with it: it can refuse, and the client
    must be told so. Only a service in this database can do that; another one marks its own
    implementation as ``outside_transactions``, and a job takes back what came of the call if the
    transaction fails (``servers/holdings/reserve.py``).
    """
    return _marked(call, JOINS)


def outside_transactions(call: Call) -> Call:
    """The call never runs inside a transaction. It belongs to a job that was committed together
    with the change that needs it, and that is done again until the service has answered; so it must
    do no harm when it is repeated.
    """
    return _marked(call, OUTSIDE)


def runs_outside(call: Call) -> bool:
    """Does this implementation of a call run outside of our transactions? One whose protocol says
    that it joins them does so unless the implementation is marked otherwise.
    """
    return getattr(call, WHEN, JOINS) == OUTSIDE


def _marked(call: Call, when: str) -> Call:
    setattr(call, WHEN, when)
    return call
