"""Domains, groups of users, roles, the catalogue and limits in the admin: what the forms take and
save is what the identity API takes, by the same functions.

Who may change groups and roles gives rights to people: only superusers do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from compute_site.console.api_pages import RefusalPages, as_sent
from compute_site.console.lists import ListAdmin, word_filter
from compute_site.console.operator import is_superuser
from compute_site.console.read_only import RecordAdmin
from compute_site.console.rule_boxes import PlaceRulesAdmin
from compute_site.faults import BadRequest, Fault
from compute_site.identity import kept, limits, services
from compute_site.identity.access_rules import remove_rule
from compute_site.identity.assignments import Place, assign, unassign
from compute_site.identity.catalog import FILTERS
from compute_site.identity.groups import add_member, remove_member
from compute_site.identity.models import (
    AccessRule,
    AccessToken,
    Consumer,
    Domain,
    DomainOption,
    Endpoint,
    EndpointGroup,
    EndpointOfProject,
    ImpliedRole,
    Limit,
    NamedRole,
    PolicyAssociation,
    Region,
    RegisteredLimit,
    RequestToken,
    Revocation,
    RoleAssignment,
    Service,
    StoredCredential,
    StoredPolicy,
    System,
    Trust,
    User,
    UserGroup,
)
from compute_site.identity.oauth import remove_access
from compute_site.identity.policy_places import PolicyPlace, associate, dissociate
from compute_site.identity.roles import imply, stop_implying
from compute_site.identity.trusts import remove_trust
from compute_site.neighbours.identity.api.catalogue import ENDPOINT, REGION, SERVICE
from compute_site.neighbours.identity.api.domain import DOMAIN
from compute_site.neighbours.identity.api.endpoint_filter import GROUP as ENDPOINT_GROUP
from compute_site.neighbours.identity.api.group import GROUP
from compute_site.neighbours.identity.api.limit import LIMIT, REGISTERED
from compute_site.neighbours.identity.api.oauth import CONSUMER
from compute_site.neighbours.identity.api.records import Kind
from compute_site.neighbours.identity.api.role import ROLE
from compute_site.neighbours.identity.api.serializers import IdentityBody, NewLimit
from compute_site.neighbours.identity.api.stored import POLICY


class KindForm(forms.ModelForm):  # type: ignore[type-arg]
    """Reads its fields as the API reads a body. ``members``: field → member of the body."""

    kind: ClassVar[Kind]
    new_body: ClassVar[type[IdentityBody]]
    members: ClassVar[Mapping[str, str]] = {}
    refusal: ClassVar[Fault | None] = None

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        self.read: dict[str, Any] = {}
        if self.errors:
            return values
        if self.refusal is not None:
            self._show(self.refusal)
            return values
        is_new = self.instance._state.adding  # noqa: SLF001 - Django's public model API
        told = (
            self.members if is_new else [name for name in self.members if name in self.changed_data]
        )
        sent = {
            self.members[name]: as_sent(values[name])
            for name in told
            if name in values and not (is_new and values[name] in (None, ""))
        }
        body = self.new_body if is_new else self.kind.body
        try:
            self.read = body.read_body({body.noun: sent}, partial=not is_new)
        except Fault as fault:
            self._show(fault)
        return values

    def _show(self, fault: Fault) -> None:
        """At the field that is to blame, where the text names it."""
        where, _, text = fault.detail.partition(": ")
        member = where.rpartition(".")[2]
        fields = [name for name, own in self.members.items() if own == member]
        self.add_error(
            fields[0] if fields and text else None, text if fields and text else fault.detail
        )


class SavedByFunctions(RefusalPages):
    """Rows that the functions of the API save and delete, one by one."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """All is saved already."""

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for row in queryset:
            self.delete_model(request, row)


class KindAdmin(SavedByFunctions):
    """``members``: field of the form → member of the API's body. What is not among ``changed`` is
    read-only once the row exists.
    """

    form = KindForm
    kind: ClassVar[Kind]
    new_body: ClassVar[type[IdentityBody] | None] = None
    members: ClassVar[Mapping[str, str]] = {}
    fixed: ClassVar[tuple[str, ...]] = ()
    """Fields of a new row alone."""

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.kind, form.members = self.kind, self.members
        form.new_body = self.new_body or self.kind.body
        return form

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*(["id"] if obj is not None and "id" not in self.members else []), *self.members]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("id", *self.fixed) if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            if form.read:
                self.kind.change(self.kind.find(obj.pk), form.read, by=name_of(request))
            return
        obj.pk = self.make(form.read, by=name_of(request)).pk
        obj.refresh_from_db()

    def make(self, members: Mapping[str, Any], *, by: str) -> Any:
        return self.kind.make(members, by=by)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.kind.remove(self.kind.find(obj.pk), by=name_of(request))


class RightsPages:
    """Pages that give rights to people, or take them away: superusers alone change them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)


