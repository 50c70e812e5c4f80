"""Admin pages whose forms take what an API takes, and save it by the functions of that API.

A page names the keys of the API's requests, the columns that show them, and the functions that
make, change and delete a row. What the API never lets anyone write is read-only, and what a
function refuses stands in the form as its error.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.text import capfirst

from compute_site.caller import Caller
from compute_site.console.form_fields import RowSelects
from compute_site.console.lists import ListAdmin
from compute_site.console.operator import operator_of
from compute_site.console.refused_deletions import RefusedDeletions
from compute_site.faults import Fault
from compute_site.identity.models import Project
from compute_site.values.keys import Key, read_keys

REFUSAL = "_refusal"
"""The attribute of a request whose form is shown again, with what the API's function said."""


class ApiForm(forms.ModelForm):  # type: ignore[type-arg]
    """Reads its fields as the API reads the keys of a request. ``keys`` tells the key of each
    field; fields without one are for the page alone.
    """

    shape: ClassVar[Mapping[str, Key]] = {}
    keys: ClassVar[Mapping[str, str]] = {}
    always: ClassVar[tuple[str, ...]] = ()
    """Fields that the page needs whatever the API says."""
    refusal: ClassVar[Fault | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sent: dict[str, Any] = {}
        for name, field in self.fields.items():
            if self.keys.get(name) in self.shape and name not in self.always:
                field.required = self._is_required(name)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for name in self._told():
            self._read(name, values)
        if self.refusal is not None:
            self._show(self.refusal)
        return values

    @property
    def given(self) -> frozenset[str]:
        """The keys that the request of a client would have."""
        return frozenset(self.sent)

    @property
    def values(self) -> dict[str, Any]:
        """The value of each key of the API's request, as its functions take them."""
        values, _ = read_keys(self.sent, self.shape)
        return values

    def _told(self) -> list[str]:
        """The fields that somebody filled in or changed, and those that the API always needs."""
        changed = set(self.changed_data)
        return [
            name
            for name in self.fields
            if self.keys.get(name) in self.shape and (name in changed or self._is_required(name))
        ]

    def _is_required(self, name: str) -> bool:
        key = self.keys.get(name)
        return key is not None and key in self.shape and self.shape[key].required

    def _read(self, name: str, values: Mapping[str, Any]) -> None:
        if name in self.errors or name not in values:
            return
        key = self.keys[name]
        sent = {key: None if self._is_null(name, values[name]) else as_sent(values[name])}
        _, problems = read_keys(sent, {key: self.shape[key]})
        for problem in problems:
            self.add_error(name, problem.removeprefix(f"key {key}: "))
        if not problems:
            self.sent |= sent

    def _is_null(self, name: str, value: Any) -> bool:
        """Is it an empty input of what is no text?"""
        columns = {column.name: column for column in self.instance._meta.fields}  # noqa: SLF001
        return value == "" and (name not in columns or columns[name].null)

    def _show(self, refusal: Fault) -> None:
        """Show it at the field that is to blame, where the page has that."""
        key = (refusal.field or "").rpartition(".")[2]
        blamed = [name for name in self.fields if key and self.keys.get(name, name) == key]
        self.add_error(blamed[0] if blamed else None, refusal.detail)


def as_sent(value: Any) -> Any:
    """A value of a form as it stands in the JSON of a request."""
    if isinstance(value, Model):
        return as_sent(value.pk)
    if isinstance(value, QuerySet):
        return [as_sent(row.pk) for row in value]
    return str(value) if isinstance(value, uuid.UUID) else value


class RefusalPages(RefusedDeletions, ListAdmin):
    """An admin that shows what an API's function refuses, which changes nothing."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Fault as fault:
            setattr(request, REFUSAL, fault)  # the transaction of the view is rolled back
            return super().changeform_view(request, *args, **kwargs)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form.refusal = getattr(request, REFUSAL, None)  # type: ignore[attr-defined]
        return form

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """All of the ticked rows, or none."""
        try:
            with transaction.atomic():
                return super().response_action(request, queryset, *args, **kwargs)
        except Fault as fault:
            self.message_user(request, f"Nothing was changed: {fault.detail}", messages.ERROR)
            return redirect(f"admin:{self.label}_changelist")

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The rows alone. The API's function decides whether they can go, and takes with them what
        belongs to them, which may be a lot.
        """
        rows = list(objs)
        kept = [str(row) for row in rows if not self.has_delete_permission(request, row)]
        count = {capfirst(self.opts.verbose_name_plural): len(rows)}
        return [str(row) for row in rows], count, set(), kept

    @property
    def label(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"


class ApiAdmin(RefusalPages):
    """``keys`` are the API's names of the form's fields, ``new`` and ``changed`` the shapes of its
    requests. The fieldsets name all columns: those that a request cannot have are shown for a row
    that exists, read-only, and left out for a new one.
    """

    form = ApiForm
    keys: ClassVar[Mapping[str, str]] = {}
    new: ClassVar[Mapping[str, Key]] = {}
    changed: ClassVar[Mapping[str, Key]] = {}
    owner: ClassVar[str] = "project"
    """The relation to the project in which the operator acts; empty: in none."""

    # These are the API's own functions, as static methods, where a page has nothing to add.

    def create(self, caller: Caller, values: Mapping[str, Any], given: Collection[str], /) -> Any:
        """The new row."""
        raise NotImplementedError

    def change(
        self, caller: Caller, row: Any, values: Mapping[str, Any], given: Collection[str], /
    ) -> None:
        raise NotImplementedError

    def delete(self, caller: Caller, row: Any, /) -> None:
        raise NotImplementedError

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(self.new) and super().has_add_permission(request)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.keys, form.shape = self.keys, self.changed if obj else self.new
        form.always = (self.owner,)
        shown = self._writable(obj)
        for name in [name for name in form.base_fields if name not in shown]:
            del form.base_fields[name]
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None:
            return self.fieldsets
        shown = self._writable(None)
        parts = (
            (title, {**options, "fields": _those_of(options["fields"], shown)})
            for title, options in self.fieldsets or ()
        )
        return [(title, options) for title, options in parts if options["fields"]]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ()
        writable = self._writable(obj)
        named = [str(name) for name in flatten_fieldsets(self.fieldsets or ())]
        return tuple(name for name in named if name not in writable)

    def _writable(self, obj: Any) -> set[str]:
        shape = self.new if obj is None else self.changed
        return {name for name, key in self.keys.items() if key in shape}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            # as it is stored: the form has set the new values on ``obj`` already
            row = self.model._default_manager.get(pk=obj.pk)  # noqa: SLF001
            if form.given:
                self.change(self.caller(request, row), row, form.values, form.given)
            return
        caller = operator_of(request, form.cleaned_data.get(self.owner))
        obj.pk = self.create(caller, form.values, form.given).pk
        obj.refresh_from_db()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Only what the page itself does with the rows below; the rest is saved already."""
        for formset in formsets:
            self.save_formset(request, form, formset, change=change)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.delete(self.caller(request, obj), obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for row in queryset.select_related(self.owner) if self.owner else queryset:
            self.delete_model(request, row)

    def caller(self, request: HttpRequest, row: Any) -> Caller:
        project: Project | None = getattr(row, self.owner) if self.owner else None
        return operator_of(request, project)


class PartInline(RowSelects, admin.TabularInline):  # type: ignore[type-arg]
    """Parts of a row that are made and deleted, and never changed. The page of the row saves them
    (``save_formset``) by the API's functions.
    """

    form = ApiForm
    keys: ClassVar[Mapping[str, str]] = {}
    new: ClassVar[Mapping[str, Key]] = {}
    extra = 0

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset: Any = super().get_formset(request, obj, **kwargs)
        formset.form.keys, formset.form.shape = self.keys, self.new
        return formset


def parts_of(formset: Any) -> tuple[list[Any], list[ApiForm]]:
    """The parts to delete, and the filled-in forms of new ones."""
    formset.save(commit=False)
    deleted = {part.pk for part in formset.deleted_objects}
    new = [
        form
        for form in formset.extra_forms
        if form.has_changed() and not formset._should_delete_form(form)  # noqa: SLF001
    ]
    return [form.instance for form in formset.initial_forms if form.instance.pk in deleted], new


def _those_of(names: Iterable[Any], shown: Collection[str]) -> list[Any]:
    """The names that are shown; a tuple among them stands for one line."""
    found = [
        tuple(part for part in name if part in shown) if isinstance(name, tuple) else name
        for name in names
    ]
    return [name for name in found if (name if isinstance(name, tuple) else name in shown)]
