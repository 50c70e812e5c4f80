"""Tells, by ``manage.py check`` and before other commands, what options about volumes lack."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import Error, register

from compute_site.neighbours.volume.local import exports
from compute_site.values.words import is_portal

LONGEST_SOCKET = 100
"""Bytes of the path of a socket, before what tgtd adds."""


@register
def check_exports(**_: Any) -> list[Error]:
    """What is exported has bytes, an address, and a target server that can be told of it."""
    options = settings.OPTIONS
    if not exports.are_used():
        return []
    wrong = []
    if options.volume_folder is None:
        wrong.append("volume_folder names the folder with the files of volumes")
    elif "," in str(options.volume_folder):
        wrong.append("volume_folder is a path without commas, which tgtd does not take")
    if not is_portal(options.volume_portal):
        wrong.append("volume_portal is an address of this machine and a port, as 192.0.2.10:3260")
    if len(str(exports.control()).encode()) > LONGEST_SOCKET:
        wrong.append(f"volume_target_dir is a path of at most {LONGEST_SOCKET - 5} bytes")
    return [
        Error(f"The option volume_export is iscsi, so that {text}.", id="volume.E001")
        for text in wrong
    ]
