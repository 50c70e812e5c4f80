"""The URLs of the image API, below ``/image``."""

from __future__ import annotations

from django.urls import path, re_path

from compute_site.neighbours.image.api import metadefs, views
from compute_site.neighbours.image.api.metadef_representation import SCHEMAS
from compute_site.neighbours.image.api.representation import (
    IMAGE_SCHEMA,
    IMAGES_SCHEMA,
    MEMBER_SCHEMA,
    MEMBERS_SCHEMA,
    TASK_SCHEMA,
    TASKS_SCHEMA,
)

NAMESPACE = "v2/metadefs/namespaces/<namespace>"

urlpatterns = [
    path("", views.Versions.as_view()),
    path("versions", views.Versions.as_view(status=200)),
    re_path(r"^v2/?$", views.Versions.as_view(status=200)),
    path("v2/images", views.ImageList.as_view()),
    path("v2/images/<image_id>", views.ImageDetail.as_view()),
    path("v2/images/<image_id>/file", views.ImageFile.as_view()),
    path("v2/images/<image_id>/stage", views.ImageStage.as_view()),
    path("v2/images/<image_id>/import", views.ImageImport.as_view()),
    path("v2/info/import", views.ImportInfo.as_view()),
    path("v2/info/stores", views.StoresInfo.as_view()),
    path(
        "v2/images/<image_id>/actions/deactivate",
        views.ImageAction.as_view(status="deactivated"),
    ),
    path("v2/images/<image_id>/actions/reactivate", views.ImageAction.as_view(status="active")),
    path("v2/images/<image_id>/tasks", views.ImageTasks.as_view()),
    path("v2/images/<image_id>/tags/<tag>", views.ImageTag.as_view()),
    path("v2/images/<image_id>/members", views.ImageMembers.as_view()),
    path("v2/images/<image_id>/members/<member_id>", views.ImageMemberDetail.as_view()),
    path("v2/tasks", views.Tasks.as_view()),
    path("v2/tasks/<task_id>", views.TaskDetail.as_view()),
    path("v2/info/usage", views.UsageInfo.as_view()),
    *(
        path(f"v2/schemas/{document['name']}", views.Schema.as_view(schema_document=document))
        for document in (
            *(IMAGE_SCHEMA, IMAGES_SCHEMA, MEMBER_SCHEMA, MEMBERS_SCHEMA),
            *(TASK_SCHEMA, TASKS_SCHEMA),
        )
    ),
    *(
        path(f"v2/schemas/metadefs/{name}", views.Schema.as_view(schema_document=document))
        for name, document in SCHEMAS.items()
    ),
    path("v2/metadefs/resource_types", metadefs.ResourceTypes.as_view()),
    path("v2/metadefs/namespaces", metadefs.Namespaces.as_view()),
    path(NAMESPACE, metadefs.Namespace.as_view()),
    path(f"{NAMESPACE}/objects", metadefs.Objects.as_view()),
    path(f"{NAMESPACE}/objects/<definition>", metadefs.Object.as_view()),
    path(f"{NAMESPACE}/properties", metadefs.Properties.as_view()),
    path(f"{NAMESPACE}/properties/<definition>", metadefs.Property.as_view()),
    path(f"{NAMESPACE}/tags", metadefs.Tags.as_view()),
    path(f"{NAMESPACE}/tags/<definition>", metadefs.Tag.as_view()),
    path(f"{NAMESPACE}/resource_types", metadefs.Associations.as_view()),
    path(f"{NAMESPACE}/resource_types/<resource_type>", metadefs.Association.as_view()),
    re_path("", views.UnknownImageUrl.as_view()),
]
