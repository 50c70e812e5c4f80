"""Turns constraint violations that a concurrent request has caused into 409 answers.

Foreign keys are checked when a transaction ends. By then, what the request found may be deleted, or
what it deletes may be in use. The transaction is rolled back; a client that tries again gets the
ordinary answer for what is missing.
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
    """Another request deleted what this one needs, or began to use what this one deletes."""

    code = "deleted_meanwhile"


class MadeMeanwhile(Conflict):
    """Another request made the same thing at the same time."""

    code = "made_meanwhile"


def is_duplicate(error: IntegrityError) -> bool:
    """Is this a violation of a unique constraint, and not of a foreign key?"""
    return isinstance(error.__cause__, UniqueViolation)


def as_conflict(error: Exception) -> Conflict | None:
    """The error for the client; ``None`` where no other request can be the cause."""
    if isinstance(error, ObjectDoesNotExist):  # a row that was found before was read again
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
    """The model that a foreign key points to, in words. Django ends the names of such constraints
    with the table and column.
    """
    for model in apps.get_models():
        options = model._meta  # noqa: SLF001 - Django's public model API
        if constraint.endswith(f"_fk_{options.db_table}_{options.pk.column}"):
            return str(options.verbose_name)
    return "thing"
