"""Shows the usage of a limit as a bar."""

from __future__ import annotations

from django.utils.html import format_html

from quotas.resources import UNLIMITED

NEARLY, FULL = 0.8, 0.99


def meter(used: int, limit: int) -> str:
    """A bar and the numbers: yellow when nearly full, red when full or over."""
    if limit == UNLIMITED:
        return format_html('{} <span class="quiet">without limit</span>', used)
    most = max(limit, 1)
    bar = format_html(
        '<meter min="0" max="{}" low="{}" high="{}" optimum="0" value="{}"></meter>',
        most,
        most * NEARLY,
        most * FULL,
        min(used, most),
    )
    template = "{} <strong>{} of {}, over the limit</strong>" if used > limit else "{} {} of {}"
    return format_html(template, bar, used, limit)
