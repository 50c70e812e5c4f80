"""``/os-quota-class-sets``: the limits of a quota class."""

from __future__ import annotations

from typing import Any

from compute_site.api.microversions.serializers import QuerySerializer, VersionedSerializer
from compute_site.api.microversions.version import Microversion
from quotas.serializers.quota_set import Limits, NamedLimits, limit_of
from quotas.serializers.resources import FILES, GROUPS, NETWORK, LimitValue, with_resources

UNTIL = {**dict.fromkeys(NETWORK, "2.50"), **dict.fromkeys(FILES, "2.57")}
SHOWN_SINCE = dict.fromkeys(GROUPS, "2.50")
"""Nova: they could be set from the start."""


class QuotaClassKeys(VersionedSerializer):
    """The limits to set; those that are left out stay as they are."""


class QuotaClassUpdate(VersionedSerializer):
    """``PUT /os-quota-class-sets/{quota_class}``"""

    quota_class_set = with_resources(QuotaClassKeys, lambda _: LimitValue(), until=UNTIL)(
        required=True
    )

    def build(self, values: dict[str, Any], version: Microversion) -> dict[str, int]:
        limits: dict[str, int] = values["quota_class_set"]
        return limits


class QuotaClassQuery(QuerySerializer):
    """No keys."""

    unknown = {"2.1": "drop", "2.102": "refuse"}


QuotaClassChanged = with_resources(Limits, limit_of, since=SHOWN_SINCE, until=UNTIL)
QuotaClassAnswer = with_resources(NamedLimits, limit_of, since=SHOWN_SINCE, until=UNTIL)
