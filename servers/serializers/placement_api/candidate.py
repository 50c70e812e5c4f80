"""``GET /allocation_candidates``: the query string and the answer."""

from __future__ import annotations

import dataclasses
import re
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from compute_site.api.microversions.answers import INTEGER, OBJECT, TEXT_OR_NULL, TEXTS
from compute_site.api.microversions.fields import Refused, Schema
from compute_site.api.microversions.version import Microversion
from compute_site.faults import BadRequest
from compute_site.values.words import is_uuid
from servers.placement.resources.candidates import (
    Candidate,
    CandidateRequest,
    Candidates,
    RequestGroup,
    Summary,
)
from servers.serializers.placement_api.fields import map_of, object_of
from servers.serializers.placement_api.filters import read_amounts, read_member_of, read_traits

AS_MAP = Microversion.parse("1.12")
TRAITS = Microversion.parse("1.17")
GROUPS = Microversion.parse("1.25")
ALL_RESOURCES = Microversion.parse("1.27")
NESTED = Microversion.parse("1.29")
WORD_SUFFIXES = Microversion.parse("1.33")
MAPPINGS = Microversion.parse("1.34")
SUBTREES = Microversion.parse("1.36")
FORBIDDEN = Microversion.parse("1.22")
PARAMETERS = {
    "resources": "1.10",
    "limit": "1.16",
    "required": "1.17",
    "member_of": "1.21",
    "group_policy": "1.25",
    "in_tree": "1.31",
    "root_required": "1.35",
    "same_subtree": "1.36",
}
"""The microversion from which each is known."""
OF_GROUPS = ("resources", "required", "member_of", "in_tree")
"""Those that come once for each group."""
NUMBER_SUFFIX = re.compile(rf"({'|'.join(OF_GROUPS)})([1-9][0-9]*)?", re.ASCII)
WORD_SUFFIX = re.compile(rf"({'|'.join(OF_GROUPS)})([a-zA-Z0-9_-]{{1,64}})?", re.ASCII)
LIMIT = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


class BadParameterValue(BadRequest):
    """A parameter names a group that is not there, or contradicts itself."""

    code = "placement.query.bad_value"


class MissingParameter(BadRequest):
    """Nothing is asked for."""

    code = "placement.query.missing_value"


class RepeatedParameter(BadRequest):
    """A parameter is there more than once."""

    code = "placement.query.duplicate_key"


Query = Mapping[str, Sequence[str]]


def read_candidates(query: Query, version: Microversion) -> CandidateRequest:
    """The query string (lists of texts by key) as a request.

    Raises:
        BadRequest: a parameter is not known, malformed or missing.
    """
    try:
        return _read(query, version)
    except Refused as error:
        raise BadRequest(f"{error.field}: {error.detail}", field=error.field) from None


def _read(query: Query, version: Microversion) -> CandidateRequest:
    limit = _limit(query)
    pattern = WORD_SUFFIX if version >= WORD_SUFFIXES else NUMBER_SUFFIX
    by_suffix: dict[str, dict[str, Sequence[str]]] = defaultdict(dict)
    for key, texts in query.items():
        match = pattern.fullmatch(key)
        kind = match[1] if match else key
        suffix = (match[2] or "") if match else ""
        if kind not in PARAMETERS or version < Microversion.parse(PARAMETERS[kind]):
            raise Refused("this parameter is not known at this microversion", field=key[:60])
        if suffix and version < GROUPS:
            raise Refused(f"groups need microversion {GROUPS}", field=key[:60])
        if kind in OF_GROUPS:
            by_suffix[suffix][kind] = texts
    groups = tuple(_group(suffix, given, version) for suffix, given in by_suffix.items())
    subtrees = tuple(_suffixes(text) for text in query.get("same_subtree", ()))
    _check_groups(groups, subtrees, version)
    policy = _policy(query, groups)
    required, forbidden = _root_traits(query.get("root_required", ()), version)
    return CandidateRequest(
        groups=groups,
        isolate=policy == "isolate",
        limit=limit,
        root_required=required,
        root_forbidden=forbidden,
        same_subtree=subtrees,
        nested=version >= NESTED,
    )


def _group(suffix: str, given: Mapping[str, Sequence[str]], version: Microversion) -> RequestGroup:
    resources = given.get("resources")
    required, forbidden = read_traits(given.get("required", ()), version, f"required{suffix}")
    member_of, not_in = read_member_of(given.get("member_of", ()), version, f"member_of{suffix}")
    return RequestGroup(
        suffix=suffix,
        resources={} if resources is None else read_amounts(resources[-1], f"resources{suffix}"),
        required=required,
        forbidden=forbidden,
        member_of=member_of,
        forbidden_aggregates=not_in,
        in_tree=_tree(given["in_tree"][-1], f"in_tree{suffix}") if "in_tree" in given else None,
    )


def _tree(text: str, key: str) -> uuid.UUID:
    if not is_uuid(text.strip()):
        raise Refused("give the UUID of a provider", field=key)
    return uuid.UUID(text.strip())


