"""``/servers/{id}/remote-consoles`` and ``/os-console-auth-tokens``."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api.microversions.answers import TEXT
from compute_site.api.microversions.contract import Contract
from compute_site.api.view import ComputeRequest, ComputeView
from servers.actions.remote_console import find_console, open_console
from servers.policies import action as rules
from servers.policies import console_token as token_rules
from servers.read.find import find_server
from servers.serializers.remote_console import (
    CONSOLE,
    ConsoleTokenQuery,
    RemoteConsoleBody,
    check_tokens_shown,
    show_token,
)


class RemoteConsoles(ComputeView):
    """Consoles of a server."""

    since = "2.6"
    contracts = {
        "POST": Contract(
            summary="Open a console of a server",
            body=RemoteConsoleBody,
            example={"remote_console": {"protocol": "vnc", "type": "novnc"}},
            answer={
                "remote_console": {
                    "type": "object",
                    "properties": {"protocol": TEXT, "type": TEXT, "url": TEXT},
                }
            },
            faults=(403, 409),
        ),
    }

    def post(self, request: ComputeRequest, server_id: str) -> Response:
        asked = self.read(RemoteConsoleBody)["remote_console"]
        instance = find_server(request.caller, server_id, rules.REMOTE_CONSOLES)
        protocol, console_type = asked["protocol"], asked["console_type"]
        url = open_console(instance, protocol, console_type)
        shown = {"protocol": protocol, "type": console_type, "url": url}
        return self.answer({"remote_console": shown})


class OneConsoleToken(ComputeView):
    """What a proxy of consoles asks about a token."""

    contracts = {
        "GET": Contract(
            summary="Show which console a token is for",
            query=ConsoleTokenQuery,
            answer={"console": CONSOLE},
        ),
    }

    def get(self, request: ComputeRequest, token: str) -> Response:
        self.read_query(ConsoleTokenQuery)
        check_tokens_shown(request.version)
        request.caller.permit(token_rules.SHOW)
        return self.answer({"console": show_token(find_console(token), request.version)})
