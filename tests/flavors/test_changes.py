"""Changes of flavors at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from flavors.changes import FlavorOrder, create_flavor, remove_extra_spec, set_extra_specs
from flavors.errors import FlavorExists
from flavors.models import Flavor
from tests.world.factories import make_flavor


def at_once(*works: Callable[[], object]) -> list[BaseException]:
    """Run each in a thread, all starting together; return what they raised."""
    start, raised = threading.Barrier(len(works)), []

    def run(work: Callable[[], object]) -> None:
        start.wait(timeout=20)
        try:
            work()
        except FlavorExists as error:
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return raised


@pytest.mark.django_db(transaction=True)
def test_changes_of_extra_specs_at_once_lose_nothing() -> None:
    flavor = make_flavor(extra_specs={"gone": "x"})
    copies = [Flavor.objects.get(pk=flavor.pk) for _ in range(5)]
    at_once(
        *(
            lambda copy=copy, number=number: set_extra_specs(copy, {f"n{number}": "1"})
            for number, copy in enumerate(copies[1:])
        ),
        lambda: remove_extra_spec(copies[0], "gone"),
    )
    flavor.refresh_from_db()
    assert flavor.extra_specs == {f"n{number}": "1" for number in range(4)}


@pytest.mark.django_db(transaction=True)
def test_of_two_flavors_with_one_name_at_once_one_is_made() -> None:
    order = FlavorOrder(name="same", memory_mb=1, vcpus=1, root_gb=0)
    raised = at_once(lambda: create_flavor(order), lambda: create_flavor(order))
    assert len(raised) == 1
    assert Flavor.objects.filter(name="same").count() == 1
