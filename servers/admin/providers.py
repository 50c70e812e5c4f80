"""Resource providers with their inventories and traits, and PCI devices, in the admin; changes go
through ``servers.hosts.provider``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from compute_site.console.lists import word_filter
from compute_site.console.read_only import RecordAdmin
from compute_site.values.keys import Key, WrongValue, read_keys, without
from servers.admin.display import Links, structure_of
from servers.admin.writable import RemovableAdmin
from servers.hosts.description import Stock
from servers.hosts.provider import ProviderChange, change_provider
from servers.hosts.reading import INVENTORY_KEYS, check_stock, resource_class, traits
from servers.models import Inventory, PciDevice, ProviderTrait, ResourceProvider
from servers.placement.resources.providers import delete_provider

AMOUNTS = ("total", "reserved", "min_unit", "max_unit", "step_size", "allocation_ratio")


class InventoryForm(forms.ModelForm):  # type: ignore[type-arg]
    """An amount of a class; the class of one that exists stays."""

    class Meta:
        model = Inventory
        fields = ("resource_class", *AMOUNTS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["resource_class"].disabled = self.instance.pk is not None

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        self._read(values)
        return values

    def _read(self, values: Mapping[str, Any]) -> None:
        keys = {"resource_class": Key(resource_class), **without(INVENTORY_KEYS, "total")}
        given = {name: values[name] for name in keys if name in values}
        _, problems = read_keys(given, keys)
        try:
            if not (problems or self.errors):
                check_stock(values["resource_class"], self.stock())
        except WrongValue as error:
            problems = [str(error)]
        for problem in problems:
            self.add_error(None, problem)

    def stock(self) -> Stock:
        return Stock(**{name: self.cleaned_data[name] for name in AMOUNTS})


class InventoryInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Inventory
    form = InventoryForm
    extra = 0
    fields = ("resource_class", *AMOUNTS, "used", "free")
    readonly_fields = ("used", "free")
    ordering = ("resource_class",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "change")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "change")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "change")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "view") or self._may(request, "change")

    def _may(self, request: HttpRequest, verb: str) -> bool:
        """What belongs to a provider is for those who may do that with the provider."""
        return bool(request.user.has_perm(f"servers.{verb}_resourceprovider"))


class ProviderForm(forms.ModelForm):  # type: ignore[type-arg]
    """The traits, a line each."""

    trait_names = forms.CharField(
        label="traits",
        required=False,
        widget=forms.Textarea(attrs={"rows": 12, "cols": 60}),
        help_text="A trait a line: a standard one, or CUSTOM_ and a name of your own.",
    )

    class Meta:
        model = ResourceProvider
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = ProviderTrait.objects.filter(provider=self.instance.pk).order_by("trait")
        self.held = frozenset(held.values_list("trait", flat=True))
        self.initial["trait_names"] = "\n".join(sorted(self.held))

    def clean_trait_names(self) -> frozenset[str]:
        try:
            return frozenset(traits(self.cleaned_data["trait_names"].split()))
        except WrongValue as error:
            raise ValidationError(str(error)) from None


@admin.register(ResourceProvider)
class ResourceProviderAdmin(RemovableAdmin):
    """Made by hosts and clients of Placement; what they have is changed here. The root of a
    host goes with the host.
    """

    form = ProviderForm
    inlines = (InventoryInline,)
    list_display = ("name", "uuid", "root", "generation")
    list_select_related = ("root",)
    search_fields = ("name__exact",)
    id_fields = ("uuid",)
    search_help_text = "Name or id"
    ordering = ("name",)
    fields = ("name", "uuid", "above", "host", "generation", "trait_names")
    readonly_fields = ("name", "uuid", "above", "host", "generation")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        provider = super().get_object(request, object_id, from_field)
        if provider is not None:
            provider.links = Links(request.user)
        return provider

    def remove(self, row: ResourceProvider) -> None:
        delete_provider(row.uuid)

    @admin.display(description="below")
    def above(self, provider: Any) -> str:
        return str(provider.links.to(provider.parent))

    @admin.display(description="host")
    def host(self, provider: Any) -> str:
        return str(provider.links.to(provider.root.node))

    @admin.display(description="traits")
    def trait_names(self, provider: ResourceProvider) -> str:
        """For who may only look."""
        return ", ".join(provider.traits.order_by("trait").values_list("trait", flat=True))

    def save_model(
        self, request: HttpRequest, obj: ResourceProvider, form: Any, change: bool
    ) -> None:
        """With the inventories, below."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        [inventories] = formsets
        stocks = {
            one.cleaned_data["resource_class"]: one.stock()
            for one in inventories.forms
            if one.has_changed() and one not in inventories.deleted_forms
        }
        gone = {one.instance.resource_class: Stock(total=0) for one in inventories.deleted_forms}
        wanted = form.cleaned_data["trait_names"]
        change_provider(
            form.instance.pk,
            ProviderChange(
                stocks=stocks | gone,
                new_traits=wanted - form.held,
                lost_traits=form.held - wanted,
            ),
        )
        # what Django tells of in the history
        inventories.new_objects = []
        inventories.changed_objects = []
        inventories.deleted_objects = []
        for one in inventories.forms:
            if one.has_changed():
                inventories.changed_objects.append((one.instance, one.changed_data))


@admin.register(PciDevice)
class PciDeviceAdmin(RecordAdmin):
    """Who has which device."""

    list_display = ("address", "node", "dev_type", "vendor_id", "product_id", "numa_node", "server")
    list_filter = (word_filter("node", "node__hypervisor_hostname"),)
    list_select_related = ("node", "consumer__instance")
    search_fields = ("address__exact",)
    id_fields = ("consumer__uuid",)
    search_help_text = "Address, or id of a server or move"
    ordering = ("-id",)
    sortable_by = ()
    more = structure_of("description")
    fields = ("address", "node", "server", "physical_network", "more")
    readonly_fields = ("server", "more")

    @admin.display(description="server")
    def server(self, device: PciDevice) -> str:
        return str(device.consumer.instance or device.consumer) if device.consumer else ""
