"""Marks the calls of a protocol that change something by when they may run.

Calls that only read have no mark: they may run anywhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

Call = TypeVar("Call", bound=Callable[..., Any])

WHEN = "when"
JOINS, OUTSIDE = "joins the transaction", "outside of transactions"
EITHER = "joins the transaction, or comes before it"


def joins_transaction(call: Call) -> Call:
    """The call runs inside our transaction, and is undone with it: it can refuse, and the client
    must be told so. Only a service in this database can do that; one elsewhere is not taken
    (``check_service``).
    """
    return _marked(call, JOINS)


def joins_or_precedes(call: Call) -> Call:
    """As ``joins_transaction`` of a service in this database. One elsewhere marks its
    implementation as ``outside_transactions``: it is asked before our transaction begins, and a job
    takes back what came of it if the transaction fails (``servers/holdings/ask_first.py``).
    """
    return _marked(call, EITHER)


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


def around(call: Callable[..., Any]) -> contextlib.AbstractContextManager[Any]:
    """What such a call is made in that nothing else of ours goes along with: a transaction, unless
    it runs outside of them.
    """
    return contextlib.nullcontext() if runs_outside(call) else transaction.atomic()


class CannotJoin(ImproperlyConfigured):
    """A service cannot make calls in our transactions that have to be made there."""


def check_service(protocol: type, service: ModuleType) -> None:
    """See that every call that has to join our transactions does.

    Raises:
        CannotJoin: some run outside, so that they would not be undone with the transaction.
    """
    outside = [
        name
        for name in dir(protocol)
        if getattr(getattr(protocol, name), WHEN, None) == JOINS
        and runs_outside(getattr(service, name))
    ]
    if outside:
        raise CannotJoin(
            f"{service.__name__} runs outside of transactions what has to join them: "
            f"{', '.join(outside)}. Only a service in this database can be used."
        )


def _marked(call: Call, when: str) -> Call:
    setattr(call, WHEN, when)
    return call
