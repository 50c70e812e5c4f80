"""How values look in the admin: ages, states, links, and JSON as tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from compute_site.console.site import User
from servers.models import Instance

NOTHING = "–"
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_BAD = frozenset(("ERROR", "UNKNOWN"))
_BUSY = frozenset(
    ("BUILD", "REBUILD", "RESIZE", "REVERT_RESIZE", "MIGRATING", "REBOOT", "HARD_REBOOT")
)


def age(since: dt.datetime | None, units: int = 2) -> str:
    """How long ago, in the largest units; the time itself as a title."""
    if since is None:
        return NOTHING
    seconds = max(0, int((timezone.now() - since).total_seconds()))
    title = since.isoformat(sep=" ", timespec="seconds")
    return format_html('<span title="{}">{}</span>', title, duration(seconds, units))


def duration(seconds: int, units: int = 2) -> str:
    """Such as ``3 d 4 h``."""
    words: list[str] = []
    for size, unit in _UNITS:
        if seconds >= size or words or size == 1:
            words.append(f"{seconds // size} {unit}")
            seconds %= size
    return " ".join(words[:units])


def stamp(time: dt.datetime | None) -> str:
    """A time as the whole console shows it: in UTC, as the heads of columns and the words say."""
    return f"{time:%Y-%m-%d %H:%M:%S}" if time else NOTHING


def moment(time: dt.datetime | None) -> str:
    """A time, with the age behind it."""
    if time is None:
        return NOTHING
    text = f"{stamp(time)} UTC"
    return format_html('{} <span class="quiet">({} ago)</span>', text, age(time))


def state(instance: Instance) -> str:
    """The status as clients see it, with what is being done."""
    status = instance.status
    kind = "bad" if status in _BAD else "busy" if status in _BUSY else "good"
    task = format_html(' <span class="quiet">{}</span>', instance.task_state)
    return format_html(
        '<span class="state {}">{}</span>{}', kind, status, task if instance.task_state else ""
    )


def meter(used: float, capacity: float, unit: str = "") -> str:
    """A bar and the numbers: yellow when nearly full, red when full."""
    most = max(capacity, 1)
    text = f"{used:g} of {capacity:g} {unit}".strip()
    return format_html(
        '<meter min="0" max="{0}" low="{1}" high="{2}" optimum="0" value="{3}"></meter>'
        '<span class="number">{4}</span>',
        f"{most:g}",
        f"{most * 0.8:g}",
        f"{most * 0.99:g}",
        f"{min(used, most):g}",
        text,
    )


def gibibytes(mebibytes: int) -> str:
    return f"{mebibytes / 1024:g} GiB" if mebibytes >= 1024 else f"{mebibytes} MiB"


def mono(value: object) -> str:
    return format_html('<span class="mono">{}</span>', value) if value else NOTHING


def yes_no(value: bool) -> str:
    return "yes" if value else "no"


class Links:
    """Links to pages of the admin, for one user: what the user may not see is a plain text."""

    def __init__(self, user: Any) -> None:
        self.user: User = user

    def to(self, row: Model | None, text: object = "") -> str:
        """A link to the page of a row."""
        if row is None:
            return NOTHING
        return self.named(row._meta.label_lower, row.pk, text or row)  # noqa: SLF001

    def named(self, model: str, key: object, text: object = "") -> str:
        """A link to the page of ``app.model`` with this key, whether or not it is there."""
        if not key:
            return NOTHING
        app, _, name = model.partition(".")
        if not self.may_view(model):
            return format_html("{}", text or key)
        url = reverse(f"admin:{app}_{name}_change", args=[key])
        return format_html('<a href="{}">{}</a>', url, text or key)

    def to_host(self, name: str | None) -> str:
        """A link to the page of the host of this name."""
        return self.named("servers.computenode", quote(name), name) if name else NOTHING

    def listed(self, model: str, query: str, text: object) -> str:
        """A link to a list of rows."""
        app, _, name = model.partition(".")
        if not self.may_view(model):
            return format_html("{}", text)
        url = reverse(f"admin:{app}_{name}_changelist")
        return format_html('<a href="{}?{}">{}</a>', url, query, text)

    def may_view(self, model: str) -> bool:
        app, _, name = model.partition(".")
        return self.user.has_perm(f"{app}.view_{name}") or self.user.has_perm(
            f"{app}.change_{name}"
        )


def structured(value: Any) -> str:
    """JSON as a table: an object a row a key, a list of objects a row each, words side by side."""
    if value is None or value in ("", [], {}, ()):
        return NOTHING
    if isinstance(value, Mapping):
        return _table((str(key), structured(item)) for key, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        if all(not isinstance(item, Mapping | list | tuple) for item in value):
            return ", ".join(str(item) for item in value)
        return format_html_join("", "<div>{}</div>", ((structured(item),) for item in value))
    if isinstance(value, bool):
        return yes_no(value)
    return str(value)


def _table(rows: Any) -> SafeString:
    body = format_html_join("", "<tr><th>{}</th><td>{}</td></tr>", rows)
    return format_html('<table class="structured">{}</table>', body)


def link_to(relation: str, label: str) -> Callable[[Any, Any], str]:
    """A column of the admin with the row of a relation, under the word that operators use for it.
    It is no first column of a list, which is a link to the row itself.
    """

    read = attrgetter(relation)

    @admin.display(description=label)
    def column(_admin: Any, row: Any) -> str:
        related: Model | None = read(row)
        viewer = getattr(row, "viewer", None)
        return Links(viewer).to(related) if viewer is not None else str(related or NOTHING)

    return column


def text_of(relation: str, label: str) -> Callable[[Any, Any], str]:
    """The same without a link, for the first column of a list."""

    @admin.display(description=label)
    def column(_admin: Any, row: Any) -> str:
        return str(getattr(row, relation) or NOTHING)

    return column


def structure_of(name: str, label: str = "") -> Callable[[Any, Any], str]:
    """A column of the admin that shows a JSON field."""

    @admin.display(description=label or name.replace("_", " "))
    def column(_admin: Any, row: Any) -> str:
        return structured(getattr(row, name))

    return column


def age_of(name: str, label: str = "age") -> Callable[[Any, Any], str]:
    """A column of the admin that shows how old something is, sorted by its time."""

    @admin.display(description=label, ordering=name)
    def column(_admin: Any, row: Any) -> str:
        since = getattr(row, name)
        return age(since, units=1)

    return column
