"""What Neutron's refusals mean for a NIC."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from compute_site.neighbours.elsewhere.faults import Refused
from compute_site.neighbours.network.protocol import (
    AddressOutside,
    FloatingIpQuotaReached,
    GroupNotApplicable,
    NicFailed,
    NoAddressLeft,
    PortQuotaReached,
)

MEANINGS: dict[str, type[NicFailed]] = {
    "IpAddressGenerationFailure": NoAddressLeft,
    "ExternalIpAddressExhausted": NoAddressLeft,
    "InvalidIpForNetwork": AddressOutside,
    "InvalidIpForSubnet": AddressOutside,
    "InvalidInput": AddressOutside,
    "OverQuota": PortQuotaReached,
    "PortSecurityAndIPRequiredForSecurityGroups": GroupNotApplicable,
    "PortSecurityPortHasSecurityGroup": GroupNotApplicable,
}
"""By the type of the error."""


@contextlib.contextmanager
def meaning_of(what: str, *, floating: bool = False) -> Iterator[None]:
    """Raise what a refusal means inside the block; ``what`` says what fails. ``floating``: a quota
    that is reached is that of floating IPs.
    """
    try:
        yield
    except NicFailed:
        raise
    except Refused as refused:
        kind = MEANINGS.get(refused.kind, NicFailed)
        if floating and kind is PortQuotaReached:
            kind = FloatingIpQuotaReached
        raise kind(f"{what}. {refused.detail}") from refused
