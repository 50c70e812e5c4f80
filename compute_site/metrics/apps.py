from django.apps import AppConfig


class MetricsConfig(AppConfig):
    name = "compute_site.metrics"
    label = "metrics"
    verbose_name = "Metrics"
