"""The tags of a server. As long as nobody has begun to build it, its tags cannot be asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from django.db import transaction

from servers.errors import MalformedTag, NoSuchItem, NoSuchServer, TooManyTags
from servers.lifecycle.guard import SETTLED, check_state
from servers.models import Instance, Tag
from servers.models.tag import MOST_TAGS
from servers.read.find import is_order

LONGEST_TAG = 60


def read_tags(instance: Instance) -> list[str]:
    """All tags, sorted.

    Raises:
        NoSuchServer: Nova: the tags of a server that nobody has begun to build are 404.
    """
    if is_order(instance):
        raise NoSuchServer(str(instance.uuid))
    return list(Tag.objects.filter(instance=instance).order_by("tag").values_list("tag", flat=True))


def check_has_tag(instance: Instance, tag: str) -> None:
    """Raises ``NoSuchItem`` where the server does not have the tag."""
    if tag not in read_tags(instance):
        raise _no_such_tag(instance, tag)


def add_tag(instance: Instance, tag: str) -> bool:
    """One tag more; ``False``: the server had it already.

    Raises:
        WrongState: 409.
        MalformedTag: no tag looks like that.
        TooManyTags: the server has as many as it may. Nova: also if this tag is one of them.
    """
    check_state(instance, SETTLED, "change its tags")
    if not 0 < len(tag) <= LONGEST_TAG or set(tag) & set("/,\x00"):
        raise MalformedTag(f"{tag[:80]!r} is no tag: give 1 to 60 characters, none of them / or ,.")
    with _locked(instance):
        kept = read_tags(instance)
        if len(kept) >= MOST_TAGS:
            raise TooManyTags(f"The server {instance.uuid} has {MOST_TAGS} tags already.")
        if tag in kept:
            return False
        Tag.objects.create(instance=instance, tag=tag)
    return True


def replace_tags(instance: Instance, tags: Sequence[str]) -> list[str]:
    """Exactly these tags from now on, sorted; raises ``WrongState``."""
    check_state(instance, SETTLED, "change its tags")
    wanted = sorted(set(tags))
    with _locked(instance):
        Tag.objects.filter(instance=instance).delete()
        Tag.objects.bulk_create(Tag(instance=instance, tag=tag) for tag in wanted)
    return wanted


def remove_tag(instance: Instance, tag: str) -> None:
    """One tag less; raises ``WrongState``, and ``NoSuchItem`` where the server does not have it."""
    check_state(instance, SETTLED, "change its tags")
    removed, _ = Tag.objects.filter(instance=instance, tag=tag).delete()
    if not removed:
        raise _no_such_tag(instance, tag)


def remove_all_tags(instance: Instance) -> None:
    """No tags from now on; raises ``WrongState``."""
    check_state(instance, SETTLED, "change its tags")
    Tag.objects.filter(instance=instance).delete()


@contextlib.contextmanager
def _locked(instance: Instance) -> Iterator[None]:
    """Lock the server, so that requests that add or replace its tags wait for each other."""
    with transaction.atomic():
        living = Instance.objects.alive().filter(pk=instance.pk)
        if living.select_for_update(no_key=True).values_list("pk").first() is None:
            raise NoSuchServer(str(instance.uuid))
        yield


def _no_such_tag(instance: Instance, tag: str) -> NoSuchItem:
    return NoSuchItem(f"The server {instance.uuid} has no tag {tag[:60]!r}.")
