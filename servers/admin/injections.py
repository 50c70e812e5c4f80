"""Faults on request in the admin: the page is there only with the option."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from compute_site.console.lists import word_filter
from compute_site.faults import Fault
from quotas.resources import COUNTED
from servers.admin.writable import WritableAdmin
from servers.injections.changes import inject, withdraw
from servers.injections.shapes import (
    ALWAYS,
    BUILD,
    DELAY,
    DROP,
    FAIL,
    FAIL_HERE,
    HANG,
    HOST,
    METHODS,
    QUOTA,
    REQUEST,
    STEPS,
    TOO_MANY,
    UNAVAILABLE,
)
from servers.models import Injection
from servers.serializers.injection import read_injection

TITLES = {
    BUILD: "Fail builds",
    REQUEST: "Fail requests",
    HOST: "Take a host down",
    QUOTA: "Fill a quota",
}


class InjectionForm(forms.ModelForm):  # type: ignore[type-arg]
    """The keys of one kind, as the API has them; what is left empty is as it is there."""

    kind = ""

    class Meta:
        model = Injection
        fields = ()

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        given = {key: value for key, value in values.items() if value not in ("", None)}
        if "times" in given and str(given["times"]).isdecimal():
            given["times"] = int(given["times"])
        if not self.errors:
            self._check({"kind": self.kind, **given})
        return values

    def _check(self, given: Mapping[str, Any]) -> None:
        try:
            self.order = read_injection({"fault": given})
        except Fault as fault:
            for error in fault.errors:
                name = error.field.removeprefix("fault.")
                self.add_error(name if name in self.fields else None, error.detail)


def _word(*, help_text: str = "", required: bool = False, initial: str = "") -> forms.CharField:
    return forms.CharField(max_length=255, required=required, initial=initial, help_text=help_text)


def _choice(chosen: str, others: Mapping[str, str]) -> forms.ChoiceField:
    return forms.ChoiceField(choices=list(others.items()), initial=chosen)


def _seconds(initial: int, help_text: str) -> forms.IntegerField:
    return forms.IntegerField(required=False, min_value=0, initial=initial, help_text=help_text)


def _times() -> forms.CharField:
    return _word(initial="1", help_text=f"How often it is met: a number, or {ALWAYS}.")


class BuildForm(InjectionForm):
    kind = BUILD
    step = _choice(STEPS[-1], {step: step for step in STEPS})
    outcome = _choice(
        FAIL,
        {
            FAIL: "fail: the server goes to ERROR",
            FAIL_HERE: "fail here: another host is tried",
            HANG: "hang: it goes on after some seconds",
        },
    )
    server = _word(help_text="Name or id; empty: any.")
    host = _word(help_text="Empty: any.")
    project = _word(help_text="Id; empty: any.")
    message = _word(help_text="What the server's fault says.")
    seconds = _seconds(60, "How long it hangs.")
    times = _times()


class RequestForm(InjectionForm):
    kind = REQUEST
    path = _word(required=True, help_text="Such as /compute/v2.1/servers*; a star is any text.")
    method = _choice("any", {method: method for method in METHODS})
    outcome = _choice(
        UNAVAILABLE,
        {
            UNAVAILABLE: "503 Service Unavailable",
            TOO_MANY: "429 Too Many Requests",
            DROP: "the connection ends without an answer",
            DELAY: "the answer comes late",
        },
    )
    seconds = _seconds(1, "How late it comes, or what Retry-After says.")
    times = _times()


class HostForm(InjectionForm):
    kind = HOST
    host = _word(required=True, help_text="It is down until the fault ends.")


class QuotaForm(InjectionForm):
    kind = QUOTA
    project = _word(required=True, help_text="Name or id.")
    resource = _choice("instances", {resource: resource for resource in COUNTED})


FORMS: Mapping[str, type[InjectionForm]] = {
    form.kind: form for form in (BuildForm, RequestForm, HostForm, QuotaForm)
}


class InjectionAdmin(WritableAdmin):
    """Made and ended by the functions of the API ``/faults``; nobody changes one."""

    list_display = ("kind", "told", "left_shown", "met", "created_by", "created_at")
    list_filter = (word_filter("kind", "kind"),)
    ordering = ("-pk",)
    sortable_by = ()
    fields = ("uuid", "kind", "told", "left_shown", "met", "created_by", "created_at")
    readonly_fields = fields
    change_list_template = "servers/admin/injections.html"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm[Any]]:
        return super().get_form(request, obj, change, **kwargs) if obj else _form_of(request)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj else list(_form_of(request).base_fields)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj else ()

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        kinds = TITLES.items() if self.has_add_permission(request) else ()
        return super().changelist_view(request, {"kinds": kinds, **(extra_context or {})})

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        title = TITLES[_form_of(request).kind]
        return super().add_view(request, form_url, {"title": title, **(extra_context or {})})

    def save_model(self, request: HttpRequest, obj: Injection, form: Any, change: bool) -> None:
        made = inject(form.order, by=request.user.get_username())
        for field in Injection._meta.concrete_fields:  # noqa: SLF001 - public API
            setattr(obj, field.attname, getattr(made, field.attname))

    def delete_model(self, request: HttpRequest, obj: Injection) -> None:
        withdraw(obj, by=request.user.get_username())

    @admin.display(description="what")
    def told(self, injection: Injection) -> str:
        return str(injection).partition(": ")[2]

    @admin.display(description="times left")
    def left_shown(self, injection: Injection) -> str:
        return ALWAYS if injection.left is None else str(injection.left)


def _form_of(request: HttpRequest) -> type[InjectionForm]:
    return FORMS.get(request.GET.get("kind", BUILD), BuildForm)


if settings.OPTIONS.faults_on_request:
    admin.site.register(Injection, InjectionAdmin)
