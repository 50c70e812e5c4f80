"""Settings of domains."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.identity import kept
from compute_site.identity.models import Domain
from compute_site.identity.tokens import ValidToken
from compute_site.neighbours.identity import policies
from compute_site.neighbours.identity.api.domain import DOMAIN
from compute_site.neighbours.identity.api.envelope import IdentityView
from compute_site.neighbours.identity.api.serializers import ConfigBody


class ConfigView(IdentityView):
    bodies: ClassVar = dict.fromkeys(("put", "patch"), ("", ConfigBody))

    def found(self, what: str, domain_id: str) -> tuple[Domain, ValidToken]:
        caller = self.permit(policies.CONFIGS[what])
        return DOMAIN.find(domain_id), caller

    def asked(self) -> Any:
        return ConfigBody.read_body(self.read_body())["config"]


class Config(ConfigView):
    """``/identity/v3/domains/{domain_id}/config``, and a group or an option of it."""

    def get(
        self, request: Request, domain_id: str, group: str | None = None, option: str | None = None
    ) -> Response:
        domain, _ = self.found("get", domain_id)
        return Response({"config": cut(kept.find_config(domain, group, option), group, option)})

    def patch(
        self, request: Request, domain_id: str, group: str | None = None, option: str | None = None
    ) -> Response:
        domain, caller = self.found("update", domain_id)
        kept.change_config(domain, self.asked(), group, option, by=caller.user_id)
        return Response({"config": kept.read_config(domain)})

    def delete(
        self, request: Request, domain_id: str, group: str | None = None, option: str | None = None
    ) -> Response:
        domain, caller = self.found("delete", domain_id)
        kept.remove_config(domain, group, option, by=caller.user_id)
        return Response(status=204)


class WholeConfig(Config):
    """``/identity/v3/domains/{domain_id}/config``"""

    def put(self, request: Request, domain_id: str) -> Response:
        domain, caller = self.found("create", domain_id)
        had = kept.set_config(domain, self.asked(), by=caller.user_id)
        return Response({"config": kept.read_config(domain)}, status=200 if had else 201)


class DefaultConfig(ConfigView):
    """``GET /identity/v3/domains/config/default``, and a group or an option of it."""

    def get(
        self, request: Request, group: str | None = None, option: str | None = None
    ) -> Response:
        self.permit(policies.DEFAULT_CONFIG)
        return Response({"config": cut(kept.default_config(group, option), group, option)})


def cut(config: kept.Config, group: str | None, option: str | None) -> dict[str, Any]:
    """An option that is asked for alone is shown without its group."""
    return config[str(group)] if option is not None else config
