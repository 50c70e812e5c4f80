"""The metadata of a server: what users keep with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.db import transaction

from compute_site.caller import Caller
from quotas.fit import check_limit
from quotas.limits import effective_limits
from servers.errors import NoSuchItem, NoSuchServer
from servers.lifecycle.guard import SETTLED, check_state, check_unlocked
from servers.models import Instance
from servers.read.find import is_order

Metadata = dict[str, str]
ITEMS = "metadata_items"


def read_metadata(instance: Instance) -> Metadata:
    """Nova: the list is empty as long as nobody has begun to build the server, though the server
    itself shows its metadata.
    """
    return {} if is_order(instance) else dict(instance.metadata)


def read_item(instance: Instance, key: str) -> str:
    """One value.

    Raises:
        NoSuchItem: the server has no such key.
    """
    try:
        return read_metadata(instance)[key]
    except KeyError:
        raise _no_such_item(instance, key) from None


def add_metadata(caller: Caller, instance: Instance, items: Mapping[str, str]) -> Metadata:
    """Add items or change them; all that the server has afterwards.

    Raises:
        ServerLocked, WrongState: 409.
        OverLimit: more items than the quota allows.
    """
    return _change(caller, instance, lambda kept: {**kept, **items})


def replace_metadata(caller: Caller, instance: Instance, items: Mapping[str, str]) -> Metadata:
    """Exactly these items from now on; raises as ``add_metadata``."""
    return _change(caller, instance, lambda _: dict(items))


def remove_item(caller: Caller, instance: Instance, key: str) -> None:
    """One item less; raises as ``add_metadata``, and ``NoSuchItem``."""
    read_item(instance, key)

    def without(kept: Metadata) -> Metadata:
        if key not in kept:
            raise _no_such_item(instance, key)
        return {name: value for name, value in kept.items() if name != key}

    _change(caller, instance, without)


def _change(caller: Caller, instance: Instance, change: Callable[[Metadata], Metadata]) -> Metadata:
    """Change the metadata of the locked row, so that concurrent changes lose nothing."""
    check_unlocked(caller, instance)
    check_state(instance, SETTLED, "change its metadata", idle=True)
    limits = effective_limits(caller.project_id, caller.user_id, [ITEMS])
    with transaction.atomic():
        living = Instance.objects.alive().filter(pk=instance.pk)
        kept = living.select_for_update(no_key=True).values_list("metadata", flat=True).first()
        if kept is None:
            raise NoSuchServer(str(instance.uuid))
        metadata = change(kept)
        check_limit(limits, ITEMS, len(metadata), field="metadata")
        living.update(metadata=metadata)
    return metadata


def _no_such_item(instance: Instance, key: str) -> NoSuchItem:
    return NoSuchItem(f"The server {instance.uuid} has no metadata item {key[:255]}.")
