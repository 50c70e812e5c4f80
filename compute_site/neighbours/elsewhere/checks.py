"""Tells, by ``manage.py check`` and before other commands, what keeps this site from joining the
cloud whose services it is to use.
"""

from __future__ import annotations

from typing import Any

from django.core.checks import Error, register

from compute_site.neighbours.elsewhere.login import find_problems

HINT = "docs/services.md says how to join an existing cloud."


@register
def check_login(**_: Any) -> list[Error]:
    """The options of the cloud are complete, and what they need is installed."""
    return [Error(problem, hint=HINT, id="neighbours.E001") for problem in find_problems()]
