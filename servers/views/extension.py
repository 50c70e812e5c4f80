"""``/extensions``."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.queries import NoQuery
from compute_site.api.view import ComputeRequest, ComputeView
from servers.policies import extension as rules
from servers.proxies.extensions import find_extension, list_extensions
from servers.serializers.extension import ExtensionAnswer


class Extensions(ComputeView):
    """The parts of the API."""

    contracts = {
        "GET": Contract(
            summary="List the parts of the API",
            query=NoQuery,
            answer={"extensions": [ExtensionAnswer]},
        ),
    }

    def get(self, request: ComputeRequest) -> Response:
        self.read_query(NoQuery)
        request.caller.permit(rules.EXTENSIONS)
        extensions = list_extensions(legacy=request.version.is_legacy)
        return self.answer({"extensions": self.show_all(ExtensionAnswer, extensions)})


class OneExtension(ComputeView):
    """One part of the API."""

    contracts = {
        "GET": Contract(
            summary="Show a part of the API",
            query=NoQuery,
            answer={"extension": ExtensionAnswer},
        ),
    }

    def get(self, request: ComputeRequest, alias: str) -> Response:
        self.read_query(NoQuery)
        request.caller.permit(rules.EXTENSIONS)
        extension = find_extension(alias, legacy=request.version.is_legacy)
        return self.answer({"extension": self.show(ExtensionAnswer, extension)})
