"""``/os-services``: bodies, query string and answers.

Until 2.52 the URL names what is to be done (``disable``) and the body the service; from 2.53 on the
URL names the service and the body says what is to be done.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable
from typing import Any, ClassVar

from compute_site.api.microversions.answers import (
    BOOLEAN,
    INTEGER,
    TEXT,
    TEXT_OR_NULL,
    TIME_OR_NULL,
    UUID,
    AnswerSerializer,
    Frame,
    Shown,
)
from compute_site.api.microversions.fields import Boolish, Choice
from compute_site.api.microversions.history import History
from compute_site.api.microversions.serializers import QuerySerializer, VersionedSerializer
from compute_site.api.microversions.texts import Fqdn, Text
from compute_site.api.microversions.times import exact_time
from compute_site.api.microversions.version import Microversion
from servers.errors import NoSuchItem
from servers.hosts.errors import NothingToChange
from servers.hosts.services import HostService, ServiceChange
from servers.hosts.zones import zone_of_service
from servers.models import Service
from servers.serializers.identifier import names_by_uuid, read_uuid

FORCE_DOWN_SINCE = Microversion.parse("2.11")
ENABLED, DISABLED = "enabled", "disabled"


@dataclasses.dataclass(frozen=True, slots=True)
class ServiceFilter:
    """Which services a list shows; a blank text is no filter."""

    host: str | None
    binary: str | None


class ServiceListQuery(QuerySerializer):
    """Of a key that is given several times the last one counts."""

    unknown = {"2.1": "drop", "2.75": "refuse"}
    host = Text(repeat="last")
    binary = Text(repeat="last")

    def build(self, values: dict[str, Any], version: Microversion) -> ServiceFilter:
        return ServiceFilter(values.get("host"), values.get("binary"))


def _zone(service: Service, frame: Frame) -> str:
    return zone_of_service(service, frame.extra["zones"])


def status_of(service: Service) -> str:
    return DISABLED if service.disabled else ENABLED


class ServiceAnswer(AnswerSerializer):
    """A service. The frame's extra holds the zones of the hosts."""

    id = History(
        {
            "2.1": Shown(INTEGER, "pk"),
            "2.53": Shown(UUID, lambda service, _: str(service.uuid)),
        }
    )
    binary = Shown(TEXT)
    host = Shown(TEXT)
    zone = Shown(TEXT, _zone)
    status = Shown(TEXT, lambda service, _: status_of(service))
    state = Shown(TEXT, lambda service, _: "up" if service.is_up else "down")
    updated_at = Shown(TIME_OR_NULL, lambda service, _: exact_time(service.updated_at))
    disabled_reason = Shown(TEXT_OR_NULL)
    forced_down = History({"2.11": Shown(BOOLEAN)})


class SwitchedAnswer(AnswerSerializer):
    """A service that was enabled or disabled (until 2.52)."""

    host = Shown(TEXT)
    binary = Shown(TEXT)
    status = Shown(TEXT, lambda service, _: status_of(service))


class DisabledAnswer(SwitchedAnswer):
    """A service that was disabled for a reason (until 2.52)."""

    disabled_reason = Shown(TEXT_OR_NULL)


class ForcedAnswer(AnswerSerializer):
    """A service that was said to be down, or not any more (until 2.52)."""

    host = Shown(TEXT)
    binary = Shown(TEXT)
    forced_down = Shown(BOOLEAN)


@dataclasses.dataclass(frozen=True, slots=True)
class ServicePlan:
    """What is to change of which service, and how the answer shows it."""

    service: uuid.UUID | HostService
    change: ServiceChange
    shown: type[AnswerSerializer]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HostOrder:
    """What to do with the service of a host; the URL says what (until 2.52)."""

    host: str
    binary: str
    disabled_reason: str | None = None
    forced_down: bool | None = None
    knows_force_down: bool

    def plan(self, verb: str) -> ServicePlan:
        """Raises ``NoSuchItem`` where nothing of that name can be done, and ``NothingToChange``
        where the body lacks what the verb needs.
        """
        if verb not in VERBS or (verb == "force-down" and not self.knows_force_down):
            raise NoSuchItem(f"{verb[:60]!r} cannot be done with a service.")
        read, shown = VERBS[verb]
        return ServicePlan(HostService(self.host, self.binary), read(self), shown)

    def with_reason(self) -> ServiceChange:
        if self.disabled_reason is None:
            raise NothingToChange("Give the reason.", field="disabled_reason")
        return ServiceChange(disabled=True, reason=self.disabled_reason)

    def forced(self) -> ServiceChange:
        if self.forced_down is None:
            raise NothingToChange("Say whether the service is down.", field="forced_down")
        return ServiceChange(forced_down=self.forced_down)


Verb = tuple[Callable[[HostOrder], ServiceChange], type[AnswerSerializer]]
VERBS: dict[str, Verb] = {
    "enable": (lambda _: ServiceChange(disabled=False), SwitchedAnswer),
    "disable": (lambda _: ServiceChange(disabled=True), SwitchedAnswer),
    "disable-log-reason": (HostOrder.with_reason, DisabledAnswer),
    "force-down": (HostOrder.forced, ForcedAnswer),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOrder:
    """What to do with the service that the URL names (from 2.53 on)."""

    shown: ClassVar[type[AnswerSerializer]] = ServiceAnswer

    status: str | None = None
    disabled_reason: str | None = None
    forced_down: bool | None = None

    def plan(self, service_id: str) -> ServicePlan:
        """Raises ``MalformedId`` where the URL holds no UUID."""
        change = ServiceChange(
            disabled=None if self.status is None else self.status == DISABLED,
            reason=self.disabled_reason,
            forced_down=self.forced_down,
        )
        return ServicePlan(read_uuid(service_id), change, self.shown)


class ServiceUpdate(VersionedSerializer):
    """``PUT /os-services/{verb or id}``"""

    host = History({"2.1": Fqdn(required=True), "2.53": None})
    binary = History({"2.1": Text(1, 255, required=True), "2.53": None})
    status = History({"2.53": Choice(ENABLED, DISABLED)})
    disabled_reason = Text(1, 255)
    forced_down = History({"2.11": Boolish()})

    def build(self, values: dict[str, Any], version: Microversion) -> HostOrder | ServiceOrder:
        if names_by_uuid(version):
            return ServiceOrder(**values)
        return HostOrder(**values, knows_force_down=version >= FORCE_DOWN_SINCE)