def name_of(request: HttpRequest) -> str:
    return cast("User", request.user).pk


@admin.register(Domain)
class DomainAdmin(RightsPages, PlaceRulesAdmin, KindAdmin):
    rules_explained = (
        "A rule allows one kind of request with a token for this domain. It counts from the next "
        "request on. Roles are groups such as “domain default: manager”."
    )
    kind = DOMAIN
    members = {name: name for name in ("name", "description", "enabled")}
    list_display = ("name", "description", "enabled", "created_at")
    list_filter = ("enabled",)
    search_fields = ("name", "id")


@admin.register(System)
class SystemAdmin(PlaceRulesAdmin, ListAdmin):
    """One row: what roles on the system may do."""

    list_display = ("__str__",)
    fields = ("id",)
    readonly_fields = ("id",)
    actions: Any = ()
    rules_explained = (
        "A rule allows one kind of request with a token for the system. It counts from the next "
        "request on. Roles are groups such as “system: reader”."
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Its rules alone."""
        return obj is None and is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class GroupForm(KindForm):
    class Meta:
        model = UserGroup
        fields = ("name", "domain", "description", "members")


@admin.register(UserGroup)
class UserGroupAdmin(RightsPages, KindAdmin):
    """A group of users, with its members."""

    kind = GROUP
    form = GroupForm
    members = {"name": "name", "domain": "domain_id", "description": "description"}
    fixed = ("domain",)
    list_display = ("name", "domain", "description")
    list_select_related = ("domain",)
    search_fields = ("name", "id")
    autocomplete_fields = ("domain", "members")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*super().get_fields(request, obj), "members"]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        group, by = form.instance, name_of(request)
        wanted, held = set(form.cleaned_data["members"]), set(group.members.all())
        for user in wanted - held:
            add_member(group, user, by=by)
        for user in held - wanted:
            remove_member(group, user, by=by)


@admin.register(NamedRole)
class NamedRoleAdmin(RightsPages, KindAdmin):
    kind = ROLE
    members = {"name": "name", "domain": "domain_id", "description": "description"}
    fixed = ("domain",)
    list_display = ("name", "domain", "description", "is_built_in")
    list_filter = ("is_built_in",)
    list_select_related = ("domain",)
    search_fields = ("name", "id")
    autocomplete_fields = ("domain",)


class MadeAndDeleted(RightsPages, SavedByFunctions):
    """Rows that are made and deleted, and never changed."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class RefusableForm(forms.ModelForm):  # type: ignore[type-arg]
    refusal: ClassVar[Fault | None] = None

    def clean(self) -> dict[str, Any]:
        if self.refusal is not None:
            self.add_error(None, self.refusal.detail)
        return super().clean() or {}


@admin.register(ImpliedRole)
class ImpliedRoleAdmin(MadeAndDeleted):
    form = RefusableForm
    list_display = ("prior", "implied")
    list_select_related = ("prior", "implied")
    search_fields = ("prior__name", "implied__name")
    autocomplete_fields = ("prior", "implied")
    fields = ("prior", "implied")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        imply(obj.prior, obj.implied, by=name_of(request))
        obj.pk = ImpliedRole.objects.get(prior=obj.prior, implied=obj.implied).pk

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        stop_implying(obj.prior, obj.implied, by=name_of(request))


@admin.register(RoleAssignment)
class RoleAssignmentAdmin(MadeAndDeleted):
    """What groups hold, and what is held in domains, on the system and by inheritance; what users
    hold in projects directly stands on the page of the project.
    """

    form = RefusableForm
    list_display = ("role", "user", "group", "project", "domain", "inherited")
    list_select_related = ()
    list_prefetched = ("role", "user", "group", "project", "domain")
    list_filter = (
        "inherited",
        word_filter("user", "user__username", "user__id"),
        word_filter("project", "project__name", "project__id"),
    )
    search_fields = ("key",)
    fields = ("role", "user", "group", "project", "domain", "inherited")
    autocomplete_fields = ("role", "user", "group", "project", "domain")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if (obj.user is None) == (obj.group is None):
            raise BadRequest("Name a user or a group.")
        if obj.project is not None and obj.domain is not None:
            raise BadRequest("Name a project or a domain, or neither for the system.")
        place, holder = place_of(obj), obj.user or obj.group
        if isinstance(holder, User) and place.project is not None and not place.inherited:
            raise BadRequest("Roles of users in projects are given on the page of the project.")
        if place.inherited and place.project is None and place.domain is None:
            raise BadRequest("Nothing lies below the system: name a project or a domain.")
        assign(holder, place, obj.role, by=name_of(request))
        held = {"role": obj.role, "inherited": obj.inherited}
        for name in ("user", "group", "project", "domain"):
            held[name] = getattr(obj, name)
        obj.pk = RoleAssignment.objects.get(**held).pk

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        unassign(obj.user or obj.group, place_of(obj), obj.role, by=name_of(request))


def place_of(row: RoleAssignment) -> Place:
    return Place(project=row.project, domain=row.domain, inherited=row.inherited)


@admin.register(Region)
class RegionAdmin(KindAdmin):
    kind = REGION
    members = {"id": "id", "description": "description", "parent": "parent_region_id"}
    fixed = ("id",)
    list_display = ("id", "description", "parent")
    list_select_related = ("parent",)
    search_fields = ("id",)
    autocomplete_fields = ("parent",)


@admin.register(Service)
class ServiceAdmin(KindAdmin):
    """Those of the site itself can be taken out of the catalogue, and put back."""

    kind = SERVICE
    members = {name: name for name in ("type", "name", "description", "enabled")}
    list_display = ("type", "name", "description", "enabled")
    list_filter = ("enabled",)
    search_fields = ("type", "name", "id")


@admin.register(Endpoint)
class EndpointAdmin(KindAdmin):
    kind = ENDPOINT
    members = {
        "service": "service_id",
        "interface": "interface",
        "region": "region_id",
        "url": "url",
        "enabled": "enabled",
    }
    list_display = ("service", "interface", "region", "url", "enabled")
    list_filter = ("interface", "enabled")
    list_select_related = ("service",)
    search_fields = ("url", "id")
    autocomplete_fields = ("service", "region")


class EndpointGroupForm(KindForm):
    """The API has the fields by which endpoints are chosen in one member."""

    class Meta:
        model = EndpointGroup
        fields = ("name", "description", *FILTERS, "projects")

    @property
    def changed_data(self) -> list[str]:
        found = super().changed_data
        return [*found, *(["filters"] if set(found) & set(FILTERS) else [])]

    def clean(self) -> dict[str, Any]:
        chosen = {name: self.cleaned_data.get(name) for name in FILTERS}
        self.cleaned_data["filters"] = {name: text for name, text in chosen.items() if text}
        self.members = {name: name for name in ("name", "description", "filters")}  # type: ignore[misc] # of this form alone
        return super().clean()


@admin.register(EndpointGroup)
class EndpointGroupAdmin(KindAdmin):
    """A group of endpoints, with the projects whose tokens name them."""

    kind = ENDPOINT_GROUP
    form = EndpointGroupForm
    members = {name: name for name in ("name", "description", *FILTERS)}
    list_display = ("name", *FILTERS)
    list_filter = ("interface",)
    search_fields = ("name", "id")
    autocomplete_fields = ("projects",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*super().get_fields(request, obj), "projects"]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        group, by = form.instance, name_of(request)
        wanted, held = set(form.cleaned_data["projects"]), set(group.projects.all())
        for project in wanted - held:
            services.give_endpoint_group(project, group, by=by)
        for project in held - wanted:
            services.take_endpoint_group(project, group, by=by)


@admin.register(EndpointOfProject)
class EndpointOfProjectAdmin(MadeAndDeleted):
    form = RefusableForm
    list_display = ("project", "endpoint")
    list_select_related = ()
    list_prefetched = ("project", "endpoint__service")
    list_filter = (word_filter("project", "project__name", "project__id"),)
    search_fields = ("project__name",)
    fields = ("project", "endpoint")
    autocomplete_fields = ("project", "endpoint")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        services.give_endpoint(obj.project, obj.endpoint, by=name_of(request))
        obj.pk = EndpointOfProject.objects.get(project=obj.project, endpoint=obj.endpoint).pk

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        services.take_endpoint(obj.project, obj.endpoint, by=name_of(request))


@admin.register(StoredPolicy)
class StoredPolicyAdmin(KindAdmin):
    kind = POLICY
    members = {"type": "type", "blob": "blob"}
    list_display = ("id", "type")
    search_fields = ("id", "type")


@admin.register(PolicyAssociation)
class PolicyAssociationAdmin(MadeAndDeleted):
    """What has a policy gets no other one in its place, as in the API; that is deleted first."""

    form = RefusableForm
    list_display = ("policy", "endpoint", "service", "region")
    list_select_related = ()
    list_prefetched = ("policy", "endpoint__service", "service", "region")
    list_filter = (word_filter("policy", "policy__id", "policy__type"),)
    search_fields = ("policy__id", "endpoint__id", "service__type", "service__name", "region__id")
    fieldsets: ClassVar[Any] = [
        (
            None,
            {
                "fields": ("policy", "endpoint", "service", "region"),
                "description": "What is nearest counts: the policy of an endpoint, or else of its "
                "service in its region or one around it, or else of its service.",
            },
        )
    ]
    autocomplete_fields = ("policy", "endpoint", "service", "region")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        place = place_of_policy(obj)
        associate(obj.policy, place, by=name_of(request))
        obj.pk = place.rows.get().pk

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        dissociate(obj.policy, place_of_policy(obj), by=name_of(request))


def place_of_policy(row: PolicyAssociation) -> PolicyPlace:
    return PolicyPlace(endpoint=row.endpoint, service=row.service, region=row.region)


class ShownAndDeleted(MadeAndDeleted):
    """Rows that only the API makes and changes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(StoredCredential)
class StoredCredentialAdmin(ShownAndDeleted):
    """What users keep; the secret itself is not shown."""

    list_display = ("id", "type", "user", "project", "created_at")
    list_select_related = ()
    list_prefetched = ("user", "project")
    list_filter = (word_filter("user", "user__username", "user__id"),)
    search_fields = ("id", "type")
    fields = ("id", "type", "user", "project", "created_at")

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        kept.remove_stored(obj, by=name_of(request))


@admin.register(Trust)
class TrustAdmin(ShownAndDeleted):
    """Users make trusts themselves."""

    list_display = ("trustor", "trustee", "project", "role", "impersonation", "expires_at")
    list_select_related = ()
    list_prefetched = ("trustor", "trustee", "project")
    list_filter = (
        word_filter("trustor", "trustor__username", "trustor__id"),
        word_filter("project", "project__name", "project__id"),
    )
    search_fields = ("id",)
    fields = (
        *("id", "trustor", "trustee", "holder", "project", "impersonation", "role", "others"),
        *("expires_at", "remaining_uses", "redelegation_count", "parent", "created_at"),
    )

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        remove_trust(obj, by=name_of(request))


@admin.register(Consumer)
class ConsumerAdmin(KindAdmin):
    """Consumers of OAuth; the secret of a new one is shown once, by the API alone."""

    kind = CONSUMER
    members = {"description": "description"}
    list_display = ("id", "description", "created_at")
    search_fields = ("id", "description")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(RequestToken)
class RequestTokenAdmin(ShownAndDeleted):
    """What consumers of OAuth wait for."""

    list_display = ("id", "consumer", "project", "user", "expires_at")
    list_select_related = ()
    list_prefetched = ("consumer", "project", "user")
    list_filter = (word_filter("project", "project__name", "project__id"),)
    search_fields = ("id", "consumer__id")
    fields = ("id", "consumer", "project", "user", "roles", "expires_at", "created_at")

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        obj.delete()


@admin.register(AccessToken)
class AccessTokenAdmin(ShownAndDeleted):
    """What users have given consumers of OAuth access to."""

    list_display = ("user", "consumer", "project", "role", "expires_at")
    list_select_related = ()
    list_prefetched = ("user", "consumer", "project")
    list_filter = (
        word_filter("user", "user__username", "user__id"),
        word_filter("project", "project__name", "project__id"),
    )
    search_fields = ("id", "consumer__id")
    fields = (
        *("id", "consumer", "user", "project", "role", "others"),
        *("expires_at", "created_at"),
    )

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        remove_access(obj, by=name_of(request))


@admin.register(Revocation)
class RevocationAdmin(RecordAdmin):
    """Tokens that were ended before their time, as long as they would have lasted."""

    list_display = ("audit_id", "revoked_at", "expires_at")
    list_filter = ("revoked_at",)
    search_fields = ("audit_id",)
    search_help_text = "Part of the audit id"
    ordering = ("-revoked_at",)


@admin.register(AccessRule)
class AccessRuleAdmin(ShownAndDeleted):
    """Rules that limit application credentials; one that does so stays."""

    list_display = ("user", "service", "method", "path")
    list_select_related = ()
    list_prefetched = ("user",)
    list_filter = (word_filter("user", "user__username", "user__id"),)
    search_fields = ("service", "path")
    fields = ("id", "user", "service", "method", "path")

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        remove_rule(obj, by=name_of(request))


@admin.register(DomainOption)
class DomainOptionAdmin(ShownAndDeleted):
    list_display = ("domain", "group", "option", "shown_value")
    list_select_related = ("domain",)
    list_filter = (word_filter("group", "group"),)
    search_fields = ("domain__name", "option")
    fields = ("domain", "group", "option", "shown_value")

    @admin.display(description="value")
    def shown_value(self, row: DomainOption) -> str:
        return "(a secret)" if kept.is_secret(row.group, row.option) else str(row.value)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        kept.remove_config(obj.domain, obj.group, obj.option, by=name_of(request))


@admin.register(RegisteredLimit)
class RegisteredLimitAdmin(KindAdmin):
    kind = REGISTERED
    members = {
        "service": "service_id",
        "region": "region_id",
        "resource_name": "resource_name",
        "default_limit": "default_limit",
        "description": "description",
    }
    list_display = ("resource_name", "service", "region", "default_limit")
    list_select_related = ("service",)
    search_fields = ("resource_name", "id")
    autocomplete_fields = ("service", "region")

    def make(self, members: Mapping[str, Any], *, by: str) -> Any:
        (made,) = limits.register_limits([members], by=by)
        return made


@admin.register(Limit)
class LimitAdmin(KindAdmin):
    kind = LIMIT
    new_body = NewLimit
    members = {
        "registered": "registered",
        "project": "project_id",
        "domain": "domain_id",
        "resource_limit": "resource_limit",
        "description": "description",
    }
    fixed = ("registered", "project", "domain")
    list_display = ("registered", "project", "domain", "resource_limit")
    list_select_related = ()
    list_prefetched = ("registered", "project", "domain")
    list_filter = (word_filter("project", "project__name", "project__id"),)
    search_fields = ("registered__resource_name", "id")
    autocomplete_fields = ("registered", "project", "domain")

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        return form if obj is not None else type("NewLimitForm", (NewLimitForm, form), {})

    def make(self, members: Mapping[str, Any], *, by: str) -> Any:
        (made,) = limits.make_limits([members], by=by)
        return made


class NewLimitForm(KindForm):
    """The registered limit stands for the service, region and name of the resource."""

    def clean(self) -> dict[str, Any]:
        registered = self.cleaned_data.get("registered")
        if registered is None:
            return forms.ModelForm.clean(self) or {}
        naming = limits.naming_of(registered)
        self.cleaned_data |= naming
        members = {name: member for name, member in self.members.items() if name != "registered"}
        self.members = {**members, **{name: name for name in naming}}  # type: ignore[misc] # of this form alone
        return super().clean()
