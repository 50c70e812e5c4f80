"""What operators do with rows of a list: the buttons, the page that asks first, and who has the
right. Servers and hosts have tables of their own (``operations``, ``host_operations``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from servers.admin.instance_page import is_key

Row = TypeVar("Row", bound=Model)
Values = Mapping[str, Any]
"""What the operator filled in, by the fields of the form."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[Row]):
    """``permission`` is Django's; ``fits`` says on whose page the button is shown; ``form`` asks
    for what the function needs to know beside the row.
    """

    name: str
    label: str
    permission: str
    explanation: str
    fits: Callable[[Row], bool]
    form: type[forms.Form] = forms.Form
    danger: bool = False


class OperationsAdmin(admin.ModelAdmin):  # type: ignore[type-arg] # generic in the stubs only
    """A list whose rows can be operated on, each by its button or several by their boxes."""

    operations: Mapping[str, Operation[Any]]
    operation_template: str
    most_at_once: int

    def find_rows(self, keys: Sequence[str]) -> list[Any]:
        """The rows with these keys, with what the page of the operation shows."""
        raise NotImplementedError

    def title_of(self, operation: Operation[Any], rows: Sequence[Any]) -> str:
        """Of the page that asks."""
        raise NotImplementedError

    def shown_rows(self, rows: Sequence[Any]) -> Sequence[Any]:
        """As the template wants them."""
        raise NotImplementedError

    def perform(
        self, request: HttpRequest, operation: Any, rows: Sequence[Any], values: Values
    ) -> None:
        """Do it, tell what became of it, and write into the history who did it."""
        raise NotImplementedError

    def page_of(self, row: Any) -> str | None:
        """The URL of a row's page, which is shown after an operation on it alone."""
        raise NotImplementedError

    def permitted(self, request: HttpRequest) -> list[Operation[Any]]:
        """The operations that the operator has the right to."""
        return [one for one in self.operations.values() if request.user.has_perm(one.permission)]

    def operations_for(self, request: HttpRequest, row: Any) -> list[Operation[Any]]:
        """Those of them that make sense now."""
        return [operation for operation in self.permitted(request) if operation.fits(row)]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {
            operation.name: (_ask_first, operation.name, f"{operation.label} …")
            for operation in self.permitted(request)
        }

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.operation_view)
        return [path("do/<name>/", view, name=self._url_name), *super().get_urls()]

    @property
    def _url_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_operation"

    def operation_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Ask first (GET), then do it (POST)."""
        operation = self.operations.get(name)
        if operation is None:
            raise Http404(f"There is no operation {name}.")
        if not request.user.has_perm(operation.permission):
            raise PermissionDenied
        keys = [key for key in request.GET.getlist("key") if is_key(key)][: self.most_at_once]
        rows = self.find_rows(keys)
        form = operation.form(request.POST if request.method == "POST" else None)
        if request.method != "POST" or not form.is_valid():
            context = {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "media": self.media,
                "title": self.title_of(operation, rows),
                "operation": operation,
                "form": form,
                "rows": self.shown_rows(rows),
            }
            return TemplateResponse(request, self.operation_template, context)
        self.perform(request, operation, rows, form.cleaned_data)
        page = self.page_of(rows[0]) if len(rows) == 1 else None
        listed = f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"
        return redirect(page or reverse(listed))


def _ask_first(
    page: OperationsAdmin, request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponse:
    """An action of a list: from the ticked boxes to the page of the operation, which asks for
    confirmation.
    """
    most = page.most_at_once
    keys = list(queryset.values_list("pk", flat=True)[: most + 1])
    if len(keys) > most:
        messages.warning(request, f"These are the first {most}: more is too much at once.")
    url = reverse(f"admin:{page._url_name}", args=[request.POST["action"]])  # noqa: SLF001 - ours
    return redirect(f"{url}?{'&'.join(f'key={key}' for key in keys[:most])}")
