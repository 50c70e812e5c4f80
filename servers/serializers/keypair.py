"""``/os-keypairs``: bodies, query strings and answers."""

from __future__ import annotations

import dataclasses
from typing import Any

from compute_site.api.microversions.answers import (
    BOOLEAN,
    INTEGER,
    TEXT,
    TIME,
    TIME_OR_NULL,
    AnswerSerializer,
    Shown,
)
from compute_site.api.microversions.fields import ABSENT, Choice, NonNegative
from compute_site.api.microversions.history import History
from compute_site.api.microversions.serializers import QuerySerializer, VersionedSerializer
from compute_site.api.microversions.texts import LooseName, Text
from compute_site.api.microversions.times import exact_time
from compute_site.api.microversions.version import Microversion
from compute_site.db.paging import WHOLE, Paging
from servers.keypairs.keypairs import KeptKeyPair, KeyPairOrder, KeyPairSearch

STATUS_CHANGED = Microversion.parse("2.2")
PAGED = Microversion.parse("2.35")


def created_status(version: Microversion) -> int:
    """The status of the answer to a new key pair."""
    return 201 if version >= STATUS_CHANGED else 200


def deleted_status(version: Microversion) -> int:
    """The status of the answer to a deleted key pair."""
    return 204 if version >= STATUS_CHANGED else 202


def is_paged(version: Microversion) -> bool:
    """Do lists link to the next page?"""
    return version >= PAGED


class KeyPairName(Text):
    """Letters, digits, inner spaces and some signs."""

    def __init__(self, signs: str, **options: Any) -> None:
        super().__init__(
            1,
            255,
            pattern=rf"(?! )[a-zA-Z0-9 {signs}]+(?<! )",
            means=f"is not made of letters, digits, inner spaces and {' '.join(signs)}",
            **options,
        )


class KeyPairKeys(VersionedSerializer):
    """A key pair to keep."""

    name = History(
        {
            "2.0": LooseName(required=True),
            "2.1": KeyPairName("_-", required=True),
            "2.92": KeyPairName("_@.-", required=True),
        }
    )
    kind = History({"2.2": Choice("ssh", "x509", key="type")})
    public_key = History({"2.1": Text(), "2.92": Text(required=True)})
    user_id = History({"2.10": Text()})

    def build(self, values: dict[str, Any], version: Microversion) -> KeyPairOrder:
        values["name"] = values["name"].strip()
        return KeyPairOrder(**values)


class KeyPairCreate(VersionedSerializer):
    """``POST /os-keypairs``"""

    keypair = KeyPairKeys(required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> KeyPairOrder:
        order: KeyPairOrder = values["keypair"]
        return order


class KeyPairQuery(QuerySerializer):
    """Whose key pair; Nova: of a key that is given several times the first one counts."""

    unknown = {"2.1": "drop", "2.75": "refuse"}
    user_id = History({"2.10": Text(repeat=True)})

    def build(self, values: dict[str, Any], version: Microversion) -> str | None:
        (user_id, *_) = values.get("user_id", (None,))
        return user_id or None


class KeyPairListQuery(QuerySerializer):
    """Whose key pairs, and which page of them."""

    unknown = {"2.1": "drop", "2.75": "refuse"}
    user_id = History({"2.10": Text(repeat=True)})
    limit = History({"2.35": NonNegative(repeat="last")})
    marker = History({"2.35": Text(repeat="last")})

    def build(self, values: dict[str, Any], version: Microversion) -> KeyPairSearch:
        (user_id, *_) = values.get("user_id", (None,))
        paging = WHOLE
        if is_paged(version):  # Nova: an empty marker is looked up as well
            paging = dataclasses.replace(Paging.of(values), marker=values.get("marker"))
        return KeyPairSearch(user_id=user_id or None, paging=paging)


class KeyPairListed(AnswerSerializer):
    """A key pair in a list."""

    name = Shown(TEXT)
    public_key = Shown(TEXT)
    fingerprint = Shown(TEXT)
    type = History({"2.2": Shown(TEXT)})


class KeyPairItem(AnswerSerializer):
    """An item of a list: Nova wraps each key pair in an object of its own."""

    keypair = Shown(KeyPairListed, lambda keypair, _: keypair)


class KeyPairAnswer(AnswerSerializer):
    """A key pair."""

    name = Shown(TEXT)
    public_key = Shown(TEXT)
    fingerprint = Shown(TEXT)
    type = History({"2.2": Shown(TEXT)})
    user_id = Shown(TEXT)
    id = Shown(INTEGER, "pk")
    created_at = Shown(TIME, lambda keypair, _: exact_time(keypair.created_at))
    updated_at = Shown(TIME_OR_NULL, lambda *_: None)
    deleted = Shown(BOOLEAN, lambda *_: False)
    deleted_at = Shown(TIME_OR_NULL, lambda *_: None)


def _private_key(kept: KeptKeyPair, _: object) -> Any:
    return ABSENT if kept.private_key is None else kept.private_key


class KeyPairCreated(AnswerSerializer):
    """A new key pair."""

    name = Shown(TEXT, "keypair.name")
    public_key = Shown(TEXT, "keypair.public_key")
    private_key = History({"2.1": Shown(TEXT, _private_key, optional=True), "2.92": None})
    fingerprint = Shown(TEXT, "keypair.fingerprint")
    type = History({"2.2": Shown(TEXT, "keypair.type")})
    user_id = Shown(TEXT, "keypair.user_id")
