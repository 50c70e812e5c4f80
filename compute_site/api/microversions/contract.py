"""Describes one method of a view, for the OpenAPI documents and the browsable pages."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from compute_site.api.microversions.answers import AnswerSerializer
from compute_site.api.microversions.fields import Schema
from compute_site.api.microversions.serializers import QuerySerializer, VersionedSerializer
from compute_site.api.microversions.version import Microversion

Answer = type[AnswerSerializer] | list[type[AnswerSerializer]] | Schema
ALWAYS = (400, 401, 404, 406)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One method of a URL. ``answer`` maps the outer keys of the answer to their types:
    ``{"flavor": FlavorAnswer}``, ``{"flavors": [FlavorAnswer]}`` or a JSON schema.
    """

    summary: str
    since: str = "2.1"
    """The first microversion that knows the method, where it is younger than its URL."""
    body: type[VersionedSerializer] | None = None
    query: type[QuerySerializer] | None = None
    answer: Mapping[str, Answer] | None = None
    other_answer: Mapping[str, Answer] | None = None
    """A second form of a good answer, if there is one."""
    media_type: str | None = None
    """That of an answer that is a text and no JSON."""
    status: int = 200
    silent_since: str | None = None
    """From this microversion on a good answer is 202 without a body."""
    partial_status: int | None = None
    """Where parts of a request may fail: the status of an answer that tells which."""
    faults: tuple[int, ...] = (403,)
    """Statuses of errors beside 400, 401, 404 and 406."""
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    """Headers of a good answer, with a line on each."""
    example: Any = None
    """A body to begin with on the pages for people: it succeeds in the cloud of the quickstart."""
    later_examples: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """The same from these microversions on, in their order."""

    def example_at(self, version: Microversion) -> Any:
        """The example for this version; ``None`` if there is none."""
        since = [one for one in self.later_examples if Microversion.parse(one) <= version]
        return self.later_examples[since[-1]] if since else self.example

    def silent_at(self, version: Microversion) -> bool:
        """Does a successful answer have no body at this version?"""
        return self.silent_since is not None and version >= Microversion.parse(self.silent_since)
