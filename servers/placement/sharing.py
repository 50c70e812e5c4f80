"""Providers that share what they have with hosts, such as a pool of disks: they have the trait
``MISC_SHARES_VIA_AGGREGATE``, and an aggregate in common with some provider of the host's tree.
"""

from __future__ import annotations

from django.db import connection
from os_traits import MISC_SHARES_VIA_AGGREGATE

NAMES = f"""
    ARRAY(
        SELECT stock.resource_class::text FROM servers_providertrait AS shares
        JOIN servers_inventory AS stock ON stock.provider_id = shares.provider_id
        WHERE shares.trait = '{MISC_SHARES_VIA_AGGREGATE}'
        UNION
        SELECT held.trait FROM servers_providertrait AS shares
        JOIN servers_providertrait AS held ON held.provider_id = shares.provider_id
        WHERE shares.trait = '{MISC_SHARES_VIA_AGGREGATE}'
    )
"""  # noqa: S608 - the name of a trait
"""All resource classes and traits of providers that share, in SQL."""
FROM_TREE = """
    servers_resourceprovider AS part
    JOIN servers_resourceprovider AS root ON root.id = part.root_id
"""
"""Each provider as ``part`` of the tree of ``root``."""
FROM_SHARING = f"""
    servers_resourceprovider AS root
    JOIN servers_resourceprovider AS near ON near.root_id = root.id
    JOIN servers_provideraggregate AS theirs ON theirs.provider_id = near.id
    JOIN servers_provideraggregate AS mine ON mine.aggregate = theirs.aggregate
    JOIN servers_providertrait AS shares ON shares.provider_id = mine.provider_id
         AND shares.trait = '{MISC_SHARES_VIA_AGGREGATE}'
    JOIN servers_resourceprovider AS part ON part.id = mine.provider_id
         AND part.root_id <> root.id
"""
"""Each provider as ``part`` that shares with the tree of ``root``, perhaps several times."""


def read_shared() -> frozenset[str]:
    """The resource classes and traits of all providers that share."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {NAMES}")
        return frozenset(cursor.fetchone()[0])
