"""``/image/v2/metadefs``: namespaces of definitions of metadata, and what is in them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from django.db.models import Model, Prefetch, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import BadRequest, NotFound
from compute_site.neighbours.image import metadef_shapes as shapes
from compute_site.neighbours.image import policies
from compute_site.neighbours.image.api import metadef_serializers as serializers
from compute_site.neighbours.image.api.metadef_representation import (
    NAMESPACES,
    show_association,
    show_changed_object,
    show_namespace,
    show_object,
    show_property,
    show_resource_type,
    show_tag,
    show_whole,
)
from compute_site.neighbours.image.api.queries import PAGING, read_order_by_one
from compute_site.neighbours.image.api.views import ImageView
from compute_site.neighbours.image.local import metadefs
from compute_site.neighbours.image.local.changes import KeyOfService
from compute_site.neighbours.image.models import (
    METADEF_VISIBILITIES,
    MetadefNamespace,
    ResourceType,
    ResourceTypeAssociation,
)
from compute_site.neighbours.serializers import Asked, BodySerializer
from compute_site.neighbours.service_view import UnknownFilter
from compute_site.values.keys import WrongValue, shown
from compute_site.values.words import PLAIN_TRUE

APPEND = "X-OpenStack-Append"
TIMES = ("created_at", "updated_at")
RESOURCE_TYPE, RESOURCE_TYPES, VISIBILITY = "resource_type", "resource_types", "visibility"
Row = TypeVar("Row", bound=Model)


class MetadefView(ImageView):
    query_parameters: ClassVar[frozenset[str]] = frozenset()
    """All that a ``GET`` takes; others are refused."""
    read_only: ClassVar[Collection[str]] = shapes.READ_ONLY
    """Keys that are shown and cannot be sent."""
    marked_by = "name"
    marker_unknown = NotFound

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        unknown = sorted(set(request.GET) - self.query_parameters)
        if request.method == "GET" and unknown:
            known = ", ".join(sorted(self.query_parameters)) or "none"
            raise UnknownFilter(f"The parameter {unknown[0][:60]} is not known; known: {known}.")

    def read_object_body(self, serializer: type[BodySerializer]) -> Asked:
        """The body, which is the object itself.

        Raises:
            KeyOfService: it has keys that only the service sets.
        """
        body = self.read_body()
        if not isinstance(body, dict):
            raise BadRequest("Send an object.")
        barred = [key for key in self.read_only if key in body]
        if barred:
            raise KeyOfService(f"Only the service sets {', '.join(barred)}.")
        return serializer.read(body, context=self.serializer_context)

    def find_namespace(self, name: str) -> MetadefNamespace:
        """Raises: NotFound: there is none of the name, or it is not for the caller."""
        visible = MetadefNamespace.objects.visible_to(self.caller)
        found = visible.filter(namespace=name).first()
        if found is None:
            raise NotFound(f"There is no namespace {name[:80]}.")
        return found

    def asked_page(self, rows: QuerySet[Row]) -> list[Row]:
        columns = {key: key for key in (self.marked_by, *TIMES)} | {"id": "pk"}
        return self.page(rows, read_order_by_one(self.request.GET, columns, "They are"))


class Namespaces(MetadefView):
    """``GET`` and ``POST /image/v2/metadefs/namespaces``"""

    query_parameters: ClassVar = PAGING | {VISIBILITY, RESOURCE_TYPES}
    marked_by = "namespace"
    bodies: ClassVar = {"post": ("", serializers.NamespaceCreate)}

    def get(self, request: Request) -> Response:
        for rule in (policies.LIST_NAMESPACES, policies.LIST_RESOURCE_TYPES):
            self.caller.permit(rule)
        found = self.asked_page(self._chosen())
        given = request.GET.urlencode()
        body: dict[str, Any] = {
            "namespaces": [
                show_namespace(one)
                | _some(resource_type_associations=_associations(one.resource_types.all()))
                for one in found
            ],
            "first": f"{NAMESPACES}?{given}" if given else NAMESPACES,
            "schema": "/v2/schemas/metadefs/namespaces",
        }
        if self.more and found:
            body["next"] = self.next_url(NAMESPACES, found[-1])
        return Response(body)

    def _chosen(self) -> QuerySet[MetadefNamespace]:
        rows = MetadefNamespace.objects.visible_to(self.caller).prefetch_related(
            Prefetch(
                "resource_types",
                ResourceTypeAssociation.objects.select_related("resource_type").order_by("pk"),
            )
        )
        visibility = self.request.GET.get(VISIBILITY)
        if visibility:
            if visibility not in METADEF_VISIBILITIES:
                raise BadRequest(f"There is no visibility {shown(visibility)}.")
            rows = rows.filter(visibility=visibility)
        types = self.request.GET.get(RESOURCE_TYPES)
        if types is not None:
            of_types = ResourceTypeAssociation.objects.filter(
                resource_type__name__in=types.split(",")
            )
            rows = rows.filter(pk__in=of_types.values("namespace"))
        return rows

    def post(self, request: Request) -> Response:
        asked = self.read_object_body(serializers.NamespaceCreate)
        namespace = metadefs.create_namespace(self.caller, asked.values)
        shown_ = show_namespace(namespace) | _some(**metadefs.contents_of(namespace))
        location = {"Location": f"{self.root}/image{NAMESPACES}/{namespace.namespace}"}
        return Response(shown_, status=201, headers=location)


class Namespace(MetadefView):
    """``GET``, ``PUT`` and ``DELETE /image/v2/metadefs/namespaces/{namespace}``"""

    query_parameters: ClassVar = frozenset((RESOURCE_TYPE,))
    bodies: ClassVar = {"put": ("", serializers.NamespaceUpdate)}

    def get(self, request: Request, namespace: str) -> Response:
        self.caller.permit(policies.SHOW_NAMESPACE)
        found = self.find_namespace(namespace)
        for rule in (
            *(policies.LIST_RESOURCE_TYPES, policies.LIST_METADEF_OBJECTS),
            *(policies.LIST_METADEF_PROPERTIES, policies.LIST_METADEF_TAGS),
        ):
            self.caller.permit(rule)
        return Response(show_whole(found, request.GET.get(RESOURCE_TYPE)))

    def put(self, request: Request, namespace: str) -> Response:
        asked = self.read_object_body(serializers.NamespaceUpdate)
        found = self.find_namespace(namespace)
        changed = metadefs.change_namespace(self.caller, found, asked.values, asked.given)
        return Response(show_namespace(changed))

    def delete(self, request: Request, namespace: str) -> Response:
        metadefs.delete_namespace(self.caller, self.find_namespace(namespace))
        return Response(status=204)


class Parts(MetadefView):
    """A list of what is in a namespace."""

    kind: ClassVar[metadefs.Kind[Any]]

    def delete(self, request: Request, namespace: str) -> Response:
        metadefs.empty_namespace(self.caller, self.find_namespace(namespace), self.kind)
        return Response(status=204)


class Part(MetadefView):
    """One of them."""

    kind: ClassVar[metadefs.Kind[Any]]

    def delete(self, request: Request, namespace: str, definition: str) -> Response:
        metadefs.delete_part(self.caller, self.find_namespace(namespace), self.kind, definition)
        return Response(status=204)


class Properties(Parts):
    """``GET``, ``POST`` and ``DELETE /image/v2/metadefs/namespaces/{namespace}/properties``"""

    kind = metadefs.PROPERTIES
    read_only = TIMES
    bodies: ClassVar = {"post": ("", serializers.Property)}

    def get(self, request: Request, namespace: str) -> Response:
        self.caller.permit(policies.LIST_METADEF_PROPERTIES)
        rows = self.find_namespace(namespace).properties.order_by("pk")
        return Response({"properties": {one.name: one.definition for one in rows}})

    def post(self, request: Request, namespace: str) -> Response:
        asked = self.read_object_body(serializers.Property)
        found = self.find_namespace(namespace)
        made = metadefs.create_part(self.caller, found, self.kind, asked.values)
        return Response(show_property(made), status=201)


class Property(Part):
    """``/image/v2/metadefs/namespaces/{namespace}/properties/{definition}``: one property."""

    kind = metadefs.PROPERTIES
    read_only = TIMES
    query_parameters: ClassVar = frozenset((RESOURCE_TYPE,))
    bodies: ClassVar = {"put": ("", serializers.Property)}

    def get(self, request: Request, namespace: str, definition: str) -> Response:
        """With a resource type, the name has the prefix of that."""
        self.caller.permit(policies.SHOW_METADEF_PROPERTY)
        found, kind = self.find_namespace(namespace), request.GET.get(RESOURCE_TYPE)
        if kind:
            self.caller.permit(policies.SHOW_RESOURCE_TYPE)
            prefix = metadefs.find_association(found, kind).prefix
            if not prefix or not definition.startswith(prefix):
                raise NotFound(
                    f"The property {definition[:80]} does not begin with the type's prefix."
                )
            definition = definition.removeprefix(prefix)
        return Response(show_property(metadefs.find_part(found.properties.all(), definition)))

    def put(self, request: Request, namespace: str, definition: str) -> Response:
        asked = self.read_object_body(serializers.Property)
        found = self.find_namespace(namespace)
        changed = metadefs.change_part(self.caller, found, self.kind, definition, asked.values)
        return Response(show_property(changed))


class Objects(Parts):
    """``GET``, ``POST`` and ``DELETE /image/v2/metadefs/namespaces/{namespace}/objects``"""

    kind = metadefs.OBJECTS
    query_parameters = PAGING
    bodies: ClassVar = {"post": ("", serializers.Object)}

    def get(self, request: Request, namespace: str) -> Response:
        self.caller.permit(policies.LIST_METADEF_OBJECTS)
        found = self.find_namespace(namespace)
        shown_ = [show_object(found, one) for one in self.asked_page(found.grouped.all())]
        return Response({"objects": shown_, "schema": "/v2/schemas/metadefs/objects"})

    def post(self, request: Request, namespace: str) -> Response:
        asked = self.read_object_body(serializers.Object)
        found = self.find_namespace(namespace)
        made = metadefs.create_part(self.caller, found, self.kind, asked.values)
        return Response(show_changed_object(found, made), status=201)


class Object(Part):
    """``/image/v2/metadefs/namespaces/{namespace}/objects/{definition}``: one object."""

    kind = metadefs.OBJECTS
    bodies: ClassVar = {"put": ("", serializers.Object)}

    def get(self, request: Request, namespace: str, definition: str) -> Response:
        self.caller.permit(policies.SHOW_METADEF_OBJECT)
        found = self.find_namespace(namespace)
        return Response(show_object(found, metadefs.find_part(found.grouped.all(), definition)))

    def put(self, request: Request, namespace: str, definition: str) -> Response:
        asked = self.read_object_body(serializers.Object)
        found = self.find_namespace(namespace)
        changed = metadefs.change_part(self.caller, found, self.kind, definition, asked.values)
        return Response(show_changed_object(found, changed))


class Tags(Parts):
    """``GET``, ``POST`` and ``DELETE /image/v2/metadefs/namespaces/{namespace}/tags``"""

    kind = metadefs.TAGS
    read_only = ()
    query_parameters = PAGING
    bodies: ClassVar = {"post": ("", serializers.Tags)}

    def get(self, request: Request, namespace: str) -> Response:
        self.caller.permit(policies.LIST_METADEF_TAGS)
        found = self.asked_page(self.find_namespace(namespace).tags.all())
        return Response({"tags": [{"name": one.name} for one in found]})

    def post(self, request: Request, namespace: str) -> Response:
        """``X-OpenStack-Append: true``: beside those that are there."""
        tags = self.read_object_body(serializers.Tags).values["tags"]
        found, appends = self.find_namespace(namespace), self.request.headers.get(APPEND, "")
        metadefs.create_tags(
            self.caller, found, tags, appends=appends.strip().lower() in PLAIN_TRUE
        )
        return Response({"tags": tags}, status=201)


class Tag(Part):
    """``/image/v2/metadefs/namespaces/{namespace}/tags/{definition}``: one tag."""

    kind = metadefs.TAGS
    read_only = TIMES
    bodies: ClassVar = {"put": ("", serializers.Tag)}

    def get(self, request: Request, namespace: str, definition: str) -> Response:
        self.caller.permit(policies.SHOW_METADEF_TAG)
        found = self.find_namespace(namespace)
        return Response(show_tag(metadefs.find_part(found.tags.all(), definition)))

    def post(self, request: Request, namespace: str, definition: str) -> Response:
        found = self.find_namespace(namespace)
        try:
            name = shapes.name(definition)
        except WrongValue as error:
            raise BadRequest(f"The name of the tag: {error}", field="name") from None
        made = metadefs.create_part(self.caller, found, self.kind, {"name": name})
        return Response(show_tag(made), status=201)

    def put(self, request: Request, namespace: str, definition: str) -> Response:
        asked = self.read_object_body(serializers.Tag)
        found = self.find_namespace(namespace)
        changed = metadefs.change_part(self.caller, found, self.kind, definition, asked.values)
        return Response(show_tag(changed))


class ResourceTypes(MetadefView):
    """``GET /image/v2/metadefs/resource_types``"""

    def get(self, request: Request) -> Response:
        self.caller.permit(policies.LIST_RESOURCE_TYPES)
        kinds = ResourceType.objects.order_by("pk")
        return Response({"resource_types": [show_resource_type(kind) for kind in kinds]})


class Associations(MetadefView):
    """``GET`` and ``POST /image/v2/metadefs/namespaces/{namespace}/resource_types``"""

    read_only = TIMES
    bodies: ClassVar = {"post": ("", serializers.Association)}

    def get(self, request: Request, namespace: str) -> Response:
        for rule in (policies.LIST_RESOURCE_TYPES, policies.SHOW_RESOURCE_TYPE):
            self.caller.permit(rule)
        rows = self.find_namespace(namespace).resource_types.select_related("resource_type")
        return Response({"resource_type_associations": _associations(rows.order_by("pk"))})

    def post(self, request: Request, namespace: str) -> Response:
        asked = self.read_object_body(serializers.Association)
        made = metadefs.associate(self.caller, self.find_namespace(namespace), asked.values)
        return Response(show_association(made), status=201)


class Association(MetadefView):
    """``DELETE /image/v2/metadefs/namespaces/{namespace}/resource_types/{resource_type}``"""

    def delete(self, request: Request, namespace: str, resource_type: str) -> Response:
        metadefs.dissociate(self.caller, self.find_namespace(namespace), resource_type)
        return Response(status=204)


def _associations(rows: Any) -> Sequence[Mapping[str, Any]]:
    return [show_association(one) for one in rows]


def _some(**contents: Any) -> dict[str, Any]:
    """What is not empty: Glance leaves out the rest."""
    return {key: value for key, value in contents.items() if value}
