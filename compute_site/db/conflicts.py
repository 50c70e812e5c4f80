"""Requests that met: what the database refuses because of another request is a conflict, and no
error of ours.

Foreign keys are checked when a transaction ends, so that whatever a request found may be gone by
then, and what it deletes may be in use. Nothing is written, and who tries again is told what is
missing as if it had been gone before.
"""

from __future__ import annotations

import logging

from django.apps import apps
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError
from psycopg.errors import ForeignKeyViolation, UniqueViolation

from compute_site.faults import Conflict

logger = logging.getLogger(__name__)

CONFLICTS = (ForeignKeyViolation, UniqueViolation)


class DeletedMeanwhile(Conflict):
    """What the request needs was deleted while it ran, or what it deletes is used since then."""

    code = "deleted_meanwhile"


class MadeMeanwhile(Conflict):
    """Another request made the same thing at the same time."""

    code = "made_meanwhile"


def is_duplicate(error: IntegrityError) -> bool:
    """Does something of that name exist already? Otherwise what it would belong to is gone."""
    return isinstance(error.__cause__, UniqueViolation)


def as_conflict(error: Exception) -> Conflict | None:
    """What the client is told; ``None`` where no other request can be the cause."""
    if isinstance(error, ObjectDoesNotExist):  # what was found has been read again
        logger.warning("two requests met: %s", error, exc_info=error)
        return DeletedMeanwhile(
            "Another request deleted what this one is about, or needs. Try again, and it will say "
            "what is missing."
        )
    cause = error.__cause__
    if not isinstance(error, IntegrityError) or not isinstance(cause, CONFLICTS):
        return None
    logger.warning("two requests met: %s", cause)
    if isinstance(cause, UniqueViolation):
        return MadeMeanwhile("Another request made the same thing at the same moment; look again.")
    noun = _noun_of(cause.diag.constraint_name or "")
    return DeletedMeanwhile(
        f"At the same moment another request deleted a {noun} that this one needs, or began to use "
        "one that this one deletes. Nothing was done; try again."
    )


def _noun_of(constraint: str) -> str:
    """Django ends the names of foreign keys with the table and column that they point to."""
    for model in apps.get_models():
        options = model._meta  # noqa: SLF001 - Django's public model API
        if constraint.endswith(f"_fk_{options.db_table}_{options.pk.column}"):
            return str(options.verbose_name)
    return "thing"
