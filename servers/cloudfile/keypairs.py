"""Key pairs of users."""

from __future__ import annotations

from collections.abc import Sequence

from compute_site.cloudfile.cloud import Cloud
from compute_site.cloudfile.entry import Entry
from compute_site.cloudfile.section import Section
from compute_site.values.keys import Key, filled_text, one_of, text
from servers.keypairs.fingerprint import fingerprint_of
from servers.models import KeyPair


def write_keypairs(entries: Sequence[Entry], cloud: Cloud) -> None:
    rows = []
    for entry in entries:
        try:
            fingerprint = fingerprint_of(entry["type"], entry["public_key"])
        except ValueError as error:
            raise entry.wrong("public_key", str(error)) from None
        rows.append(
            KeyPair(
                user_id=cloud.user(entry, "user"),
                name=entry["name"],
                type=entry["type"],
                public_key=entry["public_key"],
                fingerprint=fingerprint,
            )
        )
    if rows:
        KeyPair.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["user", "name"],
            update_fields=["type", "public_key", "fingerprint"],
        )


SECTIONS = (
    Section(
        name="keypairs",
        after=("users",),
        keys={
            "user": Key(text, required=True),
            "name": Key(filled_text, required=True),
            "type": Key(one_of("ssh", "x509"), default="ssh"),
            "public_key": Key(filled_text, required=True),
        },
        write=write_keypairs,
        longest={"public_key": 16384},
        unique=(("user", "name"),),
    ),
)
