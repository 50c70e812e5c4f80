"""``/os-hosts``: body, query string and answers."""

from __future__ import annotations

import dataclasses
from typing import Any

from compute_site.api.microversions.answers import INTEGER, TEXT, AnswerSerializer, Shown
from compute_site.api.microversions.fields import Choice, Refused
from compute_site.api.microversions.serializers import QuerySerializer, VersionedSerializer
from compute_site.api.microversions.texts import Text
from compute_site.api.microversions.version import Microversion
from servers.hosts.errors import NotOfThisHost
from servers.hosts.services import ServiceChange

WORDS = ("enable", "disable", "Enable", "Disable", "ENABLE", "DISABLE")


class HostListQuery(QuerySerializer):
    """The zone of the hosts."""

    zone = Text(repeat="last")

    def build(self, values: dict[str, Any], version: Microversion) -> str | None:
        return values.get("zone")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HostOrder:
    """What to do with a host."""

    status: str | None = None
    maintenance_mode: str | None = None

    @property
    def change(self) -> ServiceChange:
        """The change of its service.

        Raises:
            NotOfThisHost: no driver knows what maintenance is.
        """
        if self.maintenance_mode is not None or self.status is None:
            raise NotOfThisHost("No host here has a maintenance mode.")
        return ServiceChange(disabled=self.status.lower() == "disable")


class HostUpdate(VersionedSerializer):
    """``PUT /os-hosts/{name}``"""

    status = Choice(*WORDS)
    maintenance_mode = Choice(*WORDS)

    def build(self, values: dict[str, Any], version: Microversion) -> HostOrder:
        if not values:
            raise Refused("give status or maintenance_mode", code="required")
        return HostOrder(**values)


class HostAnswer(AnswerSerializer):
    """A service on a host."""

    host_name = Shown(TEXT, "service.host")
    service = Shown(TEXT, "service.topic")
    zone = Shown(TEXT)


class ShareAnswer(AnswerSerializer):
    """Resources of a host."""

    host = Shown(TEXT)
    project = Shown(TEXT)
    cpu = Shown(INTEGER)
    memory_mb = Shown(INTEGER)
    disk_gb = Shown(INTEGER)


class ShareItem(AnswerSerializer):
    """An item of a list: Nova wraps each in an object of its own."""

    resource = Shown(ShareAnswer, lambda share, _: share)


class HostSwitched(AnswerSerializer):
    """A host that was enabled or disabled."""

    host = Shown(TEXT)
    status = Shown(TEXT, lambda service, _: "disabled" if service.disabled else "enabled")
