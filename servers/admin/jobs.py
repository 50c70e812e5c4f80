"""Jobs of the queue in the admin; what is sealed in them stays hidden."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob

from compute_site.console.lists import word_filter
from compute_site.console.read_only import RecordAdmin
from servers.admin.display import NOTHING, Links, moment, structured
from servers.admin.parts import Part, rows
from servers.lifecycle.jobs import SECRET_ARGUMENTS
from servers.models import Instance

MOST = 20


def jobs_part(links: Links, instance: Instance) -> Part:
    """The newest jobs about the server or its whole reservation."""
    about = _is_about(str(instance.uuid), instance.reservation_id)
    return rows(
        "Jobs in the queue",
        ("job", "task", "queue", "status", "attempts", "due"),
        (
            (
                links.to(job, job.pk),
                job.task_name,
                job.queue_name,
                job.status,
                job.attempts,
                moment(job.scheduled_at),
            )
            for job in ProcrastinateJob.objects.filter(about).order_by("-pk")[:MOST]
        ),
        empty="None: jobs that went well are not kept.",
    )


def _is_about(server_id: str, reservation_id: str) -> Q:
    return Q(args__server_id=server_id) | Q(args__reservation_id=reservation_id)


def shown_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a job without what carries secrets."""
    return {name: _shown(name, value) for name, value in arguments.items()}


def _shown(name: str, value: Any) -> Any:
    if name in SECRET_ARGUMENTS and value:
        return "hidden"
    return shown_arguments(value) if isinstance(value, dict) else value


class EventInline(admin.TabularInline):  # type: ignore[type-arg]
    model = ProcrastinateEvent
    can_delete = False
    extra = 0

    def has_add_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return False


admin.site.unregister(ProcrastinateJob)  # it would show all arguments, and stop jobs half-way


@admin.register(ProcrastinateJob)
class JobAdmin(RecordAdmin):
    list_display = ("id", "task_name", "queue_name", "status", "attempts", "about", "scheduled_at")
    list_filter = ("status", word_filter("queue", "queue_name"), word_filter("task", "task_name"))
    ordering = ("-id",)
    sortable_by = ("id",)
    search_fields = ("task_name",)
    search_help_text = "Id of a server or of a reservation"
    fields = (
        *("id", "task_name", "queue_name", "status", "attempts", "priority", "scheduled_at"),
        *("worker", "lock", "queueing_lock", "arguments"),
    )
    readonly_fields = fields
    inlines = (EventInline,)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        word = search_term.strip()
        return (queryset.filter(_is_about(word, word)) if word else queryset), False

    def get_object(self, *args: Any, **kwargs: Any) -> Any:
        """The job, whose text in the title of the page would show all arguments."""
        job = super().get_object(*args, **kwargs)
        if job is not None:
            job.args = shown_arguments(job.args)
        return job

    @admin.display(description="about")
    def about(self, job: ProcrastinateJob) -> str:
        return str(job.args.get("server_id") or job.args.get("reservation_id") or NOTHING)

    @admin.display(description="arguments")
    def arguments(self, job: ProcrastinateJob) -> str:
        return structured(job.args)
