"""Who did what: one page over what is noted in several tables, the newest first.

Each source reads at most a page of its own rows, so that the page takes a constant number of
statements; the rows of all are put in order here.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.contrib.admin.models import ADDITION, DELETION, LogEntry
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html

from compute_site.console.lists import read_uuid
from compute_site.console.site import Page, show_pages
from compute_site.identity.models import (
    FailedSignIns,
    IdentityChange,
    Project,
    SignIn,
    Token,
    User,
)
from compute_site.identity.records import GONE
from quotas.history import describe_limit
from quotas.models import LimitChange
from servers.admin.display import NOTHING, Links, stamp
from servers.models import Instance, InstanceAction

MOST = 100
NOBODY = "a name that nobody has"
MOST_KEYS = 100
"""So many people or things may bear the word that was typed."""


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """Whose deeds, about what, and when; ``None``: all. ``word`` is what was typed for the object,
    ``servers`` and ``projects`` are the keys of those that bear it.
    """

    people: Sequence[str] | None = None
    word: str = ""
    servers: Sequence[int] = ()
    projects: Sequence[str] = ()
    since: dt.datetime | None = None
    until: dt.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Deed:
    """``about`` is shown as it is, or a link; ``who`` is the id of a user, or empty."""

    at: dt.datetime
    who: str
    about: str
    what: str


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """A table in which deeds are noted. ``read`` returns a page of them, the newest first."""

    name: str
    title: str
    permission: str
    read: Callable[[Asked, Links], Iterable[Deed]]


class AskForm(forms.Form):
    """What the operator looks for."""

    person = forms.CharField(required=False, max_length=255)
    about = forms.CharField(required=False, max_length=255)
    kind = forms.ChoiceField(required=False)
    since = forms.DateTimeField(
        required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    until = forms.DateTimeField(
        required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )

    def __init__(self, *args: Any, sources: Sequence[Source], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "everything"), *((source.name, source.title) for source in sources)]
        self.fields["kind"].choices = choices  # type: ignore[attr-defined]


def show_activity(request: HttpRequest) -> HttpResponse:
    """The page, for what the operator may see."""
    links = Links(request.user)
    sources = [source for source in SOURCES if request.user.has_perm(source.permission)]
    form = AskForm(request.GET, sources=sources)
    found: list[tuple[Source, Deed]] = []
    if form.is_valid():
        values = form.cleaned_data
        asked = _resolve(values)
        for source in sources:
            if values["kind"] in ("", source.name):
                found += [(source, deed) for deed in source.read(asked, links)]
        found.sort(key=lambda pair: pair[1].at, reverse=True)
    more, found = len(found) > MOST, found[:MOST]
    names = User.objects.only("username").in_bulk({deed.who for _, deed in found if deed.who})
    entries = [
        {
            "time": stamp(deed.at),
            "who": _who(deed.who, names, links),
            "kind": source.title,
            "about": deed.about,
            "what": deed.what,
        }
        for source, deed in found
    ]
    context = {
        **admin.site.each_context(request),
        "title": "Who did what",
        "form": form,
        "entries": entries,
        "older": _query_of_older(request, found[-1][1].at) if more else "",
    }
    return TemplateResponse(request, "servers/admin/activity.html", context)


def _who(key: str, names: dict[str, User], links: Links) -> str:
    return links.named("identity.user", key, names[key]) if key in names else key or "the site"


def _query_of_older(request: HttpRequest, last: dt.datetime) -> str:
    """The same page from the second of the last entry on, so that none of that second is lost."""
    until = last.replace(microsecond=0) + dt.timedelta(seconds=1)
    kept = {name: value for name, value in request.GET.items() if name != "until"}
    return urlencode({**kept, "until": f"{until:%Y-%m-%dT%H:%M:%S}"})


def _resolve(values: dict[str, Any]) -> Asked:
    """The keys of those who and what bear the words that were typed."""
    person, word = values["person"].strip(), values["about"].strip()
    people = None
    if person:
        found = User.objects.filter(Q(username=person) | Q(pk=person)).values_list("pk", flat=True)
        people = [*found[:MOST_KEYS], person]
    servers: list[int] = []
    projects: list[str] = []
    if word:
        server_id = read_uuid(word)
        alike = Q(uuid=server_id) if server_id else Q(display_name=word)
        servers = list(Instance.objects.filter(alike).values_list("pk", flat=True)[:MOST_KEYS])
        named = Project.objects.filter(Q(name=word) | Q(pk=word))
        projects = list(named.values_list("pk", flat=True)[:MOST_KEYS])
    return Asked(people, word, servers, projects, values["since"], values["until"])


def _page(rows: QuerySet[Any], asked: Asked, *, person: str, time: str, about: Q) -> QuerySet[Any]:
    """The newest rows that were asked for."""
    if asked.people is not None:
        rows = rows.filter(**{f"{person}__in": asked.people})
    if asked.word:
        rows = rows.filter(about)
    if asked.since:
        rows = rows.filter(**{f"{time}__gte": asked.since})
    if asked.until:
        rows = rows.filter(**{f"{time}__lt": asked.until})
    return rows[: MOST + 1]


def read_changes_in_admin(asked: Asked, links: Links) -> Iterable[Deed]:
    about = (
        Q(object_id__in=[*asked.projects, asked.word])
        | Q(object_repr__icontains=asked.word)
        | Q(content_type__model="instance", object_id__in=[str(key) for key in asked.servers])
    )
    rows = LogEntry.objects.select_related("content_type").order_by("-pk")
    words = {ADDITION: "Added.", DELETION: "Deleted."}
    for entry in _page(rows, asked, person="user", time="action_time", about=about):
        kind = entry.content_type
        shown = entry.object_repr
        if kind is not None and entry.action_flag != DELETION:
            label = f"{kind.app_label}.{kind.model}"
            if entry.get_admin_url():
                shown = links.named(label, entry.object_id, shown)
        noun = kind.name if kind is not None else ""
        yield Deed(
            entry.action_time,
            entry.user_id,
            format_html('{} <span class="quiet">{}</span>', shown, noun),
            str(entry.get_change_message()) or words.get(entry.action_flag, "Changed."),
        )


def read_actions(asked: Asked, links: Links) -> Iterable[Deed]:
    about = Q(instance__in=asked.servers) | Q(project_id__in=asked.projects)
    rows = InstanceAction.objects.select_related("instance").order_by("-pk")
    rows = rows.only(
        *("action", "user_id", "start_time", "message", "request_id", "instance__display_name"),
        "instance__uuid",
    )
    for action in _page(rows, asked, person="user_id", time="start_time", about=about):
        shown = links.named("servers.instance", action.instance_id, action.instance.display_name)
        what = f"{action.action}: {action.message}" if action.message else action.action
        yield Deed(action.start_time, action.user_id, shown, what)


def read_limits(asked: Asked, links: Links) -> Iterable[Deed]:
    about = Q(project__in=asked.projects) | Q(quota_class=asked.word) | Q(resource=asked.word)
    rows = LimitChange.objects.select_related("project").order_by("-pk")
    for change in _page(rows, asked, person="changed_by", time="changed_at", about=about):
        whose = change.project or f"class {change.quota_class}"
        if change.project is not None:
            whose = links.named("quotas.projectquota", change.project_id, change.project.name)
        of_user = f" of user {change.user_id}" if change.user_id else ""
        what = (
            f"{change.resource}{of_user}: {describe_limit(change.before)} → "
            f"{describe_limit(change.after)}"
        )
        yield Deed(change.changed_at, change.changed_by, str(whose), what)


def read_sign_ins(asked: Asked, _links: Links) -> Iterable[Deed]:
    rows = SignIn.objects.order_by("-at")
    about = Q(address=asked.word)
    for entry in _page(rows, asked, person="user", time="at", about=about):
        where = f"from {entry.address}" if entry.address else ""
        yield Deed(entry.at, entry.user_id, NOTHING, f"signed in with a browser {where}".strip())


def read_tokens(asked: Asked, links: Links) -> Iterable[Deed]:
    about = Q(project__in=asked.projects) | Q(audit_id=asked.word)
    rows = Token.objects.select_related("project", "credential").order_by("-issued_at")
    for token in _page(rows, asked, person="user", time="issued_at", about=about):
        means = f"application credential {token.credential.name}" if token.credential else ""
        what = f"token {token.audit_id} by {means or ', '.join(token.methods)}"
        yield Deed(token.issued_at, token.user_id, links.to(token.project), what)


def read_failed_sign_ins(asked: Asked, _links: Links) -> Iterable[Deed]:
    rows = FailedSignIns.objects.order_by("-last_at")
    about = Q(address=asked.word)
    for entry in _page(rows, asked, person="user_id", time="last_at", about=about):
        times = f"{entry.number} times" if entry.number > 1 else "once"
        where = f", last from {entry.address}" if entry.address else ""
        what = f"failed to sign in {times} since {entry.hour:%H:%M}{where}, by {entry.way}"
        yield Deed(entry.last_at, entry.user_id or NOBODY, NOTHING, what)


def read_identity_changes(asked: Asked, links: Links) -> Iterable[Deed]:
    named = Q(object_name=asked.word) | Q(object_id__in=[*asked.projects, asked.word])
    about = named | Q(project_id__in=asked.projects)
    rows = IdentityChange.objects.order_by("-at")
    for change in _page(rows, asked, person="by", time="at", about=about):
        shown = links.named(f"identity.{change.kind}", change.object_id, change.object_name)
        if change.what == GONE:
            shown = change.object_name
        about_it = format_html('{} <span class="quiet">{}</span>', shown, change.kind)
        yield Deed(change.at, change.by, about_it, change.what)


SOURCES = (
    Source("admin", "change in the admin", "admin.view_logentry", read_changes_in_admin),
    Source("server", "action on a server", "servers.view_instanceaction", read_actions),
    Source("limit", "limit", "quotas.view_projectquota", read_limits),
    Source("sign-in", "sign-in", "identity.view_signin", read_sign_ins),
    Source("failed", "failed sign-in", "identity.view_failedsignins", read_failed_sign_ins),
    Source(
        "identity",
        "project, user or role by the API",
        "identity.view_identitychange",
        read_identity_changes,
    ),
    Source("token", "token", "identity.view_token", read_tokens),
)
show_pages(
    Page(
        path="activity/",
        name="activity",
        title="Who did what",
        permissions=[source.permission for source in SOURCES],
        view=show_activity,
    )
)
