"""In whose name compute acts for a server at the other services."""

from __future__ import annotations

import dataclasses

from compute_site.caller import Caller
from servers.models import Instance


def acting_for(caller: Caller, instance: Instance) -> Caller:
    """The caller, but in the project of the server: what a server gets belongs to its project,
    whoever asked for it. The rights are those that the caller has at home.
    """
    return dataclasses.replace(caller, project_id=instance.project_id)
