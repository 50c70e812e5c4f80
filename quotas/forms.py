"""The forms of the quota page in the admin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.db.models import Q, QuerySet

from compute_site.console.limits_form import limit_field
from compute_site.identity.models import User
from quotas.models import Limit
from quotas.resources import LIMITED

NOTHING = ("", "---------")
MOST_SUGGESTED = 200


class UserLimitForm(forms.Form):
    """A limit of one user in the project."""

    user = forms.CharField(
        max_length=255,
        widget=forms.TextInput(
            attrs={"list": "members", "placeholder": "name or id", "aria-label": "user"}
        ),
    )
    resource = forms.ChoiceField(choices=[NOTHING, *((name, name) for name in LIMITED)])
    limit = limit_field()

    def __init__(self, *args: Any, project_id: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.project_id = project_id
        for name in ("resource", "limit"):  # the heads of the table are no labels
            self.fields[name].widget.attrs["aria-label"] = name

    def clean_user(self) -> str:
        """The id of a user who has a role in the project, or who has a limit in it already."""
        word: str = self.cleaned_data["user"]
        if word in (self.initial.get("user"), self.initial.get("user_id")):
            return str(self.initial["user_id"])
        found = _members(self.project_id).filter(Q(username=word) | Q(pk=word)).first()
        if found is None:
            raise forms.ValidationError("No user of this project has this name or id.")
        return str(found.pk)


class UserLimits(forms.BaseFormSet):  # type: ignore[type-arg]
    """All limits of users in the project; a row with a changed user or resource is a new limit."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        form.fields["DELETE"].widget.attrs["aria-label"] = "remove"

    def wanted(self) -> dict[tuple[str, str], int]:
        """The limits as entered, by user and resource."""
        return {
            (row["user"], row["resource"]): row["limit"]
            for row in self._filled()
            if not row.get("DELETE")
        }

    def changed(self) -> dict[tuple[str, str], int]:
        """The limits that were set or changed in the form."""
        return {
            (row["user"], row["resource"]): row["limit"]
            for form in self.forms
            for row in [form.cleaned_data]
            if row.get("user") and not row.get("DELETE") and form.has_changed()
        }

    def _filled(self) -> Iterator[dict[str, Any]]:
        for form in self.forms:
            if form.cleaned_data.get("user"):
                yield form.cleaned_data


UserLimitSet = forms.formset_factory(UserLimitForm, formset=UserLimits, extra=1, can_delete=True)


def user_limits(project_id: str, data: Any = None) -> Any:
    """The form set with the present limits."""
    limits = Limit.objects.filter(project=project_id, resource__in=LIMITED).exclude(user_id="")
    rows = list(limits.order_by("user_id", "resource"))
    names = dict(
        User.objects.filter(pk__in={row.user_id for row in rows}).values_list("pk", "username")
    )
    initial = [
        {
            "user": names.get(row.user_id, row.user_id),
            "user_id": row.user_id,
            "resource": row.resource,
            "limit": row.limit,
        }
        for row in rows
    ]
    return UserLimitSet(
        data, initial=initial, prefix="users", form_kwargs={"project_id": project_id}
    )


def members_of(project_id: str) -> list[str]:
    """Names of users with a role in the project, as suggestions."""
    names = _members(project_id).order_by("username").values_list("username", flat=True)
    return list(names[:MOST_SUGGESTED])


def _members(project_id: str) -> QuerySet[User]:
    return User.objects.filter(groups__project_role__project=project_id).distinct()
