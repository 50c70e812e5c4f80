"""``/metrics``: figures of the whole site for Prometheus.

Counters are those of all processes (``compute_site.metrics``); the rest is read from the database
when it is asked for.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterator

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from compute_site.db.outages import reason_of
from compute_site.metrics.counts import read_counts
from compute_site.metrics.meters import (
    BUCKETS,
    BUILDS,
    ENDLESS,
    PLACEMENT,
    REQUESTS,
    SERVICE_CALLS,
    SERVICE_SECONDS,
    flush,
)
from compute_site.request_id import address_of
from quotas.dashboard import find_near_limit
from servers.hosts.services import count_hosts
from servers.read.queue import are_workers_up, read_queues
from servers.usage import count_states

PREFIX = "compute_site"
MOST_QUOTAS = 500
"""Quotas that are shown, the fullest first."""
LEAST_SHARE = 0.5
"""Of a quota that is shown."""
COUNTERS = {
    REQUESTS: ("Answered requests.", ("method", "route", "status")),
    BUILDS: ("Builds of servers that have come to an end.", ("result",)),
    SERVICE_CALLS: ("Calls of services elsewhere.", ("service", "method", "result")),
    SERVICE_SECONDS: ("How long these calls took together.", ("service",)),
}


@csrf_exempt
def show_metrics(request: HttpRequest) -> HttpResponse:
    """For who has the token of the option, or, without one, for this machine."""
    if not is_permitted(request):
        text = "Metrics are for this machine, or for who has the token (metrics_token).\n"
        return HttpResponse(text, status=403, content_type="text/plain; charset=utf-8")
    registry = CollectorRegistry(auto_describe=False)
    try:
        flush()
        registry.register(SiteCollector())
        text = generate_latest(registry).decode()
    except DatabaseError as error:
        reason = f"The database does not answer: {reason_of(error)}\n"
        return HttpResponse(reason, status=503, content_type="text/plain; charset=utf-8")
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


def is_permitted(request: HttpRequest) -> bool:
    wanted: str = settings.OPTIONS.metrics_token
    if wanted:
        scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        given = token.strip().encode("utf-8", "surrogateescape")
        return scheme.lower() == "bearer" and hmac.compare_digest(given, wanted.encode())
    try:
        return ipaddress.ip_address(address_of(request)).is_loopback
    except ValueError:
        return False


class SiteCollector(Collector):
    """Everything that ``/metrics`` shows; a constant number of statements."""

    def collect(self) -> Iterator[Metric]:
        rows = read_counts()
        for name, (text, labels) in COUNTERS.items():
            counter = CounterMetricFamily(f"{PREFIX}_{name}", text, labels=labels)
            for own, values, value in rows:
                if own == name and len(values) == len(labels):
                    counter.add_metric(values, value)
            yield counter
        yield _histogram({(name, *values): value for name, values, value in rows}, PLACEMENT)
        yield from _queues()
        yield from _hosts()
        yield _servers()
        yield from _quotas()


def _histogram(rows: dict[tuple[str, ...], float], name: str) -> Metric:
    """Prometheus wants each bucket to hold the smaller ones as well."""
    buckets, total = [], 0.0
    for bound in [*map(str, BUCKETS), ENDLESS]:
        total += rows.get((f"{name}_bucket", bound), 0.0)
        buckets.append((bound, total))
    histogram = HistogramMetricFamily(
        f"{PREFIX}_{name}", "How long it took to find hosts and to take room on them."
    )
    histogram.add_metric([], buckets, sum_value=rows.get((f"{name}_sum",), 0.0))
    return histogram


def _queues() -> Iterator[Metric]:
    waiting = GaugeMetricFamily(
        f"{PREFIX}_jobs_waiting", "Jobs that are due and wait for a worker.", labels=("queue",)
    )
    oldest = GaugeMetricFamily(
        f"{PREFIX}_jobs_oldest_seconds", "How long the oldest has waited.", labels=("queue",)
    )
    for queue in read_queues():
        waiting.add_metric([queue.name], queue.waiting)
        oldest.add_metric([queue.name], queue.seconds)
    up = GaugeMetricFamily(f"{PREFIX}_workers_up", "1: somebody works on the queues.")
    up.add_metric([], float(are_workers_up()))
    yield from (waiting, oldest, up)


def _hosts() -> Iterator[Metric]:
    numbers = count_hosts()
    hosts = GaugeMetricFamily(
        f"{PREFIX}_hosts",
        "Hosts by state; a disabled one is up or down as well.",
        labels=("state",),
    )
    for state in ("up", "down", "disabled"):
        hosts.add_metric([state], getattr(numbers, state))
    yield hosts


def _servers() -> Metric:
    servers = GaugeMetricFamily(f"{PREFIX}_servers", "Servers by state.", labels=("state",))
    for state, number in sorted(count_states().items()):
        servers.add_metric([state], number)
    return servers


def _quotas() -> Iterator[Metric]:
    labels = ("project_id", "project", "resource")
    used = GaugeMetricFamily(
        f"{PREFIX}_quota_used", "Used of a quota, where that is half of it or more.", labels=labels
    )
    limit = GaugeMetricFamily(f"{PREFIX}_quota_limit", "The limit of the same.", labels=labels)
    for row in find_near_limit(LEAST_SHARE, most=MOST_QUOTAS):
        values = [row.project_id, row.project, row.resource]
        used.add_metric(values, row.in_use)
        limit.add_metric(values, row.limit)
    yield from (used, limit)
