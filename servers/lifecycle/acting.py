"""The caller with whose rights compute calls the other services for a server."""

from __future__ import annotations

import dataclasses

from compute_site.caller import Caller
from servers.models import Instance


def acting_for(caller: Caller, instance: Instance) -> Caller:
    """The caller, but in the server's project, so that ports and volumes belong to that project
    even if an admin of another one makes the request. The rights stay those of the caller.
    """
    if caller.project_id == instance.project_id:
        return caller
    # a token of another project would name that one; without any, this site asks in its own name
    return dataclasses.replace(caller, project_id=instance.project_id, token="")
