"""What the identity service keeps for others: secrets of users, policies, and settings of
domains.
"""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from compute_site.identity.ids import new_id


class StoredCredential(models.Model):
    """A secret of a user for something else than this site, such as a pair of keys for EC2.

    Its blob is encrypted, and its id is made of the access key where its type is ``ec2``.
    """

    id = models.CharField(primary_key=True, max_length=64, default=new_id, db_collation="C")
    user = models.ForeignKey(
        "identity.User", on_delete=models.CASCADE, related_name="stored_credentials"
    )
    project = models.ForeignKey(
        "identity.Project",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="stored_credentials",
    )
    type = models.CharField(max_length=255)
    sealed_blob = models.TextField(editable=False)
    extra = models.JSONField(default=dict, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["id"]
        verbose_name = "credential"

    def __str__(self) -> str:
        return self.id


class StoredPolicy(models.Model):
    """A text that other services may read as their policy; nothing here acts by it."""

    id = models.CharField(primary_key=True, max_length=36, default=new_id, db_collation="C")
    type = models.CharField(max_length=255)
    blob = models.TextField()
    extra = models.JSONField(default=dict, blank=True, editable=False)

    class Meta:
        ordering = ["id"]
        verbose_name = "policy"
        verbose_name_plural = "policies"

    def __str__(self) -> str:
        return self.id


class PolicyAssociation(models.Model):
    """The policy of a place: an endpoint, a service, or a service in a region. A place has one."""

    policy = models.ForeignKey(StoredPolicy, on_delete=models.CASCADE, related_name="associations")
    endpoint = models.ForeignKey(
        "identity.Endpoint", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    service = models.ForeignKey(
        "identity.Service", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    region = models.ForeignKey(
        "identity.Region", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )

    class Meta:
        verbose_name = "policy of an endpoint or service"
        verbose_name_plural = "policies of endpoints and services"
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "service", "region"],
                name="identity_one_policy_a_place",
                nulls_distinct=False,
                violation_error_message="There is a policy for that already: delete it first.",
            ),
            models.CheckConstraint(
                condition=models.Q(endpoint__isnull=False, service=None, region=None)
                | models.Q(endpoint=None, service__isnull=False),
                name="identity_policy_has_a_place",
                violation_error_message="Name an endpoint, a service, or a service and a region.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.policy_id} for {self.endpoint_id or self.service_id}"


class DomainOption(models.Model):
    """A setting of a domain for the directory that its users could come from. It is kept and shown,
    as in a Keystone without drivers of single domains: users of all domains are in this database.
    """

    domain = models.ForeignKey("identity.Domain", on_delete=models.CASCADE, related_name="config")
    group = models.CharField(max_length=255)
    option = models.CharField(max_length=255)
    value = models.JSONField(editable=False)
    """Of a secret, its encrypted text."""

    class Meta:
        ordering = ["group", "option"]
        verbose_name = "setting of a domain"
        verbose_name_plural = "settings of domains"
        constraints = [
            models.UniqueConstraint(
                fields=["domain", "group", "option"], name="identity_domain_option_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.group}.{self.option} of {self.domain_id}"
