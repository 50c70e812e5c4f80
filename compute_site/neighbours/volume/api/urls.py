"""The URLs of the volume API, below ``/volume``; with and without the project in the path."""

from __future__ import annotations

from django.urls import include, path, re_path

from compute_site.neighbours.volume.api import (
    about,
    actions,
    attachments,
    backups,
    default_types,
    encryption,
    filters,
    messages,
    metadata,
    qos,
    quotas,
    transfers,
    types,
    views,
)

V3 = [
    path("volumes", views.Volumes.as_view()),
    path("volumes/detail", views.VolumesDetail.as_view()),
    path("volumes/summary", views.VolumesSummary.as_view()),
    path("volumes/<volume_id>", views.VolumeDetail.as_view()),
    path("volumes/<volume_id>/action", actions.VolumeAction.as_view()),
    path("volumes/<volume_id>/metadata", metadata.VolumeMetadata.as_view()),
    path("volumes/<volume_id>/metadata/<key>", metadata.VolumeMetadataItem.as_view()),
    path("volumes/<volume_id>/encryption", encryption.VolumeEncryption.as_view()),
    path("volumes/<volume_id>/encryption/<key>", encryption.VolumeEncryptionDetail.as_view()),
    path("attachments", attachments.Attachments.as_view()),
    path("attachments/detail", attachments.AttachmentsDetail.as_view()),
    path("attachments/<attachment_id>", attachments.AttachmentDetail.as_view()),
    path("attachments/<attachment_id>/action", attachments.AttachmentAction.as_view()),
    path("snapshots", views.Snapshots.as_view()),
    path("snapshots/detail", views.SnapshotsDetail.as_view()),
    path("snapshots/<snapshot_id>", views.SnapshotDetail.as_view()),
    path("snapshots/<snapshot_id>/action", actions.SnapshotAction.as_view()),
    path("snapshots/<snapshot_id>/metadata", metadata.SnapshotMetadata.as_view()),
    path("snapshots/<snapshot_id>/metadata/<key>", metadata.SnapshotMetadataItem.as_view()),
    *(
        path(f"{noun}{below}", view.as_view())
        for noun in ("volume-transfers", "os-volume-transfer")
        for below, view in (
            ("", transfers.Transfers),
            ("/detail", transfers.TransfersDetail),
            ("/<transfer_id>", transfers.TransferDetail),
            ("/<transfer_id>/accept", transfers.TransferAcceptance),
        )
    ),
    path("types", types.Types.as_view()),
    path("types/<type_id>", types.TypeDetail.as_view()),
    path("types/<type_id>/action", types.TypeAction.as_view()),
    path("types/<type_id>/extra_specs", types.TypeSpecs.as_view()),
    path("types/<type_id>/extra_specs/<key>", types.TypeSpec.as_view()),
    path("types/<type_id>/os-volume-type-access", types.TypeAccess.as_view()),
    path("types/<type_id>/encryption", encryption.TypeEncryptions.as_view()),
    path("types/<type_id>/encryption/<key>", encryption.TypeEncryptionDetail.as_view()),
    path("qos-specs", qos.QosList.as_view()),
    path("qos-specs/<specs_id>", qos.QosDetail.as_view()),
    path("qos-specs/<specs_id>/delete_keys", qos.QosKeysDeletion.as_view()),
    path("qos-specs/<specs_id>/associations", qos.QosTypes.as_view()),
    path("qos-specs/<specs_id>/associate", qos.QosAssociation.as_view()),
    path("qos-specs/<specs_id>/disassociate", qos.QosDisassociation.as_view()),
    path("qos-specs/<specs_id>/disassociate_all", qos.QosDisassociationOfAll.as_view()),
    path("os-availability-zone", about.Zones.as_view()),
    path("backups", backups.Backups.as_view()),
    path("backups/detail", backups.BackupsDetail.as_view()),
    path("backups/<backup_id>", backups.BackupDetail.as_view()),
    path("backups/<backup_id>/restore", backups.BackupRestoration.as_view()),
    path("backups/<backup_id>/action", backups.BackupAction.as_view()),
    path("messages", messages.Messages.as_view()),
    path("messages/<message_id>", messages.MessageDetail.as_view()),
    path("default-types", default_types.DefaultTypes.as_view()),
    path("default-types/<owner>", default_types.DefaultTypeDetail.as_view()),
    path("resource_filters", filters.ResourceFilters.as_view()),
    path("os-services", about.Services.as_view()),
    path("os-services/<action>", about.ServiceAction.as_view()),
    path("os-hosts", about.Hosts.as_view()),
    path("os-hosts/<host>", about.HostDetail.as_view()),
    path("capabilities/<host>", about.Capabilities.as_view()),
    path("scheduler-stats/get_pools", about.Pools.as_view()),
    path("extensions", about.Extensions.as_view()),
    path("limits", views.Limits.as_view()),
    path("os-quota-class-sets/<quota_class>", quotas.QuotaClass.as_view()),
    path("os-quota-sets/<owner>", quotas.QuotaSet.as_view()),
    path("os-quota-sets/<owner>/defaults", quotas.QuotaSetDefaults.as_view()),
]

urlpatterns = [
    path("", views.Versions.as_view()),
    re_path(r"^v3/?$", views.Versions.as_view(status=200)),
    re_path(r"^v3/(?P<project_id>[0-9a-f]{32}|[0-9a-f-]{36})/", include(V3)),
    path("v3/", include(V3)),
    re_path("", views.UnknownVolumeUrl.as_view()),
]
