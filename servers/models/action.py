"""The history of a server: actions with their events, and faults."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from servers.models.instance import Instance


class InstanceAction(models.Model):
    """One request to a server, such as ``reboot``, or an action of the site itself."""

    instance = models.ForeignKey(
        Instance, on_delete=models.CASCADE, related_name="actions", db_index=False
    )
    action = models.CharField(max_length=64)
    request_id = models.CharField(max_length=64)
    user_id = models.CharField(max_length=255)
    project_id = models.CharField(max_length=255)
    """Both are empty where the site itself did it."""
    start_time = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    finish_time = models.DateTimeField(null=True, blank=True)
    message = models.CharField(max_length=255, null=True, blank=True)

    class Meta:
        verbose_name = "action"
        ordering = ["-start_time", "-id"]
        indexes = [models.Index(fields=["instance", "request_id"], name="servers_action_request")]

    def __str__(self) -> str:
        return self.action


class InstanceActionEvent(models.Model):
    """One step of an action."""

    action = models.ForeignKey(InstanceAction, on_delete=models.CASCADE, related_name="events")
    event = models.CharField(max_length=255)
    start_time = models.DateTimeField(default=timezone.now)
    finish_time = models.DateTimeField(null=True, blank=True)
    result = models.CharField(max_length=16, null=True, blank=True)
    traceback = models.TextField(null=True, blank=True)
    host = models.CharField(max_length=255, null=True, blank=True)
    details = models.TextField(null=True, blank=True)

    class Meta:
        verbose_name = "event of an action"
        verbose_name_plural = "events of actions"
        ordering = ["-start_time", "-id"]

    def __str__(self) -> str:
        return self.event


class ServerFault(models.Model):
    """Why a server is in ``ERROR``; the newest one is shown. ``details`` are for admins when the
    code is 500.
    """

    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="faults")
    code = models.PositiveSmallIntegerField(default=500)
    message = models.CharField(max_length=255)
    details = models.TextField(blank=True, default="")
    host = models.CharField(max_length=255, null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "servers_fault"
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.message
