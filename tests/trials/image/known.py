"""Why some answers differ; docs/services.md names what a client may notice."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from tests.trials.image.sides import Request
from tests.trials.reasons import Statuses, Test, by
from tests.trials.service import JSON, Answer

PAGE = 1000
"""The most images that both show at once."""


def _sends(text: str, ours: Statuses, theirs: Statuses) -> Test:
    """Requests with a body that has the text, and with these statuses."""
    alike = by("", ours, theirs)

    def holds(request: Request, our_answer: Answer, their_answer: Answer) -> bool:
        return text in str(request.body) and alike(request, our_answer, their_answer)

    return holds


def _has_body(request: Request) -> bool:
    return request.method in ("POST", "PUT", "PATCH") or "?" in request.path


def _names_nothing(request: Request) -> bool:
    """What it names is nowhere, or hidden from who asks."""
    nowhere = re.search(r"{unknown}|no-uuid|nowhere|bogus|/x{255}|/p$|/o$|/a$|/new", request.path)
    private = re.search(r"{image[0234]}", request.path) and request.who == "other"
    return bool(nowhere or private) or "/members" in request.path


READ_ONLY = "os_glance|locations|stores|[/'](id|(virtual_)?size|status|checksum|created_at)'"


def _lacks_right(request: Request) -> bool:
    """Those of others are not changed; admins alone make definitions, and what is public."""
    wanted = str(request.body)
    return (
        request.who == "other"
        or (request.who == "demo" and request.path.startswith("metadefs"))
        or (request.who != "admin" and re.search("public|owner|project_other", wanted) is not None)
        or re.search(r"{image3}|/members", request.path) is not None  # protected, of others
        or re.search(READ_ONLY, wanted) is not None
    )


FAULTS: Mapping[int, Callable[[Request], bool]] = {
    400: _has_body,
    403: _lacks_right,
    404: _names_nothing,
    409: lambda request: request.kind in ("data", "image", "metadef"),
    413: lambda request: "x" * 255 in f"{request.path} {request.body}",
    415: lambda request: request.media != JSON or request.method == "PATCH",
}
"""What makes a request faulty, by the status that tells of it."""


def _faults(request: Request, ours: Answer, theirs: Answer) -> bool:
    """Is it faulty in the way that each of the two tells of?"""
    told = (ours.status, theirs.status)
    return told[0] != told[1] and all(
        status in FAULTS and FAULTS[status](request) for status in told
    )


def _has_no_size(request: Request, ours: Answer, theirs: Answer) -> bool:
    return re.search("sort(_key)?=size", request.path) is not None


def _by_id(request: Request, ours: Answer, theirs: Answer) -> bool:
    return "sort_key=id" in request.path


def _has_no_name(request: Request, ours: Answer, theirs: Answer) -> bool:
    return isinstance(theirs.json, dict) and "" in theirs.json


def _short_page(request: Request, ours: Answer, theirs: Answer) -> bool:
    return re.search(r"limit=[0-9]\b", request.path) is not None and ours.status == 200


def _full_page(request: Request, ours: Answer, theirs: Answer) -> bool:
    """Of images that earlier trials have left, too."""
    both = ours.status == theirs.status == 200 and request.path.startswith("images?")
    return both and any(len(answer.json["images"]) == PAGE for answer in (ours, theirs))


KNOWN: tuple[tuple[str, Test], ...] = (
    ("Glance breaks (500)", by("", None, 500)),
    ("members' ids have at most 255 characters", by("images/.*/members", 400, 200)),
    ("a marker that is not to be seen is as unknown as any", by(r"images\?", 400, 403)),
    ("there is no cache", by("cache", 404, 403)),
    ("data are not copied between stores", _sends("copy-image", 400, (202, 403, 409))),
    ("a property has a name", _sends("'path': '/'", 400, 200)),
    ("a property has a name", _has_no_name),
    ("texts know the operator in alone", by(r"images\?.*=eq", 400, 200)),
    ("what a namespace has is changed below it", by("metadefs/namespaces/", 400, 200, "PUT")),
    ("lists by id: ids are random", _by_id),
    ("each side has images of its own on short pages", _short_page),
    ("each side has images of its own on full pages", _full_page),
    ("what has no size counts as the largest", _has_no_size),
    ("who may not change an image may not change nothing either", _sends("[]", 403, 200)),
    ("of several faults another one is told", _faults),
)
"""In this order, the first that holds counts."""
