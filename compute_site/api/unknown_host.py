"""A request that names a host under which the site does not answer."""

from __future__ import annotations

import re

from django.core.exceptions import DisallowedHost

from compute_site.faults import BadRequest

OPTION = "COMPUTE_SITE_ALLOWED_HOSTS"
LONGEST = 255


class UnknownHost(BadRequest):
    """The ``Host`` is not one of ``ALLOWED_HOSTS``."""

    code = "unknown_host"


def unknown_host(error: DisallowedHost) -> UnknownHost:
    """What is wrong, with the host, which only the text of Django's error has."""
    found = re.search(r"header: '(.*?)'\.", str(error))
    host = found[1][:LONGEST] if found else "of this request"
    return UnknownHost(
        f"The site does not answer to the host {host}. The option {OPTION} lists the hosts under "
        "which clients reach it."
    )