def _limit(query: Query) -> int | None:
    texts = query.get("limit", ())
    if not all(LIMIT.fullmatch(text) for text in texts):
        raise Refused("give a whole number from 1 on", field="limit")
    return int(texts[0]) if texts else None


def _policy(query: Query, groups: Sequence[RequestGroup]) -> str | None:
    texts = query.get("group_policy", ())
    if any(text not in ("none", "isolate") for text in texts):
        raise Refused("give none or isolate", field="group_policy")
    if not texts and sum(bool(group.suffix) for group in groups) > 1:
        raise Refused("is required where several groups have a suffix", field="group_policy")
    return texts[0] if texts else None


def _suffixes(text: str) -> frozenset[str]:
    found = frozenset(word.strip() for word in text.split(","))
    if "" in found:
        raise BadParameterValue(
            "same_subtree: the group without a suffix cannot be named.", field="same_subtree"
        )
    return found


def _root_traits(
    texts: Sequence[str], version: Microversion
) -> tuple[frozenset[str], frozenset[str]]:
    key = "root_required"
    if len(texts) > 1:
        raise RepeatedParameter("Give root_required once only.", field=key)
    if any(text.startswith("in:") for text in texts):
        raise Refused("the prefix in: is not known here", field=key)
    required, forbidden = read_traits(texts, version, key)
    names = frozenset().union(*required)
    if names & forbidden:
        raise BadParameterValue(
            f"{key}: {min(names & forbidden)} is both required and forbidden.", field=key
        )
    return names, forbidden


def _check_groups(
    groups: Sequence[RequestGroup], subtrees: Sequence[frozenset[str]], version: Microversion
) -> None:
    idle = {group.suffix for group in groups if not group.resources}
    named = frozenset().union(*subtrees)
    if len(idle) == len(groups):
        raise MissingParameter("Ask for some resources.", field="resources")
    if version < SUBTREES and idle:
        raise Refused("a group needs resources", field=f"resources{min(idle)}")
    if idle - named:
        raise BadParameterValue(
            f"The group {min(idle - named)!r} asks for no resources, and same_subtree does not "
            "name it.",
            field=f"resources{min(idle - named)}",
        )
    if named - {group.suffix for group in groups}:
        raise BadParameterValue(
            "same_subtree names a group that is not there.", field="same_subtree"
        )
    for group in groups:
        if version >= FORBIDDEN and any(some <= group.forbidden for some in group.required):
            raise Refused("a trait is both required and forbidden", field=f"required{group.suffix}")


RESOURCES = map_of(INTEGER)
CANDIDATES: Schema = object_of(
    allocation_requests={
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "allocations": {"anyOf": [OBJECT, {"type": "array", "items": OBJECT}]},
                "mappings": map_of(TEXTS),
            },
            "required": ["allocations"],
        },
    },
    provider_summaries=map_of(
        {
            "type": "object",
            "properties": {
                "resources": map_of(object_of(capacity=INTEGER, used=INTEGER)),
                "traits": TEXTS,
                "parent_provider_uuid": TEXT_OR_NULL,
                "root_provider_uuid": TEXT_OR_NULL,
            },
            "required": ["resources"],
        }
    ),
)


@dataclasses.dataclass(frozen=True, slots=True)
class CandidatesView:
    """Shows candidates at a microversion."""

    request: CandidateRequest
    found: Candidates
    version: Microversion

    def show(self) -> dict[str, Any]:
        asked = {name for group in self.request.groups for name in group.resources}
        return {
            "allocation_requests": [self._show_one(one) for one in self.found.found],
            "provider_summaries": {
                str(summary.provider.uuid): self._show_summary(summary, asked)
                for summary in self.found.summaries
            },
        }

    def _uuid(self, key: int) -> str:
        return str(self.found.uuids[key])

    def _show_one(self, candidate: Candidate) -> dict[str, Any]:
        needs = {self._uuid(key): dict(amounts) for key, amounts in candidate.needs.items()}
        if self.version < AS_MAP:
            return {
                "allocations": [
                    {"resource_provider": {"uuid": provider}, "resources": amounts}
                    for provider, amounts in needs.items()
                ]
            }
        shown: dict[str, Any] = {
            "allocations": {provider: {"resources": amounts} for provider, amounts in needs.items()}
        }
        if self.version >= MAPPINGS:
            shown["mappings"] = {
                suffix: sorted(map(self._uuid, keys)) for suffix, keys in candidate.mappings.items()
            }
        return shown

    def _show_summary(self, summary: Summary, asked: set[str]) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "resources": {
                row.resource_class: {
                    "capacity": int((row.total - row.reserved) * row.allocation_ratio),
                    "used": row.used,
                }
                for row in summary.inventories
                if self.version >= ALL_RESOURCES or row.resource_class in asked
            }
        }
        if self.version >= TRAITS:
            shown["traits"] = list(summary.traits)
        if self.version >= NESTED:
            provider = summary.provider
            shown["parent_provider_uuid"] = provider.parent and str(provider.parent.uuid)
            shown["root_provider_uuid"] = str(provider.root.uuid)
        return shown
