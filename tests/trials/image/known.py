"""Why some answers differ; docs/services.md names what a client may notice."""

from __future__ import annotations

import re

from tests.trials.image.sides import Request
from tests.trials.reasons import Statuses, Test, by
from tests.trials.service import Answer


def _sends(text: str, ours: Statuses, theirs: Statuses) -> Test:
    """Requests with a body that has the text, and with these statuses."""
    alike = by("", ours, theirs)

    def holds(request: Request, our_answer: Answer, their_answer: Answer) -> bool:
        return text in str(request.body) and alike(request, our_answer, their_answer)

    return holds


def _faults(request: Request, ours: Answer, theirs: Answer) -> bool:
    """Are both refused?"""
    refused = (400, 403, 404, 409, 413, 415)
    return ours.status in refused and theirs.status in refused


def _has_no_size(request: Request, ours: Answer, theirs: Answer) -> bool:
    return re.search("sort(_key)?=size", request.path) is not None


def _by_id(request: Request, ours: Answer, theirs: Answer) -> bool:
    return "sort_key=id" in request.path


def _has_no_name(request: Request, ours: Answer, theirs: Answer) -> bool:
    return isinstance(theirs.json, dict) and "" in theirs.json


def _short_page(request: Request, ours: Answer, theirs: Answer) -> bool:
    return re.search(r"limit=[0-9]\b", request.path) is not None and ours.status == 200


KNOWN: tuple[tuple[str, Test], ...] = (
    ("Glance breaks (500)", by("", None, 500)),
    ("members' ids have at most 255 characters", by("images/.*/members", 400, 200)),
    ("a marker that is not to be seen is as unknown as any", by(r"images\?", 400, 403)),
    ("a property has a name", _sends("'path': '/'", 400, 200)),
    ("a property has a name", _has_no_name),
    ("texts know the operator in alone", by(r"images\?.*=eq", 400, 200)),
    ("what a namespace has is changed below it", by("metadefs/namespaces/", 400, 200, "PUT")),
    ("lists by id: ids are random", _by_id),
    ("each side has images of its own on short pages", _short_page),
    ("what has no size counts as the largest", _has_no_size),
    ("who may not change an image may not change nothing either", _sends("[]", 403, 200)),
    ("of several faults another one is told", _faults),
)
"""In this order, the first that holds counts."""
