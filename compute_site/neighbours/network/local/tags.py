"""Tags of things of the network service: short texts, each once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from django.db import transaction

from compute_site.caller import Caller
from compute_site.faults import BadRequest, NotFound
from compute_site.neighbours.network.local.rights import permit
from compute_site.neighbours.network.models import Described, Subnet
from compute_site.values.keys import WrongValue, filled_text, list_of, up_to

LONGEST_TAG = 255
MOST_TAGS = 50
_read_texts = list_of(up_to(LONGEST_TAG, filled_text), most=MOST_TAGS)

Row = TypeVar("Row", bound=Described)


def read_tags(value: object) -> list[str]:
    """Short texts, not too many, each once."""
    found = list(_read_texts(value))
    if len(set(found)) < len(found):
        raise WrongValue("a tag is named twice")
    return found


def set_tags(caller: Caller, row: Described, rule: str, wanted: Sequence[str]) -> list[str]:
    """Give the row exactly these tags; return them. ``rule`` is the one that must be granted.

    Raises:
        PolicyRefused: it is not.
        BadRequest: one is no short text, or they are too many.
    """
    return _change_tags(caller, row, rule, lambda _: wanted)


def add_tags(caller: Caller, row: Described, rule: str, more: Sequence[str]) -> None:
    """Give the row these tags as well; raises as ``set_tags``."""
    _change_tags(caller, row, rule, lambda kept: [*kept, *more])


def remove_tag(caller: Caller, row: Described, rule: str, tag: str) -> None:
    """Take one tag off the row; raises as ``set_tags``.

    Raises:
        NotFound: it is not on it.
    """

    def change(kept: list[str]) -> list[str]:
        check_tagged(kept, tag)
        return [other for other in kept if other != tag]

    _change_tags(caller, row, rule, change)


def check_tagged(tags: list[str], tag: str) -> None:
    """Raises: NotFound: the tag is none of them."""
    if tag not in tags:
        raise NotFound(f"There is no tag {tag[:LONGEST_TAG]} on it.")


@transaction.atomic
def _change_tags(
    caller: Caller, row: Described, rule: str, change: Callable[[list[str]], Sequence[str]]
) -> list[str]:
    """Replace the tags by what ``change`` gives for the present ones. Concurrent changes wait."""
    network = row.network if isinstance(row, Subnet) else None
    permit(caller, rule, row.project_id, network)  # type: ignore[attr-defined] # every kind has one
    locked = _lock(row)
    try:
        tags = read_tags(sorted(set(change(locked.tags))))
    except WrongValue as error:
        raise BadRequest(f"tags: {error}", field="tags") from None
    locked.tags = tags
    locked.save(update_fields=["tags"])
    locked.note_change()
    return tags


def _lock(row: Row) -> Row:
    rows = type(row)._base_manager.select_for_update(no_key=True)  # noqa: SLF001
    locked: Row = rows.get(pk=row.pk)
    return locked
