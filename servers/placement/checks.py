"""Tells, by ``manage.py check`` and before other commands, what is wrong with options of the
scheduler.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import Error, register

from servers.placement.rules import NAMES
from servers.placement.weighers import read_weights


@register
def check_filters(**_: Any) -> list[Error]:
    """Every enabled filter is one that exists."""
    unknown = [name for name in settings.OPTIONS.enabled_filters if name not in NAMES]
    return [
        Error(
            f"The option enabled_filters names {name}, which does not exist.",
            hint=f"There are {', '.join(sorted(NAMES))}.",
            id="servers.E001",
        )
        for name in unknown
    ]


@register
def check_weights(**_: Any) -> list[Error]:
    """The weights of image properties can be read."""
    try:
        read_weights(settings.OPTIONS.image_props_weight_setting)
    except ValueError as fault:
        return [
            Error(
                f"The option image_props_weight_setting cannot be read: {fault}.",
                hint="Pairs of a property and a number, separated by commas.",
                id="servers.E002",
            )
        ]
    return []
