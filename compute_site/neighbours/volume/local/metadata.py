"""Changes of the metadata of volumes and snapshots, and of what volumes know of their image."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.db import transaction

from compute_site.caller import Caller
from compute_site.faults import BadRequest
from compute_site.neighbours.ownership import permit_on
from compute_site.neighbours.volume.local.locking import lock_row
from compute_site.neighbours.volume.models import Snapshot, Volume
from compute_site.values.keys import MOST_ITEMS

Items = Mapping[str, str]


@transaction.atomic
def change_metadata(
    caller: Caller,
    rule: str,
    row: Volume | Snapshot,
    change: Callable[[Items], dict[str, str]],
    column: str = "metadata",
) -> dict[str, str]:
    """Replace the items by what ``change`` returns for the present ones; return them. Concurrent
    changes wait.

    Raises:
        NotFound: the row has been deleted meanwhile.
    """
    permit_on(caller, rule, row.project_id)
    noun = "volume" if isinstance(row, Volume) else "snapshot"
    locked = lock_row(type(row).objects.all(), row.pk, noun)
    changed = change(getattr(locked, column))
    if len(changed) > MOST_ITEMS:
        raise BadRequest(f"There are at most {MOST_ITEMS} items.", field=column)
    setattr(locked, column, changed)
    locked.save(update_fields=[column])
    return changed
