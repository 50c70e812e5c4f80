"""``/flavors/{flavor_id}/action`` and ``/os-flavor-access``: the access of projects to a flavor."""

from __future__ import annotations

import dataclasses
from typing import Any

from compute_site.api.microversions.answers import TEXT, AnswerSerializer, Shown
from compute_site.api.microversions.fields import Refused
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.texts import Text
from compute_site.api.microversions.version import Microversion
from flavors.changes import close_flavor, open_flavor
from flavors.models import Flavor
from flavors.policies import ACCESS_ADD, ACCESS_REMOVE

PUBLIC_REFUSED_SINCE = Microversion.parse("2.7")


@dataclasses.dataclass(frozen=True, slots=True)
class AccessChange:
    """Gives or takes a project's access. ``public_too``: to public flavors, too."""

    project_id: str
    opens: bool
    public_too: bool

    @property
    def rule(self) -> str:
        """The policy rule that the change needs."""
        return ACCESS_ADD if self.opens else ACCESS_REMOVE

    def apply(self, flavor: Flavor) -> None:
        if self.opens:
            open_flavor(flavor, self.project_id, public_too=self.public_too)
        else:
            close_flavor(flavor, self.project_id)


class Tenant(VersionedSerializer):
    """The project whose access is given or taken."""

    tenant = Text(1, 255, required=True)


class FlavorAction(VersionedSerializer):
    """One of the two actions."""

    opens = Tenant(key="addTenantAccess")
    closes = Tenant(key="removeTenantAccess")

    def build(self, values: dict[str, Any], version: Microversion) -> AccessChange:
        if len(values) != 1:
            raise Refused("give either addTenantAccess or removeTenantAccess", code="count")
        ((action, project),) = values.items()
        return AccessChange(
            project_id=project["tenant"],
            opens=action == "opens",
            public_too=version < PUBLIC_REFUSED_SINCE,
        )


class AccessAnswer(AnswerSerializer):
    """A project with access to a flavor."""

    flavor_id = Shown(TEXT, "flavor.flavorid")
    tenant_id = Shown(TEXT, "project_id")
